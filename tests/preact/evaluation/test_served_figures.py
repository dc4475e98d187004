"""What losses tell of a server, on losses whose truth is known."""

from collections.abc import Sequence

import pytest
import torch
from torch import Tensor

from oceanchat.prompts import Message
from oceanchat.traits import TRAIT_LEVELS
from preact.dialogues.release import TrainingDialogue
from preact.evaluation.served_figures import alike, column_losses, match_run, swaps

TALKS = [
    TrainingDialogue(f"{t.code}-{n}", t, (Message("user", "?"),), "test", "", f"author {n}")
    for t in TRAIT_LEVELS
    for n in range(4)
]


def losses(order: Sequence[int], gain: float = 0.1) -> Tensor:
    """Losses of a server whose name n is that of trait-level order[n]: right ones are lower by `gain`."""
    generator = torch.Generator().manual_seed(0)
    rows = 2 + 0.01 * torch.rand(len(TALKS), 10, generator=generator, dtype=torch.float64)
    for row, talk in enumerate(TALKS):
        rows[row, list(order).index(talk.trait_id)] -= gain
    return rows


def test_two_names_that_fit_each_other_s_dialogues_are_swapped() -> None:
    assert swaps(losses(range(10)), TALKS) == []
    (swap,) = swaps(losses([9, 1, 2, 3, 4, 5, 6, 7, 8, 0]), TALKS)
    assert (swap.first.code, swap.second.code) == ("O+", "N-")
    assert swap.gain.value == pytest.approx(0.1, abs=0.01) and swap.gain.low is not None
    # What is within the scatter of the dialogues is no swap.
    assert swaps(losses([9, 1, 2, 3, 4, 5, 6, 7, 8, 0], gain=0.0), TALKS) == []


def test_columns_that_are_the_same_are_grouped() -> None:
    one = torch.tensor([1.0, 2.0])
    columns = {"a": one, "b": one + 1e-7, "c": one + 0.1, "d": one + 0.1}
    assert alike(columns, 1e-6) == [["a", "b"], ["c", "d"]]
    assert alike({"a": one, "c": one + torch.tensor([0.0, 0.1])}, 1e-6) == []


@pytest.mark.parametrize("strength", [0.0, 0.25, 0.5, 1.5])
def test_a_strength_is_found_on_a_curve_that_is_not_straight(strength: float) -> None:
    backbone = torch.linspace(2, 3, 20, dtype=torch.float64)
    way = torch.linspace(0.1, 0.3, 20, dtype=torch.float64)

    def at(s: float) -> Tensor:
        return backbone - way * (1.2 * s - 0.2 * s * s)

    own = {TRAIT_LEVELS[0]: at(1.0), TRAIT_LEVELS[1]: backbone + way}
    match = match_run(TRAIT_LEVELS[0], at(strength), own, backbone, at)
    assert not match.right and match.strength == pytest.approx(strength, abs=0.02)
    assert match_run(TRAIT_LEVELS[0], at(1.0) + 1e-4, own, backbone, at).right
    other = match_run(TRAIT_LEVELS[0], own[TRAIT_LEVELS[1]], own, backbone, at)
    assert (other.right, other.nearest) == (False, "C+")


def test_what_is_not_served_is_never_the_lowest() -> None:
    table = column_losses({TRAIT_LEVELS[1]: [1.0, 2.0]})
    assert table[:, 1].tolist() == [1.0, 2.0] and table.argmin(1).tolist() == [1, 1]
