"""Curves over the strength: of a real run, and of losses whose shape is known."""

from collections.abc import Sequence

import pytest
import torch
from peft.helpers import rescale_adapter_scale

from oceanchat.errors import ConfigError
from oceanchat.prompts import Message
from oceanchat.traits import TRAIT_LEVELS
from preact.dialogues.release import TrainingDialogue, read_release
from preact.evaluation.dial import checked_strengths, dial, dial_curves
from preact.evaluation.identification import identify, trait_level_losses
from preact.evaluation.loss_figures import margin
from preact.systems.local import LocalSystem
from preact.systems.system import DEFAULT_SAMPLING
from preact.systems.trained import open_run
from preact.training.strengths import ALL, read_dial
from tests.preact.conftest import Run


def test_a_run_s_curve_goes_from_the_backbone_through_what_was_trained(preact_run: Run) -> None:
    lines: list[str] = []
    result = dial(preact_run.folder, (0.5, 0, 1.0, 0.5), say=lines.append)
    try:
        assert read_dial(preact_run.folder) == result
    finally:
        (preact_run.folder / "dial.json").unlink()
    assert result.strengths == (0, 0.5, 1) and len(result.curves) == 11 and len(lines) == 3
    assert (result.split, result.dialogues, result.seen) == ("test", 20, False)
    whole = result.curve(ALL)
    assert whole is not None
    backbone, half, full = whole.points
    trained = identify(preact_run.folder, plain=True)
    assert backbone.margin.value == pytest.approx(0, abs=1e-6)
    assert backbone.loss.value == pytest.approx(trained.own_loss - trained.excess)
    assert (full.margin.value, full.loss.value) == pytest.approx((trained.margin, trained.own_loss))
    assert full.loss.low is not None and full.loss.low < full.loss.value
    # Half the strength by another way: half the expert weights.
    run = open_run(preact_run.folder)
    dialogues = read_release(preact_run.record.config.release).split("test")
    with rescale_adapter_scale(run.model, 0.5):
        scored = trait_level_losses(LocalSystem(run, DEFAULT_SAMPLING), dialogues)
    assert half.margin.value == pytest.approx(margin(scored.losses, scored.dialogues))


def dialogues(authors: int, each: int) -> list[TrainingDialogue]:
    return [
        TrainingDialogue(f"{a}-{n}", TRAIT_LEVELS[0], (Message("user", "?"),), "test", "", f"author {a}")
        for a in range(authors)
        for n in range(each)
    ]


def losses(margins: Sequence[float], own: float = 1.0) -> torch.Tensor:
    rows = torch.full((len(margins), 10), 9.0, dtype=torch.float64)
    rows[:, 0], rows[:, 3] = own, own + torch.tensor(margins, dtype=torch.float64)
    return rows


@pytest.mark.parametrize(
    ("margins", "shape"),
    [
        ((0.0, 1.0, 2.0), "monotone: rises"),
        ((0.0, -1.0, -2.0), "monotone: falls"),
        ((0.0, 2.0, 1.0), "not monotone: falls from 0.5"),
        ((0.0, -1.0, 1.0), "not monotone: up and down"),
        ((1.0, 1.0, 1.0), "flat: no change shown"),
    ],
)
def test_the_shape_of_a_curve_is_in_words(margins: Sequence[float], shape: str) -> None:
    talks = dialogues(4, 2)
    # Each author's dialogues differ, so that a step has an interval.
    noise = [0.01 * (n % 3) for n in range(len(talks))]
    curves = dial_curves((0, 0.5, 1), [losses([m + m * e for e in noise]) for m in margins], talks)
    assert [curve.trait_level for curve in curves] == ["O+", ALL]
    assert {curve.shape for curve in curves} == {shape}


def test_a_step_within_its_interval_is_no_change_and_one_author_has_none() -> None:
    wild = [losses([0.0] * 4), losses([3.0, -2.0, 2.0, -2.0])]
    (curve, _) = dial_curves((0, 1), wild, dialogues(4, 1))
    assert curve.shape == "flat: no change shown" and curve.points[1].margin.value == pytest.approx(0.25)
    (alone, _) = dial_curves((0, 1), wild, dialogues(1, 4))
    assert alone.shape == "one author: no interval" and alone.points[0].loss.low is None


@pytest.mark.parametrize("strengths", [(), (1.0,), (1.0, 1.0), (0.0, 1.6), (-0.1, 1.0), (float("nan"), 1.0)])
def test_strengths_that_make_no_curve_are_refused(strengths: Sequence[float]) -> None:
    with pytest.raises(ConfigError, match="strength"):
        checked_strengths(strengths)
