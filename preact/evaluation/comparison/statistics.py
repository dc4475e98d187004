"""Statistics for a handful of runs.

Intervals, Welch's t, corrections for many tests, effects and agreement, as pure functions over numbers; they
know nothing of traits or judges. Five runs are few: the half-width of a 95 % interval is 1.24 standard
deviations, and only differences of about two standard deviations are found with 80 % power. Zero variance is
stated in words and never hidden by adding a small number. scipy computes what it has; Holm's correction,
Hedges' g, ICC(2,1) and the bootstrap over whole clusters it has not.
"""

import itertools
import math
import statistics
import warnings
from collections.abc import Callable, Hashable, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import optimize, stats

from oceanchat.statistics.figure import Figure

FloatArray = npt.NDArray[np.float64]
CONFIDENCE = 0.95
MIN_PAIRS = 5
"""Pairs below which a sign-flip test cannot come near .05, so that none is reported."""
MAX_PAIRS = 20
"""Pairs up to which all flips are tried."""


class Contrast(NamedTuple):
    """Two groups of runs compared."""

    difference: float
    """Mean of the first less mean of the second, in scale points."""
    low: float
    high: float
    """Ends of the 95 % interval of the difference over runs (Welch-Satterthwaite), in scale points; NaN when
    nothing can be tested."""
    t: float
    """Welch's t; infinite when neither group varies and they differ, NaN when nothing can be said."""
    p: float
    """Two-sided p; NaN when nothing can be tested, as where neither group varies."""
    g: float
    """Hedges' g (pooled sample standard deviations, corrected for small samples); infinite like t."""
    note: str
    """What the numbers cannot say, in words; empty when there is nothing to add."""


class RaterAgreement(NamedTuple):
    """How far two sets of scores for the same things agree."""

    pairs: int
    """Pairs in which both scores exist."""
    correlation: float
    """Pearson's r; NaN when one side does not vary."""
    icc: float
    """ICC(2,1), absolute agreement of single ratings; NaN when nothing varies."""
    difference: float
    """Mean absolute difference in scale points."""


def spread(values: Sequence[float]) -> float:
    """Population standard deviation (the paper's Table 8); NaN below two values, which have no spread."""
    return statistics.pstdev(values) if len(values) > 1 else math.nan


def mean_interval(values: Sequence[float], runs: int = 0) -> Figure:
    """The mean with its 95 % t interval; below two values there is no interval.

    `runs` is how many runs there are, those without a value included.
    """
    if len(values) < 2:
        short = "fewer than two runs" if runs < 2 else f"all its scores exist in {len(values)} of {runs} runs"
        note = f"{short}, so there is no spread over runs"
        return Figure(statistics.fmean(values) if values else None, note=note)
    if len(set(values)) == 1:
        return Figure(values[0], note="every run gave the same value, which says nothing about other runs")
    mean, half = statistics.fmean(values), half_width(len(values)) * statistics.stdev(values)
    return Figure(mean, mean - half, mean + half)


def half_width(runs: int) -> float:
    """The half-width of a mean's 95 % interval in sample standard deviations; 1.24 for five runs."""
    return _t_quantile(runs - 1) / math.sqrt(runs)


def welch(first: Sequence[float], second: Sequence[float], fewest_runs: int = 0) -> Contrast:
    """Welch's t test of two groups of runs, two-sided, with interval and effect size.

    `fewest_runs` is how many runs the smaller side has, those without a value included.
    """
    if len(first) < 2 or len(second) < 2:
        difference = statistics.fmean(first) - statistics.fmean(second) if first and second else math.nan
        few = "all its scores exist in fewer than two runs" if fewest_runs > 1 else "fewer than two runs"
        note = f"{few} on a side, so there is no spread to test against"
        return Contrast(difference, math.nan, math.nan, math.nan, math.nan, math.nan, note)
    difference = statistics.fmean(first) - statistics.fmean(second)
    variances = [statistics.variance(group) for group in (first, second)]
    if variances == [0, 0]:
        return _without_variance(difference)
    with warnings.catch_warnings():
        # scipy warns of a side that does not vary; the note of the contrast says so instead.
        warnings.filterwarnings("ignore", "Precision loss", RuntimeWarning)
        test = stats.ttest_ind(first, second, equal_var=False)
    interval = test.confidence_interval(CONFIDENCE)
    note = "one side gave the same value in every run" if 0 in variances else ""
    g = hedges_g(first, second)
    return Contrast(
        difference,
        float(interval.low),
        float(interval.high),
        float(test.statistic),
        float(test.pvalue),
        g,
        note,
    )


def hedges_g(first: Sequence[float], second: Sequence[float]) -> float:
    """Hedges' g: the standardized difference of means; infinite when neither side varies."""
    freedom = len(first) + len(second) - 2
    pooled = (
        statistics.variance(first) * (len(first) - 1) + statistics.variance(second) * (len(second) - 1)
    ) / freedom
    difference = statistics.fmean(first) - statistics.fmean(second)
    if pooled == 0:
        return math.nan if difference == 0 else math.copysign(math.inf, difference)
    return difference / math.sqrt(pooled) * (1 - 3 / (4 * freedom - 1))


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's adjusted p values, in the order given; NaN stays NaN and is not counted as a test."""
    return _adjusted(p_values, _holm_of)


def benjamini_hochberg(p_values: Sequence[float]) -> list[float]:
    """Benjamini and Hochberg's adjusted p values, in the order given; NaN stays and is not counted."""
    return _adjusted(p_values, stats.false_discovery_control)


def _adjusted(p_values: Sequence[float], adjust: Callable[[FloatArray], FloatArray]) -> list[float]:
    adjusted = np.array(p_values, dtype=float)
    tested = ~np.isnan(adjusted)
    if tested.any():
        adjusted[tested] = adjust(adjusted[tested])
    return [float(p) for p in adjusted]


def _holm_of(p_values: FloatArray) -> FloatArray:
    order = np.argsort(p_values)
    factors = len(p_values) - np.arange(len(p_values))
    adjusted = np.empty_like(p_values)
    adjusted[order] = np.maximum.accumulate(np.minimum(1.0, factors * p_values[order]))
    return adjusted


def sign_flip(differences: Sequence[float]) -> float:
    """Exact two-sided paired sign-flip p of the mean, for 1 to 20 pairs; five cannot go below .0625."""
    if not differences or len(differences) > MAX_PAIRS:
        raise ValueError(
            f"the exact sign-flip test takes 1 to {MAX_PAIRS} differences, got {len(differences)}"
        )
    observed = abs(math.fsum(differences)) * (1 - 1e-12)
    flips = itertools.product((1, -1), repeat=len(differences))
    extreme = sum(
        abs(math.fsum(sign * d for sign, d in zip(signs, differences, strict=True))) >= observed
        for signs in flips
    )
    return float(extreme / 2 ** len(differences))


def cluster_bootstrap(clusters: Sequence[Sequence[float]], draws: int = 2000, seed: int = 0) -> Figure:
    """The mean of all values with a 95 % percentile interval; whole clusters (items) are resampled."""
    filled = [cluster for cluster in clusters if cluster]
    if not filled:
        return Figure(None, note="no values")
    sums = np.array([math.fsum(cluster) for cluster in filled])
    sizes = np.array([len(cluster) for cluster in filled])
    picks = np.random.default_rng(seed).integers(0, len(filled), size=(draws, len(filled)))
    means = sums[picks].sum(axis=1) / sizes[picks].sum(axis=1)
    low, high = np.quantile(means, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    mean = float(sums.sum() / sizes.sum())
    if np.ptp(means) == 0:
        return Figure(mean, note="one item" if len(filled) == 1 else "every item gave the same value")
    return Figure(mean, float(low), float(high))


def clustered_mean(values: Sequence[float], clusters: Sequence[Hashable]) -> Figure:
    """The mean with its 95 % t interval for draws of whole clusters; none below two clusters.

    The cluster-robust standard error, with as many degrees of freedom as clusters less one: wide where they
    are few, which the bootstrap is not.
    """
    if not values:
        return Figure(None, note="no values")
    mean = statistics.fmean(values)
    excess: dict[Hashable, float] = {}
    for value, cluster in zip(values, clusters, strict=True):
        excess[cluster] = excess.get(cluster, 0.0) + value - mean
    if len(excess) < 2:
        return Figure(mean, note="fewer than two clusters, so there is no spread")
    scatter = math.fsum(e * e for e in excess.values()) * len(excess) / (len(excess) - 1)
    half = _t_quantile(len(excess) - 1) * math.sqrt(scatter) / len(values)
    return Figure(mean, mean - half, mean + half)


def detectable_effect(runs: int, power: float = 0.8) -> float:
    """The smallest standardized difference that a t test of two groups of `runs` finds with that power."""
    freedom = 2 * runs - 2
    critical = _t_quantile(freedom)

    def shortfall(effect: float) -> float:
        shift = effect * math.sqrt(runs / 2)
        return (
            float(stats.nct.sf(critical, freedom, shift) + stats.nct.cdf(-critical, freedom, shift)) - power
        )

    enough = 1.0
    while shortfall(enough) < 0:
        enough *= 1.5
    return float(optimize.brentq(shortfall, 0.0, enough))


def agreement(pairs: Sequence[tuple[float, float]]) -> RaterAgreement:
    """Agreement of two raters (two judges, or a judge with itself) over the same things."""
    if not pairs:
        return RaterAgreement(0, math.nan, math.nan, math.nan)
    scores = np.array(pairs, dtype=float)
    steady = len(pairs) < 2 or bool((np.ptp(scores, axis=0) == 0).any())
    correlation = math.nan if steady else float(np.corrcoef(scores.T)[0, 1])
    difference = float(np.abs(scores[:, 0] - scores[:, 1]).mean())
    return RaterAgreement(len(pairs), correlation, intraclass(scores.tolist()), difference)


def intraclass(ratings: Sequence[Sequence[float]]) -> float:
    """ICC(2,1) of Shrout and Fleiss (1979): rows are things, columns raters. NaN when nothing varies."""
    scores = np.array(ratings, dtype=float)
    things, raters = scores.shape
    if things < 2 or raters < 2:
        return math.nan
    grand = scores.mean()
    between = raters * ((scores.mean(axis=1) - grand) ** 2).sum() / (things - 1)
    judges = things * ((scores.mean(axis=0) - grand) ** 2).sum() / (raters - 1)
    total = ((scores - grand) ** 2).sum()
    error = (total - between * (things - 1) - judges * (raters - 1)) / ((things - 1) * (raters - 1))
    scale = between + (raters - 1) * error + raters * (judges - error) / things
    return math.nan if scale <= 0 else float((between - error) / scale)


def _without_variance(difference: float) -> Contrast:
    nothing = math.nan
    if difference == 0:
        note = "every run of both sides gave the same value"
        return Contrast(0.0, nothing, nothing, nothing, nothing, nothing, note)
    infinite = math.copysign(math.inf, difference)
    note = "neither side varied over its runs: t is infinite, which tests nothing"
    return Contrast(difference, nothing, nothing, infinite, nothing, infinite, note)


def _t_quantile(freedom: float) -> float:
    return float(stats.t.ppf((1 + CONFIDENCE) / 2, freedom))
