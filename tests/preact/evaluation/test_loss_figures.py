"""Figures of losses by hand."""

import pytest
import torch

from oceanchat.prompts import Message
from oceanchat.traits import TRAIT_LEVELS
from preact.dialogues.release import TrainingDialogue
from preact.evaluation.loss_figures import author_clusters, margin, named_right, own_losses

TALK = (Message("user", "q"), Message("assistant", "a"))


def dialogues(own: list[int], authors: list[str] | None = None) -> list[TrainingDialogue]:
    names = authors or [""] * len(own)
    return [
        TrainingDialogue(str(n), TRAIT_LEVELS[i], TALK, "test", "", author)
        for n, (i, author) in enumerate(zip(own, names, strict=True))
    ]


def row(**lower: float) -> list[float]:
    """Losses of 2 under all trait-levels but those named by index, such as t3=1.5."""
    return [lower.get(f"t{index}", 2.0) for index in range(10)]


def test_figures_by_hand() -> None:
    # O+ named right; C- named as A+ (its own trait has the right level); N- named as N+.
    losses = torch.tensor([row(t0=1.5), row(t3=1.0, t6=1.9), row(t9=1.8, t4=1.7)]).double()
    own = dialogues([0, 6, 9])
    result = named_right(losses, own)
    assert result.accuracy.value == pytest.approx(1 / 3) and result.ties == 0
    assert result.trait_given_level.value == pytest.approx(1.0)
    assert result.level_given_trait.value == pytest.approx(2 / 3)
    assert margin(losses, own) == pytest.approx((0.5 - 0.9 - 0.1) / 3)
    assert own_losses(losses, own).tolist() == pytest.approx([1.5, 1.9, 1.8])
    assert result.confusion[0][0] == 1 and result.confusion[6][3] == 1 and result.confusion[9][4] == 1
    assert result.credit == [1.0, 0.0, 0.0]


def test_another_trait_at_the_own_level_is_a_wrong_trait_and_a_right_level() -> None:
    result = named_right(torch.tensor([row(t7=1.0, t5=1.5)]).double(), dialogues([5]))
    assert (result.trait_given_level.value, result.level_given_trait.value) == (0.0, 1.0)


def test_ties_share_their_credit_and_are_counted() -> None:
    losses = torch.tensor([row(), row(t2=1.0, t7=1.0), row(t5=1.0)]).double()
    result = named_right(losses, dialogues([4, 2, 5]))
    assert result.ties == 2 and result.credit == pytest.approx([0.1, 0.5, 1.0])
    assert result.accuracy.value == pytest.approx(1.6 / 3)
    assert result.level_given_trait.value == pytest.approx((0.5 + 0.5 + 1) / 3)
    assert result.trait_given_level.value == pytest.approx((0.2 + 1 + 1) / 3)
    assert result.confusion[4] == pytest.approx([0.1] * 10)


def test_intervals_draw_authors_and_unknown_ones_are_themselves() -> None:
    losses = torch.tensor([row(t0=1.0), row(t1=1.0)] * 10).double()
    many = named_right(losses, dialogues([0] * 20)).accuracy
    few = named_right(losses, dialogues([0] * 20, ["a", "b"] * 10)).accuracy
    assert many.value == few.value == 0.5 and few.low is not None and many.low is not None
    assert few.low < many.low - 0.1
    assert author_clusters(dialogues([0, 1], ["", "x"])) == ["dialogue 0", "x"]
