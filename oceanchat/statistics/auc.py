"""The AUC with an interval over authors.

How often a value of one group is above a value of another, which is Mann-Whitney's U over its largest value.
Pure arithmetic without any library, so that a store can be described by a bare installation.
"""

import math
from bisect import bisect_left, bisect_right
from collections.abc import Hashable, Sequence
from typing import NamedTuple

from oceanchat.statistics.figure import Figure
from oceanchat.statistics.intervals import Z95, score_interval


class Clustered(NamedTuple):
    """One value and what it was drawn with."""

    value: float
    cluster: Hashable
    """Values of one cluster, such as an author, are not independent."""


def clustered_auc(high: Sequence[Clustered], low: Sequence[Clustered], z: float = Z95) -> Figure:
    """P(a value of `high` is above one of `low`), ties counting half; undefined when either is empty.

    The variance is that of DeLong, DeLong and Clarke-Pearson (1988) summed over clusters as in Obuchowski
    (1997). The interval is Wilson's for as many draws as have this variance, so that it never leaves 0 to 1;
    at most as many as two equal groups of this size would be worth, counted in clusters where nothing varies.
    """
    if not high or not low:
        return Figure(None)
    above = _shares_below(high, low)
    below = [1 - share for share in _shares_below(low, high)]
    auc = math.fsum(above) / len(high)
    variance = _variance(auc, (high, above), (low, below))
    if variance > 1e-12:
        draws = min(auc * (1 - auc) / variance, _draws_of_equals(len(high), len(low)))
    else:
        draws = _draws_of_equals(len({one.cluster for one in high}), len({one.cluster for one in low}))
    center, half = score_interval(auc, draws, z)
    return Figure(auc, max(0.0, center - half), min(1.0, center + half))


def _shares_below(values: Sequence[Clustered], others: Sequence[Clustered]) -> list[float]:
    """For each value the share of the others below it, ties counting half."""
    ordered = sorted(other.value for other in others)
    return [
        (bisect_left(ordered, one.value) + bisect_right(ordered, one.value)) / (2 * len(ordered))
        for one in values
    ]


def _variance(auc: float, *groups: tuple[Sequence[Clustered], Sequence[float]]) -> float:
    """The variance of an AUC from how the share of won comparisons varies between clusters."""
    excess: dict[Hashable, float] = {}
    for values, shares in groups:
        clusters = len({one.cluster for one in values})
        scale = math.sqrt(clusters / max(1, clusters - 1)) / len(values)
        for one, share in zip(values, shares, strict=True):
            excess[one.cluster] = excess.get(one.cluster, 0.0) + scale * (share - auc)
    return math.fsum(value**2 for value in excess.values())


def _draws_of_equals(first: int, second: int) -> float:
    """Draws of a fair coin that vary as much as the AUC of two groups of these sizes that do not differ.

    Mann and Whitney's variance, (m + n + 1) / 12mn, against a quarter over the draws.
    """
    return 3 * first * second / (first + second + 1)
