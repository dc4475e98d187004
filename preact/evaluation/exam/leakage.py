"""How each trait-level moves every trait.

A 10 x 5 matrix of losses: how much likelier a trait-level makes the high than the low dialogues of a trait,
beyond what all ten trait-levels do, and the largest movement of another trait against that of the own one.
Pure: it scores nothing.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from oceanchat.statistics.figure import Figure
from oceanchat.traits import CODES, TRAITS
from preact.evaluation.exam.records import Losses

DRAWS = 1000
_COLUMNS = [trait.value for trait in TRAITS]


class Movements(NamedTuple):
    """A matrix in three numbers, means over the trait-levels."""

    own: float
    """How far the own trait moves in the direction asked for."""
    other: float
    """How far the trait that moves most among the other four moves, in either direction."""
    ratio: float
    """The second over the first; infinite where the own trait does not move as asked."""


def leakage_matrix(losses: Losses) -> list[list[float]]:
    """10 x 5, trait-levels by traits, nats per token; NaN for a trait without dialogues of both levels."""
    matrix: list[list[float]] = _matrix(losses, np.ones(len(losses.dialogues))).tolist()
    return matrix


def leakage_figures(losses: Losses) -> dict[str, Figure]:
    """The own trait's movement, the largest other's, and their ratio; intervals resample authors.

    The largest of four movements is above 0 by chance alone, so that few dialogues make leakage look larger
    than it is.
    """
    if not losses.dialogues:
        return leakage_of(Movements(*[float("nan")] * 3), [])
    matrix = _matrix(losses, np.ones(len(losses.dialogues)))
    others = largest_others(matrix)
    authors = {name: n for n, name in enumerate(dict.fromkeys(d.author for d in losses.dialogues))}
    groups = np.array([authors[d.author] for d in losses.dialogues])
    random = np.random.default_rng(0)
    drawn = []
    for _ in range(DRAWS if len(authors) > 1 else 0):
        picks = np.bincount(random.integers(0, len(authors), len(authors)), minlength=len(authors))
        drawn.append(movements(_matrix(losses, picks[groups]), others))
    return leakage_of(movements(matrix, others), drawn)


def leakage_of(whole: Movements, drawn: Sequence[Movements]) -> dict[str, Figure]:
    """The three figures with intervals from resampled matrices; those that lack a trait are left out."""
    names = ("own_moved", "other_moved", "leakage")
    if np.isnan(whole[:2]).any():
        return {name: Figure(None, note="no trait has dialogues of both levels") for name in names}
    known = [one for one in drawn if not np.isnan(one[:2]).any()]
    figures = {}
    for n, name in enumerate(names):
        figures[name] = Figure(whole[n])
        if known:
            # Nearest, because infinite ratios have no values between them.
            low, high = np.quantile([one[n] for one in known], [0.025, 0.975], method="nearest")
            figures[name] = Figure(whole[n], float(low), float(high))
    own = figures["own_moved"]
    if own.low is None or own.low <= 0:
        figures["leakage"] = Figure(None, note="its own trait is not shown to move")
    return figures


def largest_others(matrix: Any) -> list[tuple[int, float] | None]:
    """For each trait-level the other trait that moves most, as its column and the movement's sign.

    None where the own trait, or every other, lacks a level.
    """
    others: list[tuple[int, float] | None] = []
    for row, code in enumerate(CODES):
        own = _COLUMNS.index(code[0])
        sizes = np.abs(matrix[row])
        sizes[own] = np.nan
        if np.isnan(matrix[row, own]) or np.isnan(sizes).all():
            others.append(None)
        else:
            column = int(np.nanargmax(sizes))
            others.append((column, 1.0 if matrix[row, column] > 0 else -1.0))
    return others


def movements(matrix: Any, others: Sequence[tuple[int, float] | None]) -> Movements:
    """A matrix, 10 x 5, in three numbers, given which other trait counts for each trait-level.

    A resampled matrix takes those of the whole one: the largest of four grows with every resampling.
    """
    rows = [(row, other) for row, other in enumerate(others) if other is not None]
    if not rows:
        return Movements(*[float("nan")] * 3)
    own = [
        matrix[row, _COLUMNS.index(CODES[row][0])] * (1 if CODES[row][1] == "+" else -1) for row, _ in rows
    ]
    ours = float(np.mean(own))
    theirs = float(np.mean([sign * matrix[row, column] for row, (column, sign) in rows]))
    return Movements(ours, theirs, theirs / ours if ours > 0 else float("inf"))


def _matrix(losses: Losses, weights: Any) -> Any:
    rows = np.array(losses.losses)
    gains = rows.mean(axis=1, keepdims=True) - rows
    codes = np.array([d.code for d in losses.dialogues])
    columns = []
    for trait in _COLUMNS:
        sides = []
        for sign in "+-":
            own = np.where(codes == f"{trait}{sign}", weights, 0)
            sides.append(own @ gains / own.sum() if own.sum() else np.full(len(CODES), np.nan))
        columns.append(sides[0] - sides[1])
    return np.stack(columns, axis=1)
