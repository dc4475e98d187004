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
    count = len(losses.dialogues)
    authors = {name: n for n, name in enumerate(dict.fromkeys(d.author for d in losses.dialogues))}
    groups = np.array([authors[d.author] for d in losses.dialogues])
    random = np.random.default_rng(0)
    drawn = []
    for _ in range(DRAWS if len(authors) > 1 else 0):
        picks = np.bincount(random.integers(0, len(authors), len(authors)), minlength=len(authors))
        drawn.append(movements(_matrix(losses, picks[groups])))
    whole = movements(_matrix(losses, np.ones(count))) if count else Movements(*[float("nan")] * 3)
    return leakage_of(whole, drawn)


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


def movements(matrix: Any) -> Movements:
    """A matrix, 10 x 5, in three numbers; traits without both levels aside, NaN where none has."""
    own, other = [], []
    for row, code in enumerate(CODES):
        column = _COLUMNS.index(code[0])
        others = np.delete(matrix[row], column)
        if not np.isnan(matrix[row, column]) and not np.isnan(others).all():
            own.append(matrix[row, column] if code[1] == "+" else -matrix[row, column])
            other.append(np.nanmax(np.abs(others)))
    if not own:
        return Movements(*[float("nan")] * 3)
    ours, theirs = float(np.mean(own)), float(np.mean(other))
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
