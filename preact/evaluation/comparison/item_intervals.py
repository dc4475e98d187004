"""Intervals from drawing the questions anew.

Another inventory would ask other questions, and repeated runs ask the same ones again: how far a figure hangs
on them is seen with one run already. Within each trait, whole clusters are drawn with replacement: an item
with its scores from all runs where single answers were judged, else the answers judged together. Both levels
of a trait, and both systems of a contrast, are drawn together, since they answered the same questions.

Of n clusters n - 1 are drawn (Rao and Wu, 1988, JASA 83, 231-241), so that the spread of the draws is not
too small, and the percentile interval is widened from the normal quantile to Student's, with n - 1 degrees of
freedom a trait, where n counts those with a score. Where runs group the items differently, an item is in a
cluster of each run; as the runs share their items the interval is then as wide as one run's.
"""

import math
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from scipy import stats

from oceanchat.statistics.figure import Figure
from oceanchat.traits import CODES
from preact.evaluation.comparison.statistics import CONFIDENCE, FloatArray

DRAWS = 2000
ROUNDING = 1e-9
NO_VARIANCE = "all items gave the same, which says nothing about other items"
TOO_FEW = "no interval over items: all of a trait were judged together, or too few have a score"


class ClusterScore(NamedTuple):
    """The score that one trait-level's answers to some items got together, in one run."""

    trait_level: str
    """Its code, such as 'O+'."""
    run: int
    items: tuple[str, ...]
    score: float
    """1 to 5."""


Weights = Mapping[str, float]
"""A quantity as a weighted sum over trait-level codes, such as {'O+': 0.2, ..., 'N-': -0.2}."""
_Clusters = dict[str, dict[tuple[str, ...], dict[str, list[float]]]]
"""Trait -> items that were judged together -> trait-level code -> scores."""


def item_interval(value: float, scores: Sequence[ClusterScore], weights: Weights) -> Figure:
    """One system's figure with its interval over items; `value` is what the table prints."""
    return _interval(value, [(1.0, _clusters(scores))], weights)


def contrast_interval(
    value: float, first: Sequence[ClusterScore], second: Sequence[ClusterScore], weights: Weights
) -> Figure:
    """The difference of two systems with its interval over the items both answered, in runs both have."""
    runs = {score.run for score in first} & {score.run for score in second}
    both = [_clusters(score for score in scores if score.run in runs) for scores in (first, second)]
    shared = {trait: both[0].get(trait, {}).keys() & both[1].get(trait, {}).keys() for trait in both[0]}
    drawn_from = [
        {t: {c: own[t][c] for c in clusters} for t, clusters in shared.items() if clusters} for own in both
    ]
    return _interval(value, [(1.0, drawn_from[0]), (-1.0, drawn_from[1])], weights)


def _clusters(scores: Iterable[ClusterScore]) -> _Clusters:
    clusters: _Clusters = defaultdict(lambda: defaultdict(lambda: defaultdict(list)))
    for score in scores:
        clusters[score.trait_level[0]][tuple(sorted(score.items))][score.trait_level].append(score.score)
    return clusters


def _interval(value: float, sides: Sequence[tuple[float, _Clusters]], weights: Weights) -> Figure:
    """The interval around a value, from deviations of draws; no ends where nothing can be drawn."""
    if math.isnan(value):
        return Figure(None, note="a score is missing")
    deviations, freedom = np.zeros(DRAWS), 0
    for trait in dict.fromkeys(code[0] for code in weights):
        clusters = sides[0][1].get(trait, {})
        if len(clusters) < 2:
            return Figure(value, note=TOO_FEW)
        widening, scored = math.sqrt(_times_asked(clusters)), []
        for code in (code for code in weights if code[0] == trait):
            for sign, own in sides:
                means = _column(own[trait], code)
                scored.append(int(np.count_nonzero(~np.isnan(means))))
                if scored[-1] < 2:
                    return Figure(value, note=TOO_FEW)
                deviations += sign * weights[code] * widening * _draw(means, CODES.index(f"{trait}+"))
        freedom += min(scored) - 1
    if np.max(np.abs(deviations)) < ROUNDING:
        return Figure(value, note=NO_VARIANCE)
    tails = (1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2
    student = stats.t.ppf(tails[1], freedom) / stats.norm.ppf(tails[1])
    low, high = student * np.nanquantile(deviations, tails)
    return Figure(value, value + float(low), value + float(high))


def _times_asked(clusters: Collection[tuple[str, ...]]) -> float:
    """In how many clusters an item is, on average."""
    return sum(map(len, clusters)) / len({item for cluster in clusters for item in cluster})


def _column(clusters: Mapping[tuple[str, ...], Mapping[str, Sequence[float]]], code: str) -> FloatArray:
    """Each cluster's mean score for a trait-level, in the order of its items; NaN where it has none."""
    rows = (clusters[items].get(code, ()) for items in sorted(clusters))
    return np.array([np.mean(row) if len(row) else math.nan for row in rows])


def _draw(means: FloatArray, seed: int) -> FloatArray:
    """Deviations of the drawn means from the mean: equal seeds draw the same clusters.

    A cluster without a score deviates by nothing, and the others by more in turn. Leaving out the draws
    without any score would favour the clusters that have one, and shift what is drawn beside them.
    """
    picks = np.random.default_rng(seed).integers(0, len(means), size=(DRAWS, len(means) - 1))
    scored = ~np.isnan(means)
    own = np.where(scored, means - np.nanmean(means), 0.0) / scored.mean()
    deviations: FloatArray = own[picks].mean(axis=1)
    return deviations
