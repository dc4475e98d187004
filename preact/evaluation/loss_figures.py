"""Figures of losses under the ten trait-levels.

The lowest loss names a trait-level: which of ten, which of five traits at the own level, which of two levels
of the own trait. A tie among k scores 1/k and is counted, because an argmin would hide a model that does not
tell trait-levels apart. Intervals draw authors. Pure: it scores nothing.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from oceanchat.statistics.figure import Figure
from oceanchat.statistics.intervals import clustered_share
from oceanchat.traits import TRAIT_LEVELS, TRAITS
from preact.dialogues.release import TrainingDialogue

TIE = 1e-6
"""Losses (nats per token) closer than this are tied: float32 sums differ by more for no reason."""


class NamedRight(NamedTuple):
    """How often the lowest loss is the own one's."""

    accuracy: Figure
    """Among all ten trait-levels; chance 0.1."""
    trait_given_level: Figure
    """Among the five traits, at the own level; chance 0.2."""
    level_given_trait: Figure
    """Among the two levels of the own trait; chance 0.5."""
    ties: int
    """Dialogues whose lowest loss of ten is shared."""
    credit: list[float]
    """Each dialogue's score among ten, 0 to 1; for paired comparisons."""
    confusion: list[list[float]]
    """Rows: the dialogues' trait-levels, columns: those named, in paper order; ties share their count."""


def named_right(losses: Tensor, dialogues: Sequence[TrainingDialogue]) -> NamedRight:
    """The figures of losses (n x 10, in paper order) of these dialogues."""
    own_ids = torch.tensor([d.trait_id for d in dialogues])
    levels = own_ids // len(TRAITS)
    # In paper order five highs come first, then five lows: two blocks of the same traits.
    same_level = levels.unsqueeze(1) * len(TRAITS) + torch.arange(len(TRAITS))
    same_trait = (own_ids % len(TRAITS)).unsqueeze(1) + torch.tensor([[0, len(TRAITS)]])
    shares = _shares(losses)
    credit = shares.gather(1, own_ids.unsqueeze(1)).squeeze(1)
    among_traits = _shares(losses.gather(1, same_level)).gather(1, (own_ids % len(TRAITS)).unsqueeze(1))
    among_levels = _shares(losses.gather(1, same_trait)).gather(1, levels.unsqueeze(1))
    confusion = torch.zeros(len(TRAIT_LEVELS), len(TRAIT_LEVELS), dtype=torch.float64)
    confusion.index_add_(0, own_ids, shares)
    clusters = author_clusters(dialogues)
    return NamedRight(
        clustered_share(credit.tolist(), clusters),
        clustered_share(among_traits.squeeze(1).tolist(), clusters),
        clustered_share(among_levels.squeeze(1).tolist(), clusters),
        ties=int(((shares > 0).sum(dim=1) > 1).sum()),
        credit=credit.tolist(),
        confusion=confusion.tolist(),
    )


def author_clusters(dialogues: Sequence[TrainingDialogue]) -> list[str]:
    """What each dialogue is drawn with: its author or, where that is not known, itself."""
    return [d.author or f"dialogue {d.id}" for d in dialogues]


def margin(losses: Tensor, dialogues: Sequence[TrainingDialogue]) -> float:
    """Mean of the best other trait-level's loss less the own one's, nats per token; above 0 is right."""
    return float(own_margins(losses, dialogues).mean())


def own_margins(losses: Tensor, dialogues: Sequence[TrainingDialogue]) -> Tensor:
    """Each dialogue's best other trait-level's loss less its own one's, (n,)."""
    own_ids = torch.tensor([d.trait_id for d in dialogues]).unsqueeze(1)
    others = losses.scatter(1, own_ids, float("inf")).min(dim=1).values
    return others - own_losses(losses, dialogues)


def own_losses(losses: Tensor, dialogues: Sequence[TrainingDialogue]) -> Tensor:
    """Each dialogue's loss under its own trait-level, (n,)."""
    return losses.gather(1, torch.tensor([[d.trait_id] for d in dialogues])).squeeze(1)


def _shares(losses: Tensor) -> Tensor:
    """For each row of losses the columns that share the lowest, as shares that sum to 1."""
    named = (losses <= losses.min(dim=1, keepdim=True).values + TIE).double()
    return named / named.sum(dim=1, keepdim=True)
