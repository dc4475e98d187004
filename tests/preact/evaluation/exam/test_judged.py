"""Leakage in a judge's eyes."""

import json
from pathlib import Path

import numpy as np
import pytest

from oceanchat.errors import EvaluationError
from preact.dialogues.release import read_release
from preact.evaluation.exam.examining import exam_page, examine
from preact.evaluation.exam.judged import judged_leakages
from preact.evaluation.interview.interviewing import hold_interview
from preact.evaluation.judge.exam import ExamMaterial, examine_judge
from preact.evaluation.judge.judging import judge_interview
from tests.preact.evaluation.exam.examinees import dialogues, header, knower, material
from tests.preact.evaluation.stand_ins import Parrot, Reader, small_inventory


async def test_a_judge_that_sees_the_own_trait_alone_sees_no_leakage(tmp_path: Path) -> None:
    folder = tmp_path / "parrot"
    interview = await hold_interview(Parrot(), small_inventory(8), folder, scope="all", runs=1)
    await judge_interview(interview, Reader())
    (one,) = judged_leakages(folder)
    assert one.name == "parrot, reader (batch)"
    assert np.array(one.matrix) == pytest.approx(2 * np.vstack([np.eye(5), -np.eye(5)]))
    own, ratio = one.figures["own_moved"], one.figures["leakage"]
    assert (own.value, own.low, own.high) == (2.0, 2.0, 2.0)
    assert (ratio.value, ratio.low, ratio.high) == (0.0, 0.0, 0.0)
    await examine(knower(), material(dialogues(1)), header(knower()), tmp_path / "Knower", ["neutral"])
    exam_page(tmp_path, ["Knower"], False, [], [one])
    page = (tmp_path / "exam.md").read_text()
    assert "The same in a judge's eyes: parrot, reader (batch)" in page
    assert "The own trait moves +2.00 (+2.00 to +2.00) as asked" in page and "| O+ | 2.00 | 0.00 |" in page
    assert "judge reader, unexamined: clear high less clear low answers" in page
    assert "it is unexamined: no exam on file" in page
    assert json.loads((tmp_path / "figures.json").read_text())[one.name]["own_moved"]["value"] == 2.0


async def test_a_judge_that_sees_nothing_has_no_ratio(tmp_path: Path) -> None:
    folder = tmp_path / "parrot"
    interview = await hold_interview(Parrot(says="Well."), small_inventory(8), folder, scope="all", runs=1)
    await judge_interview(interview, Reader())
    assert judged_leakages(folder)[0].figures["leakage"].note == "its own trait is not shown to move"


async def test_interviews_that_show_no_leakage_are_refused(tmp_path: Path) -> None:
    await hold_interview(Parrot(), small_inventory(), tmp_path / "all", scope="all", runs=1)
    with pytest.raises(EvaluationError, match="has not been judged; run `preact judge"):
        judged_leakages(tmp_path / "all")
    await hold_interview(Parrot(), small_inventory(), tmp_path / "own", scope="own", runs=1)
    with pytest.raises(EvaluationError, match="interview with --items all"):
        judged_leakages(tmp_path / "own")


async def test_the_judge_s_own_exam_stands_beside_its_figures(tmp_path: Path, release_folder: Path) -> None:
    folder = tmp_path / "parrot"
    interview = await hold_interview(Parrot(), small_inventory(8), folder, scope="all", runs=1)
    judging = await judge_interview(interview, Reader())
    sat = await examine_judge(
        Reader(), judging.folder, ExamMaterial(read_release(str(release_folder)), None, 10)
    )
    (one,) = judged_leakages(folder)
    assert one.figures["judge_level_named"] == sat.level_named
    await examine(knower(), material(dialogues(1)), header(knower()), tmp_path / "Knower", ["neutral"])
    page = exam_page(tmp_path, ["Knower"], False, [], [one]).markdown.read_text()
    assert f"the level in {sat.level_named.text('.2f')}; length alone" in page.replace("\\", "")
    assert all(warning in page.replace("\\", "") for warning in sat.warnings)
    stored = json.loads((tmp_path / "figures.json").read_text())[one.name]
    assert stored["judge_named"]["value"] == sat.named.value
