"""What the exam answers of systems of which the truth is known, three planted frauds among them."""

from pathlib import Path

import pytest

from oceanchat.statistics.figure import Figure
from preact.dialogues.release import TrainingDialogue
from preact.evaluation.exam.exam_page import ExaminedSystem
from preact.evaluation.exam.examining import examine, read_examined
from preact.evaluation.exam.questions import QUESTIONS, concerns
from tests.preact.evaluation.exam.examinees import (
    SMALL,
    Examinee,
    dialogues,
    header,
    knower,
    lengthwise,
    material,
    namedropper,
)


async def examined(
    system: Examinee, folder: Path, shown: tuple[TrainingDialogue, ...] | None = None
) -> ExaminedSystem:
    size = SMALL.model_copy(update={"requests": 8})
    await examine(system, material(shown or dialogues()), header(system, size), folder / system.model)
    return read_examined(folder, system.model)


def verdicts(system: ExaminedSystem) -> list[str]:
    return [question.answer(system.figures).verdict for question in QUESTIONS]


def warnings(system: ExaminedSystem) -> str:
    return " ".join(concerns(system.name, system.figures, system.facts))


async def test_a_system_that_knows_its_trait_levels_passes_what_it_can_pass(tmp_path: Path) -> None:
    result = await examined(knower(), tmp_path)
    # It neither answers plain questions nor chooses between courses of action, so those are not shown.
    assert verdicts(result) == ["yes", "yes", "yes", "yes", "yes", "not shown", "not shown"]
    assert warnings(result) == ""
    assert result.figures["met"].value == result.figures["moved"].value == 0.5
    assert result.figures["rise"].value == pytest.approx(0.39)
    assert result.figures["own_moved_length_out"].value == pytest.approx(0.39)
    assert (result.figures["leakage_length_out"].value or 1) < 0.05


async def test_fraud_a_system_that_only_changes_answer_length(tmp_path: Path) -> None:
    shown = dialogues(confound=True)
    result = await examined(lengthwise(), tmp_path, shown)
    assert result.figures["level_given_trait"].value == 1.0
    assert verdicts(result)[:3] == ["yes", "no", "not shown"]
    assert result.figures["accuracy_length_out"].value == pytest.approx(0.1, abs=0.02)
    assert "its own answers are longer at high levels" in warnings(result)


async def test_fraud_a_system_that_repeats_the_trait_s_name(tmp_path: Path) -> None:
    result = await examined(namedropper(), tmp_path)
    answer = QUESTIONS[0].answer(result.figures)
    assert result.figures["accuracy"].value == 1.0 and answer.verdict == "not shown"
    assert "100.0%" in answer.details and "call a trait by its name" in warnings(result)


async def test_fraud_a_release_with_the_length_confound(tmp_path: Path) -> None:
    honest = await examined(knower(), tmp_path / "even")
    confounded = await examined(knower(), tmp_path / "uneven", dialogues(confound=True))
    assert honest.figures["length_auc"].value == 0.5
    assert confounded.figures["length_auc"].value == 1.0
    assert "the length of the answers alone tells high from low" in warnings(confounded)
    assert confounded.figures["length_level_given_trait"].value == 1.0


def test_without_figures_nothing_is_shown() -> None:
    assert [question.answer({}).verdict for question in QUESTIONS] == ["not shown"] * 7
    assert concerns("x", {}, {"trained_on": True, "scripted": True})[0].startswith("x: it was trained on")


def test_abilities_that_are_lost_are_a_no_and_those_that_were_never_there_are_not_shown() -> None:
    keeps = QUESTIONS[5].answer
    fine = {
        "neutral": Figure(0.01, 0.0, 0.02),
        "capability": Figure(0.0, -0.02, 0.02),
        "capability_backbone": Figure(0.9, 0.8, 0.95),
        "refusals": Figure(0.0, -0.01, 0.01),
        "refusals_backbone": Figure(0.9, 0.8, 0.95),
    }
    assert keeps(fine).verdict == "yes"
    for name, worse in (
        ("neutral", Figure(0.3, 0.2, 0.4)),
        ("capability", Figure(-0.3, -0.4, -0.2)),
        ("refusals", Figure(-0.3, -0.4, -0.2)),
    ):
        assert keeps({**fine, name: worse}).verdict == "no"
    chance = {**fine, "capability_backbone": Figure(0.25, 0.15, 0.35)}
    assert keeps(chance).verdict == "not shown" and "answering" in keeps(chance).details


def test_a_verdict_needs_an_interval_on_one_side() -> None:
    only, more, acts = QUESTIONS[2].answer, QUESTIONS[3].answer, QUESTIONS[6].answer
    for low, high, expected in ((0.2, 0.8, "yes"), (1.2, 2.0, "no"), (0.8, 1.2, "not shown")):
        assert only({"leakage_length_out": Figure((low + high) / 2, low, high)}).verdict == expected
    for low, high, expected in ((0.1, 0.2, "yes"), (-0.2, -0.1, "no"), (-0.1, 0.1, "not shown")):
        assert more({"rise": Figure((low + high) / 2, low, high)}).verdict == expected
    for low, high, expected in ((0.6, 0.7, "yes"), (0.3, 0.4, "no"), (0.4, 0.6, "not shown")):
        assert acts({"met": Figure((low + high) / 2, low, high)}).verdict == expected
