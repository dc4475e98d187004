"""Agreement coefficients over many weightings at once.

Every figure is a function of how often each distinct row of answer counts occurs. A bootstrap resample of
the items is therefore one multinomial draw over those rows, and a thousand of them are a few matrix products:
7 to 22 ms for 10,424 items with three labels each, where a thousand calls of the package `krippendorff` take
4.5 to 8.3 s. It knows nothing of annotators or items, and answers NaN where a figure is undefined.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Value = str | float
Floats = NDArray[np.float64]
Counts = NDArray[np.int64]
_CELLS_AT_ONCE = 5_000_000


@dataclass(frozen=True)
class CountTable:
    """The distinct rows of answer counts."""

    rows: Counts
    """(rows, values): how many labels of each value an item of this kind has."""
    items: Counts
    """(rows,): how many items are of this kind."""
    values: tuple[Value, ...]
    """In order: numbers by size, words by spelling."""

    @property
    def scale(self) -> Floats | None:
        """The values as numbers; None where one of them is a word."""
        if any(isinstance(value, str) for value in self.values):
            return None
        return np.array(self.values, dtype=np.float64)


def count_table(counts: Counts, values: Sequence[Value]) -> CountTable:
    """Gather equal rows of an (items, values) array; items without any label are left out."""
    counts = np.asarray(counts, dtype=np.int64)
    used = counts[counts.sum(axis=1) > 0]
    if not len(used):
        return CountTable(used, np.zeros(0, dtype=np.int64), tuple(values))
    largest = int(used.max()) + 1
    if largest ** used.shape[1] < 2**62:  # rows as whole numbers sort ten times as fast as rows
        keys = used @ (largest ** np.arange(used.shape[1], dtype=np.int64))
        _, first, items = np.unique(keys, return_index=True, return_counts=True)
        return CountTable(used[first], items, tuple(values))
    rows, items = np.unique(used, axis=0, return_counts=True)
    return CountTable(rows, items, tuple(values))


def resample(table: CountTable, resamples: int, rng: np.random.Generator) -> Mapping[str, Floats]:
    """Each figure in every resample of the items, NaN where it is undefined there."""
    items = int(table.items.sum())
    share = table.items / items
    at_once = max(1, _CELLS_AT_ONCE // table.rows.size)
    parts = [
        figures(table, rng.multinomial(items, share, size=min(at_once, resamples - start)).astype(np.float64))
        for start in range(0, resamples, at_once)
    ]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def figures(table: CountTable, weights: Floats) -> dict[str, Floats]:
    """Every figure but the share unanimous, for each row of (resamples, rows) weights; NaN if undefined."""
    rows = table.rows.astype(np.float64)
    per_item = rows.sum(axis=1)
    paired = per_item > 1
    agreeing = ((rows**2).sum(axis=1) - per_item)[paired] / (per_item * (per_item - 1))[paired]
    observed = ratio(weights[:, paired] @ agreeing, weights[:, paired].sum(axis=1))
    shares = weights @ (rows / per_item[:, None]) / weights.sum(axis=1, keepdims=True)
    by_chance = (shares**2).sum(axis=1)
    gwet_chance = ratio((shares * (1 - shares)).sum(axis=1), np.full(len(weights), rows.shape[1] - 1.0))
    several = (shares > 0).sum(axis=1) > 1
    results = {
        "observed": observed,
        "fleiss_kappa": ratio(observed - by_chance, np.where(several, 1 - by_chance, 0.0)),
        "ac1": ratio(observed - gwet_chance, 1 - gwet_chance),
        "alpha_nominal": _alpha(rows[paired], weights[:, paired], 1 - np.eye(rows.shape[1])),
    }
    if table.scale is not None:
        results["alpha_ordinal"] = _alpha_ordinal(rows[paired], weights[:, paired])
        results["alpha_interval"] = _alpha(rows[paired], weights[:, paired], interval_distance(table.scale))
    if len(weights) == 1 and np.count_nonzero(weights[0, paired] @ rows[paired]) < 2:
        results |= {name: np.full(1, np.nan) for name in results if name != "observed"}
    return results


def ratio(over: Floats, under: Floats) -> Floats:
    result: Floats = np.divide(over, under, out=np.full(over.shape, np.nan), where=under > 0)
    return result


def interval_distance(scale: Floats) -> Floats:
    """(values, values) squared differences: Krippendorff's interval metric."""
    return (scale[:, None] - scale[None, :]) ** 2


def ratio_distance(scale: Floats) -> Floats:
    """(values, values) squared relative differences: Krippendorff's ratio metric (values from 0 on)."""
    total = scale[:, None] + scale[None, :]
    return ratio(np.abs(scale[:, None] - scale[None, :]), np.where(total > 0, total, 1.0)) ** 2


def alpha(table: CountTable, distance: Floats) -> float:
    """Krippendorff's alpha for any (values, values) squared distance; NaN where undefined."""
    paired = table.rows.sum(axis=1) > 1
    weights = table.items[None, paired].astype(np.float64)
    return float(_alpha(table.rows[paired].astype(np.float64), weights, distance)[0])


def _alpha(rows: Floats, weights: Floats, distance: Floats) -> Floats:
    """1 - observed / expected disagreement; a pair inside an item of m labels weighs 1/(m-1)."""
    disagreement = ((rows @ distance) * rows).sum(axis=1) / (rows.sum(axis=1) - 1)
    totals = weights @ rows
    number = totals.sum(axis=1)
    expected = ((totals @ distance) * totals).sum(axis=1)
    return 1 - ratio((weights @ disagreement) * (number - 1), expected)


def _alpha_ordinal(rows: Floats, weights: Floats) -> Floats:
    """Krippendorff's ordinal metric: the interval metric between mid-ranks, which change with every resample.

    The squared differences are expanded, sum_ck a_c a_k (R_c - R_k)^2 = 2 (sum a sum a R^2 - (sum a R)^2), so
    that no array is larger than (resamples, rows).
    """
    per_item = rows.sum(axis=1)
    totals = weights @ rows
    number = totals.sum(axis=1)
    # Centred on the middle rank, so that the differences of large squares keep their digits.
    ranks = totals.cumsum(axis=1) - totals / 2 - number[:, None] / 2
    squares = (((weights * (per_item / (per_item - 1))) @ rows) * ranks**2).sum(axis=1)
    disagreement = squares - (weights * (ranks @ rows.T) ** 2) @ (1 / (per_item - 1))
    expected = number * (totals * ranks**2).sum(axis=1) - (totals * ranks).sum(axis=1) ** 2
    used = (totals > 0).sum(axis=1) > 1
    return 1 - ratio(disagreement * (number - 1), np.where(used, expected, 0.0))


def ordinal_weights(values: int) -> Floats:
    """(values, values) weights of agreement on a scale of so many points in order (Gwet 2014).

    1 - C(d + 1, 2) / C(values, 2) for points d apart, so that neighbours agree most and the ends not at all.
    """
    apart = np.abs(np.subtract.outer(np.arange(values), np.arange(values))).astype(np.float64)
    return 1 - ratio(apart * (apart + 1), np.full_like(apart, values * (values - 1.0)))


def gwet_ac2(table: CountTable, weights: Floats, partial: Floats) -> Floats:
    """Gwet's AC2 (2014) for each row of (resamples, rows) weights; NaN where undefined.

    `partial` is (values, values): how far two answers agree. The identity gives AC1. The columns must be all
    points of the scale, used or not: chance depends on how many there are.
    """
    rows = table.rows.astype(np.float64)
    per_item = rows.sum(axis=1)
    paired = per_item > 1
    agreeing = (rows * (rows @ partial - 1)).sum(axis=1)[paired] / (per_item * (per_item - 1))[paired]
    observed = ratio(weights[:, paired] @ agreeing, weights[:, paired].sum(axis=1))
    shares = weights @ (rows / per_item[:, None]) / weights.sum(axis=1, keepdims=True)
    points = rows.shape[1]
    by_chance = partial.sum() / (points * (points - 1)) * (shares * (1 - shares)).sum(axis=1)
    several = (shares > 0).sum(axis=1) > 1
    return ratio(observed - by_chance, np.where(several, 1 - by_chance, 0.0))


def cohen_kappas(cells: Floats, first: Floats, second: Floats) -> Floats:
    """Cohen's kappa for each row of (resamples, cells); `first` and `second` are (cells, values) one-hot."""
    total = cells.sum(axis=1)
    observed: Floats = cells @ (first * second).sum(axis=1) / total
    by_chance = ((cells @ first) * (cells @ second)).sum(axis=1) / total**2
    return ratio(observed - by_chance, 1 - by_chance)
