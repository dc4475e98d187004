"""Statistics for a handful of runs: intervals, Welch's t, corrections for many tests, effects, agreement.

Pure functions over numbers; they know nothing of traits or judges. Five runs are few: the half-width of a
95 % interval is 1.24 standard deviations, and only differences of about two standard deviations are found
with 80 % power. Zero variance is said in words and never hidden by adding a small number.
"""

import itertools
import math
import statistics
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy import optimize, stats

CONFIDENCE = 0.95


class Estimate(NamedTuple):
    """A mean with the ends of its 95 % interval, in the values' own unit; NaN where nothing can be said."""

    value: float
    low: float
    high: float


class Contrast(NamedTuple):
    """Two groups of runs compared."""

    difference: float
    """Mean of the first less mean of the second, in scale points."""
    low: float
    high: float
    """Ends of the 95 % interval of the difference (Welch-Satterthwaite), in scale points."""
    t: float
    """Welch's t; infinite when neither group varies and they differ, NaN when nothing can be said."""
    p: float
    """Two-sided p; 0 for an infinite t, NaN when nothing can be said."""
    g: float
    """Hedges' g (pooled sample standard deviations, corrected for small samples); infinite like t."""
    note: str
    """Words for what the numbers cannot say; empty when there is nothing to add."""


class RaterAgreement(NamedTuple):
    """How far two sets of scores of the same things agree."""

    pairs: int
    """Pairs in which both scores exist."""
    correlation: float
    """Pearson's r; NaN when one side does not vary."""
    icc: float
    """ICC(2,1), absolute agreement of single ratings; NaN when nothing varies."""
    difference: float
    """Mean absolute difference in scale points."""


def spread(values: Sequence[float]) -> float:
    """Population standard deviation (the paper's Table 8); NaN of no values."""
    return statistics.pstdev(values) if values else math.nan


def mean_interval(values: Sequence[float]) -> Estimate:
    """The mean with its 95 % t interval; both ends are NaN below two values."""
    if len(values) < 2:
        return Estimate(statistics.fmean(values) if values else math.nan, math.nan, math.nan)
    mean, half = statistics.fmean(values), half_width(len(values)) * statistics.stdev(values)
    return Estimate(mean, mean - half, mean + half)


def half_width(runs: int) -> float:
    """How many sample standard deviations a 95 % interval of the mean reaches to each side; 1.24 for five
    runs.
    """
    return _t_quantile(runs - 1) / math.sqrt(runs)


def welch(first: Sequence[float], second: Sequence[float]) -> Contrast:
    """Welch's t test of two groups of runs, two-sided, with interval and effect size."""
    if len(first) < 2 or len(second) < 2:
        difference = statistics.fmean(first) - statistics.fmean(second) if first and second else math.nan
        note = "fewer than two runs on a side, so there is no spread to test against"
        return Contrast(difference, math.nan, math.nan, math.nan, math.nan, math.nan, note)
    difference = statistics.fmean(first) - statistics.fmean(second)
    shares = [statistics.variance(group) / len(group) for group in (first, second)]
    if sum(shares) == 0:
        return _without_variance(difference)
    error = math.sqrt(sum(shares))
    freedom = sum(shares) ** 2 / sum(
        share**2 / (len(group) - 1) for share, group in zip(shares, (first, second), strict=True)
    )
    t = difference / error
    half = _t_quantile(freedom) * error
    p = float(2 * stats.t.sf(abs(t), freedom))
    note = "one side gave the same value in every run" if 0 in shares else ""
    return Contrast(difference, difference - half, difference + half, t, p, hedges_g(first, second), note)


def hedges_g(first: Sequence[float], second: Sequence[float]) -> float:
    """Hedges' g: the standardised difference of means; infinite when neither side varies."""
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
    ranked, total = _ranked(p_values)
    adjusted, highest = list(p_values), 0.0
    for rank, index in enumerate(ranked):
        highest = max(highest, min(1.0, (total - rank) * p_values[index]))
        adjusted[index] = highest
    return adjusted


def benjamini_hochberg(p_values: Sequence[float]) -> list[float]:
    """Benjamini and Hochberg's adjusted p values, in the order given; NaN stays and is not counted."""
    ranked, total = _ranked(p_values)
    adjusted, lowest = list(p_values), 1.0
    for rank, index in reversed(list(enumerate(ranked, start=1))):
        lowest = min(lowest, p_values[index] * total / rank)
        adjusted[index] = lowest
    return adjusted


def sign_flip(differences: Sequence[float]) -> float:
    """Exact two-sided paired sign-flip p of the mean, for 1 to 20 pairs; five cannot go below .0625."""
    if not differences or len(differences) > 20:
        raise ValueError(f"the exact sign-flip test takes 1 to 20 differences, got {len(differences)}")
    observed = abs(math.fsum(differences)) * (1 - 1e-12)
    flips = itertools.product((1, -1), repeat=len(differences))
    extreme = sum(
        abs(math.fsum(sign * d for sign, d in zip(signs, differences, strict=True))) >= observed
        for signs in flips
    )
    return float(extreme / 2 ** len(differences))


def cluster_bootstrap(clusters: Sequence[Sequence[float]], draws: int = 2000, seed: int = 0) -> Estimate:
    """The mean of all values with a 95 % percentile interval; whole clusters (items) are resampled."""
    kept = [cluster for cluster in clusters if cluster]
    if not kept:
        return Estimate(math.nan, math.nan, math.nan)
    sums = np.array([math.fsum(cluster) for cluster in kept])
    sizes = np.array([len(cluster) for cluster in kept])
    picks = np.random.default_rng(seed).integers(0, len(kept), size=(draws, len(kept)))
    means = sums[picks].sum(axis=1) / sizes[picks].sum(axis=1)
    low, high = np.quantile(means, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return Estimate(float(sums.sum() / sizes.sum()), float(low), float(high))


def detectable_effect(runs: int, power: float = 0.8) -> float:
    """The smallest standardised difference that a t test of two groups of `runs` finds with that power."""
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
    if difference == 0:
        return Contrast(
            0.0, 0.0, 0.0, math.nan, math.nan, math.nan, "every run of both sides gave the same value"
        )
    infinite = math.copysign(math.inf, difference)
    note = "neither side varied over its runs: t is infinite, which says nothing about other runs"
    return Contrast(difference, difference, difference, infinite, 0.0, infinite, note)


def _t_quantile(freedom: float) -> float:
    return float(stats.t.ppf((1 + CONFIDENCE) / 2, freedom))


def _ranked(p_values: Sequence[float]) -> tuple[list[int], int]:
    tested = [index for index, p in enumerate(p_values) if not math.isnan(p)]
    return sorted(tested, key=lambda index: p_values[index]), len(tested)
