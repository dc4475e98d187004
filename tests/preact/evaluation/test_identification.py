from pathlib import Path

import pytest
import torch

from oceanchat.errors import TrainingError
from oceanchat.prompts import Message
from oceanchat.traits import TRAIT_LEVELS
from preact.dialogues.release import TrainingDialogue
from preact.evaluation.identification import TraitLevelLosses, accuracy, as_json, as_lines, identify
from preact.training.train import train
from tests.preact.conftest import Run, micro_config

TALK = (Message("user", "q"), Message("assistant", "a"))


def scores(losses: list[list[float]], own: list[int]) -> TraitLevelLosses:
    dialogues = [TrainingDialogue(str(n), TRAIT_LEVELS[i], TALK, "test", "") for n, i in enumerate(own)]
    return TraitLevelLosses(
        dialogues, torch.tensor(losses, dtype=torch.float64), torch.full((len(own),), 3.0).double()
    )


def row(**lower: float) -> list[float]:
    """Losses of 2 under all trait-levels but those named by index, such as t3=1.5."""
    return [lower.get(f"t{index}", 2.0) for index in range(10)]


def test_figures_by_hand() -> None:
    result = accuracy(scores([row(t0=1.5), row(t3=1.0, t6=1.9), row(t9=1.8, t4=1.7)], [0, 6, 9]), "test")
    assert result.accuracy.value == pytest.approx(1 / 3) and result.ties == 0
    assert result.level_accuracy.value == pytest.approx(2 / 3)
    assert result.margin == pytest.approx((0.5 - 0.9 - 0.1) / 3)
    assert result.own_loss == pytest.approx((1.5 + 1.9 + 1.8) / 3) and result.excess == pytest.approx(
        5.2 / 3 - 3
    )
    assert result.confusion[0][0] == 1 and result.confusion[6][3] == 1 and result.confusion[9][4] == 1
    assert result.credit == [1.0, 0.0, 0.0]


def test_ties_share_their_credit_and_are_counted() -> None:
    result = accuracy(scores([row(), row(t2=1.0, t7=1.0), row(t5=1.0)], [4, 2, 5]), "test")
    assert result.ties == 2 and result.credit == pytest.approx([0.1, 0.5, 1.0])
    assert result.accuracy.value == pytest.approx(1.6 / 3)
    assert result.level_accuracy.value == pytest.approx((0.5 + 0.5 + 1) / 3)
    assert result.confusion[4] == pytest.approx([0.1] * 10)


def test_a_run_is_identified_on_its_test_split(preact_run: Run) -> None:
    result = identify(preact_run.folder)
    assert result.split == "test" and result.dialogues == 20 and result.experts is not None
    printed = as_json(result)
    assert set(printed["accuracy"]) == {"value", "low", "high"} == set(printed["level_accuracy"])
    assert {"ties", "margin", "confusion", "accuracy", "level_accuracy"} <= printed.keys()
    assert sum(map(sum, printed["confusion"])) == pytest.approx(20)
    assert any("trait-level named right" in line for line in as_lines(result))


def test_identifying_twice_gives_the_same(preact_run: Run) -> None:
    assert identify(preact_run.folder) == identify(preact_run.folder)


@pytest.mark.parametrize(
    ("split", "seen"), [("all", True), ("train", True), ("validation", False), ("test", False)]
)
def test_training_dialogues_alone_are_pointed_out(preact_run: Run, split: str, seen: bool) -> None:
    notes: list[str] = []
    identify(preact_run.folder, split=split, say=notes.append)
    assert any("trained on" in line for line in notes) is seen


def test_no_router_ties_everything_at_chance(release_folder: Path, tmp_path: Path) -> None:
    train(micro_config(release_folder, tmp_path / "run", "no-router", max_steps=3), lambda line: None)
    result = identify(tmp_path / "run")
    assert (
        result.ties == result.dialogues
        and result.accuracy.value == pytest.approx(0.1)
        and result.margin == 0.0
    )


def test_lora_is_scored_under_ten_prompts(release_folder: Path, tmp_path: Path) -> None:
    train(micro_config(release_folder, tmp_path / "run", "lora", max_steps=3), lambda line: None)
    result = identify(tmp_path / "run")
    assert result.dialogues == 20 and result.experts is None and result.ties < 20


def test_an_unfinished_run_and_a_missing_split_are_refused(preact_run: Run, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="is not a run"):
        identify(tmp_path)
    with pytest.raises(TrainingError, match="split 'dev'"):
        identify(preact_run.folder, split="dev")
