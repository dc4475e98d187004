"""Tell from losses what a server serves.

Names that score as the backbone or as each other, names that look swapped, and how a run's own losses compare
with those served under its names. Pure: it asks no server and runs no model.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy
import torch
from scipy.optimize import linear_sum_assignment
from torch import Tensor

from oceanchat.statistics.figure import Figure
from oceanchat.traits import TRAIT_LEVELS, TraitLevel
from preact.dialogues.release import TrainingDialogue
from preact.evaluation.comparison.statistics import clustered_mean
from preact.evaluation.loss_figures import TIE, author_clusters

CLOSE = 0.1
"""Share of a trait-level's effect that its served losses may differ from the run's: number formats differ by
less, half the strength by more."""

STRONGEST = 2.0
"""The highest strength that is looked for."""
BACKBONE = "backbone"
"""What the model without an adapter is called among trait-levels."""


class Swap(NamedTuple):
    """Two names that seem to be each other's."""

    first: TraitLevel
    second: TraitLevel
    gain: Figure
    """What the dialogues of both lose less under the other one's name, nats per token."""


class RunMatch(NamedTuple):
    """A served name beside the run."""

    trait_level: TraitLevel
    difference: float
    """Mean absolute difference of its dialogues' losses from the run's, nats per token."""
    effect: float
    """The same of the run's from the backbone's."""
    nearest: str
    """Code of the run's trait-level whose losses are nearest, or 'backbone'."""
    nearest_difference: float
    """How far those are, nats per token."""
    strength: float | None = None
    """The strength of its own trait-level that explains it best, where it is not as trained."""

    @property
    def right(self) -> bool:
        """Whether it is what was trained: close to it, and not by far closer to something else."""
        close = self.difference <= max(CLOSE * self.effect, TIE)
        return close and not (self.difference > TIE and self.nearest_difference < self.difference / 2)


def alike(columns: Mapping[str, Tensor], tolerance: float) -> list[list[str]]:
    """Names whose losses (n,) are the same to within the tolerance in every dialogue, in groups."""
    groups: list[list[str]] = []
    for name, losses in columns.items():
        home = next((g for g in groups if float((columns[g[0]] - losses).abs().max()) <= tolerance), None)
        if home is None:
            groups.append([name])
        else:
            home.append(name)
    return [group for group in groups if len(group) > 1]


def swaps(losses: Tensor, dialogues: Sequence[TrainingDialogue]) -> list[Swap]:
    """Pairs of names that fit each other's dialogues better than their own; losses are n x 10.

    The names are assigned to the trait-levels so that the dialogues' summed losses are lowest; two that
    change places count where the dialogues of both gain by it and the gain's 95 % interval lies above 0.
    """
    present = [t for t in TRAIT_LEVELS if any(d.trait_level == t for d in dialogues)]
    columns = [TRAIT_LEVELS.index(t) for t in present]
    rows = [[n for n, d in enumerate(dialogues) if d.trait_level == t] for t in present]
    costs = numpy.array([[float(losses[own, c].mean()) for c in columns] for own in rows])
    _, assigned = linear_sum_assignment(costs)
    clusters = author_clusters(dialogues)
    pairs = []
    for one, other in enumerate(assigned):
        if other <= one or assigned[other] != one:
            continue
        gains, owners, halves = [], [], []
        for mine, theirs in ((one, other), (other, one)):
            change = losses[rows[mine], columns[mine]] - losses[rows[mine], columns[theirs]]
            halves.append(float(change.mean()))
            gains += change.tolist()
            owners += [clusters[n] for n in rows[mine]]
        gain = clustered_mean(gains, owners)
        if min(halves) > TIE and gain.low is not None and gain.low > 0:
            pairs.append(Swap(present[one], present[other], gain))
    return pairs


def match_run(
    trait_level: TraitLevel,
    served: Tensor,
    run: Mapping[TraitLevel, Tensor],
    backbone: Tensor,
    at_strength: Callable[[float], Tensor],
) -> RunMatch:
    """A name's losses (n,) beside the run's under its trait-levels and without any.

    `at_strength` gives the run's losses as this trait-level at another strength; it is asked only where the
    name is not as trained.
    """
    own = run[trait_level]
    distances = {t.code: float((served - losses).abs().mean()) for t, losses in run.items()}
    distances[BACKBONE] = float((served - backbone).abs().mean())
    effect = float((own - backbone).abs().mean())
    nearest = min(distances, key=lambda name: (distances[name], name != trait_level.code))
    match = RunMatch(trait_level, distances[trait_level.code], effect, nearest, distances[nearest])
    if match.right or effect <= TIE:
        return match
    strength = _strength(served, own, backbone, at_strength)
    left = float((served - at_strength(strength)).abs().mean())
    explains = left <= max(CLOSE * effect, TIE) and (
        nearest in (trait_level.code, BACKBONE) or left < match.nearest_difference
    )
    return match._replace(strength=strength) if explains else match


def _strength(served: Tensor, own: Tensor, backbone: Tensor, at_strength: Callable[[float], Tensor]) -> float:
    """The strength, 0 to 2, at which the run's losses go as far along its effect as the served ones."""
    way = own - backbone

    def progress(losses: Tensor) -> float:
        return float((losses - backbone) @ way / (way @ way))

    wanted = progress(served)
    points = {0.0: 0.0, 1.0: 1.0}
    guess = min(max(wanted, 0.0), STRONGEST)
    for _ in range(3):
        points[guess] = progress(at_strength(guess))
        (near, one), (far, other) = sorted(points.items(), key=lambda point: abs(point[1] - wanted))[:2]
        slope = (far - near) / (other - one) if other != one else 0.0
        guess = min(max(near + (wanted - one) * slope, 0.0), STRONGEST)
    return guess


def column_losses(columns: Mapping[TraitLevel, Sequence[float]]) -> Tensor:
    """The columns as n x 10 in paper order; what is not served is infinite."""
    rows = len(next(iter(columns.values())))
    losses = torch.full((rows, len(TRAIT_LEVELS)), float("inf"), dtype=torch.float64)
    for trait_level, column in columns.items():
        losses[:, TRAIT_LEVELS.index(trait_level)] = torch.tensor(column, dtype=torch.float64)
    return losses
