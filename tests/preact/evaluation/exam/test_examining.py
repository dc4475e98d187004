"""`preact exam` from the command line: a run, an endpoint's model, resuming, the page from its files."""

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from oceanchat.errors import EvaluationError
from oceanchat.statistics.figure import SHARE, Figure
from oceanchat.traits import CODES
from preact.cli.main import preact
from preact.evaluation.exam import examining, measuring
from preact.evaluation.exam.examining import exam_page, examine, read_examined
from preact.evaluation.exam.figures import all_figures
from preact.evaluation.exam.measuring import first_of_each
from preact.evaluation.exam.records import PARTS, read_parts
from tests.endpoint import Endpoint
from tests.preact.conftest import Run
from tests.preact.evaluation.exam.examinees import SMALL, dialogues, header, knower, lengthwise, material


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(examining, "QUICK", SMALL.model_copy(update={"dialogues": 1}))


def run(*words: object) -> Any:
    result = CliRunner().invoke(preact, ["exam", *map(str, words), "--quick"])
    if result.exception and not isinstance(result.exception, SystemExit | EvaluationError):
        raise result.exception
    return result


@pytest.fixture(scope="module")
def exam(preact_run: Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The exam of a micro run."""
    folder = tmp_path_factory.mktemp("exam")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(examining, "QUICK", SMALL.model_copy(update={"dialogues": 1}))
        result = run(preact_run.folder, "--output", folder)
    assert result.exit_code == 0 and result.stdout.split() == [
        str(folder / "exam.md"),
        str(folder / "exam.html"),
    ]
    return folder


def test_every_part_is_stored_and_the_page_answers_seven_questions(exam: Path) -> None:
    page = (exam / "exam.md").read_text()
    assert {f"{part}.json" for part in PARTS} <= {path.name for path in (exam / "preact").iterdir()}
    answered = re.findall(r"^\| preact \| (?:yes|no|not shown) \| [^|]+ \| [^|]+ \|$", page, re.MULTILINE)
    commands = re.findall(r"^preact exam .* --only .*", page, re.MULTILINE)
    assert len(answered) == len(commands) == 7 and "people: 100 answers" in page and "USD" in page
    tables = len(re.findall(r"^\| ---", page, re.MULTILINE))
    assert (exam / "exam.html").read_text().count("<table>") == tables == 12


async def test_every_part_says_how_long_it_takes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("oceanchat.time_left.FIRST_SECONDS", 0)
    system, lines = knower(), list[str]()
    await examine(system, material(dialogues(2)), header(system, SMALL), tmp_path, say=lines.append)
    timed = "\n".join(line for line in lines if re.search(r", about \d+ s left$", line))
    for part in (
        " dialogues",
        "levels of their traits at 2 strengths",
        " exchanges after ",
        "courses of action",
        "paragraphs",
        "plain questions",
        "asking 2",
    ):
        assert part in timed, timed


async def test_systems_stand_side_by_side(tmp_path: Path) -> None:
    size = SMALL.model_copy(update={"strengths": (1.0,)})
    for system in (knower(), lengthwise()):
        await examine(system, material(dialogues(2)), header(system, size), tmp_path / system.model)
    exam_page(tmp_path, ["Knower", "Lengthwise"], False, [])
    page = (tmp_path / "exam.md").read_text()
    assert "| Question | Knower | Lengthwise |" in page and "its strength cannot be set" in page
    assert page.count("\npreact exam ") == 7  # one command for both


def numbers(text: str) -> set[str]:
    """Every share and every figure of two or more decimals."""
    return set(re.findall(r"[+-]?\d+\.\d+%|[+-]?\d+\.\d{2,}", text))


def test_every_figure_on_the_page_comes_from_the_stored_files(exam: Path) -> None:
    stored = json.loads((exam / "figures.json").read_text())
    forms = (SHARE, "+.1%", "+.4f", "+z.4f", ".4f", ".2f", "+.3f")
    written = {"10.0%", "20.0%", "50.0%", "25.0%"}
    for name in ("preact",):
        figures = all_figures(read_parts(exam / name))
        assert {key: value for key, value in stored[name].items() if key != "leakage_matrix"} == {
            key: {**figure.bounds(), "note": figure.note} for key, figure in figures.items()
        }
        for figure in figures.values():
            written |= {format(x, form) for x in figure.bounds().values() if x is not None for form in forms}
        written |= {
            f"{x:.4f}".replace("-0.0000", "0.0000") for row in stored[name]["leakage_matrix"] for x in row
        }
    page = (exam / "exam.md").read_text()
    asked = page.index("## What only people")
    assert numbers(page[:asked]) - written == set()


def test_the_main_figures_are_those_of_a_computation_of_its_own(exam: Path) -> None:
    stored = json.loads((exam / "figures.json").read_text())["preact"]
    part = json.loads((exam / "preact" / "identification.json").read_text())
    losses, own = (
        np.array(part["whole"]["losses"]),
        [CODES.index(d["code"]) for d in part["whole"]["dialogues"]],
    )
    near = losses <= losses.min(axis=1, keepdims=True) + 1e-6
    credit = (near / near.sum(axis=1, keepdims=True))[np.arange(len(own)), own]
    assert stored["accuracy"]["value"] == pytest.approx(credit.mean())
    dose = json.loads((exam / "preact" / "dose.json").read_text())
    margins = {s: np.mean(np.subtract(dose["opposite"][s], dose["own"][s])) for s in dose["own"]}
    for strength, margin in margins.items():
        assert stored[f"margin@{strength}"]["value"] == pytest.approx(margin)
    neutral = json.loads((exam / "preact" / "neutral.json").read_text())["losses"]
    rise = np.mean([neutral[code] for code in CODES]) - np.mean(neutral["none"])
    assert stored["neutral"]["value"] == pytest.approx(rise)
    matrix = np.array(stored["leakage_matrix"])
    assert matrix.shape == (10, 5) and matrix.sum(axis=0) == pytest.approx(np.zeros(5), abs=1e-9)


def test_a_second_exam_measures_only_what_is_missing(
    exam: Path, preact_run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "exam"
    shutil.copytree(exam, folder)
    page = (folder / "exam.md").read_text()
    (folder / "preact" / "neutral.json").unlink()
    for name in ("identification", "dose", "persistence", "behaviour", "capability"):
        monkeypatch.setattr(examining, f"measure_{name}", None)
    result = run(preact_run.folder, "--output", folder)
    assert result.exit_code == 0 and "impersonal" in result.stderr and "asking" not in result.stderr
    again = (folder / "exam.md").read_text()
    assert [line for line in again.splitlines() if "--output" not in line] == [
        line for line in page.splitlines() if "--output" not in line
    ]


def test_one_part_alone_and_what_it_needs(preact_run: Run, tmp_path: Path) -> None:
    assert run(preact_run.folder, "--only", "neutral", "--output", tmp_path).exit_code == 0
    assert [*read_parts(tmp_path / "preact")] == ["neutral"]
    assert "not measured" in (tmp_path / "exam.md").read_text()
    printed = json.loads(
        run(preact_run.folder, "--only", "persistence", "--output", tmp_path, "--json").stdout
    )
    assert printed["markdown"] == str(tmp_path / "exam.md") and "accuracy" in printed["systems"]["preact"]
    assert {*read_parts(tmp_path / "preact")} == {"identification", "persistence", "neutral"}


def test_of_a_model_behind_an_endpoint_only_what_it_says_is_examined(
    serve: Callable[..., Endpoint], tmp_path: Path
) -> None:
    access = ("--base-url", serve(reply="I walk a lot.").url, "--store", tmp_path / "ledger.db")
    result = run("prompted:served", "--output", tmp_path / "exam", *access)
    assert result.exit_code == 0, result.output
    assert [*read_parts(tmp_path / "exam" / "prompted-served")] == ["answers"]
    page = (tmp_path / "exam" / "exam.md").read_text()
    assert "| not shown | an endpoint gives no losses" in page


def test_what_cannot_be_examined_is_refused_in_one_line(exam: Path, preact_run: Run, tmp_path: Path) -> None:
    refused = run(f"backbone:{preact_run.folder}", "--output", tmp_path / "a")
    assert "portrays nobody" in str(refused.exception)
    other = run(preact_run.folder, "--split", "validation", "--output", exam)
    assert "holds another exam: its release" in str(other.exception) or "its split" in str(other.exception)
    alone = tmp_path / "backbone"
    shutil.copytree(preact_run.backbone, alone)
    assert "name one with --data" in str(run(f"prompted:{alone}", "--output", tmp_path / "b").exception)
    shutil.copytree(exam, tmp_path / "c")
    (tmp_path / "c" / "preact" / "dose.json").write_text('{"has_dial": 3')
    damaged = run(preact_run.folder, "--output", tmp_path / "c")
    assert "dose.json' cannot be read; remove it" in str(damaged.exception)
    assert run("--output", tmp_path / "d").exit_code == 2


async def test_conditions_that_do_not_fit_are_left_out_and_said(tmp_path: Path) -> None:
    system = knower()
    score = system.score

    def short(talks: Any, persona: Any, *, cut: int = 0, skip: int = 0) -> list[float | None]:
        return [None] * len(talks) if skip else score(talks, persona, cut=cut)

    system.score = short  # type: ignore[method-assign]
    await examine(system, material(dialogues(1)), header(system), tmp_path / "x", ["persistence"])
    parts = read_parts(tmp_path / "x")
    assert parts["persistence"].left_out == ("1", measuring.DROPPED)
    assert read_examined(tmp_path, "x").figures["lasting"] == Figure(
        None, note="no small talk fits the system's lengths"
    )


def test_the_first_of_each_are_by_different_authors_where_there_are_some() -> None:
    shown = dialogues(3)
    twice = [d for d in shown if d.trait_level.code == "O+"]
    same = [twice[0], twice[0].__class__(**{**vars(twice[1]), "author": twice[0].author}), twice[2]]
    assert [d.id for d in first_of_each(same, 2)] == ["O+0", "O+2"]
    assert len(first_of_each(shown, 1)) == 10 and len(first_of_each(shown, 0)) == 30


def test_names_of_folders_are_told_apart() -> None:
    names = examining._names(["runs/a", "other/a", "prompted:gpt-4o", "control:runs/a"])
    assert names == ["a", "a-2", "prompted-gpt-4o", "control-a"]
