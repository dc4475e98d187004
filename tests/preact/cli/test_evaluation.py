"""The evaluation commands: one line for each mistake, and what goes to stdout and stderr."""

import asyncio
import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from oceanchat.errors import OceanChatError
from preact.cli.main import preact
from preact.evaluation.interview.interviewing import hold_interview
from preact.evaluation.judge.judging import judge_interview
from preact.evaluation.judge.verdicts import Judge
from tests.preact.evaluation.stand_ins import Parrot, Reader, small_inventory


def call(*words: object) -> Result:
    return CliRunner().invoke(preact, [str(word) for word in words])


def make(folder: Path, model: str, judge: Judge, items: int = 2) -> Path:
    """A judged interview on disk."""
    interview = asyncio.run(hold_interview(Parrot(model), small_inventory(items), folder, runs=2))
    asyncio.run(judge_interview(interview, judge))
    return folder


def refusal(result: Result) -> str:
    """The one line that would be printed; anything else than an error of ours fails the test."""
    assert isinstance(result.exception, OceanChatError), result.output
    return str(result.exception)


def test_every_command_has_help_with_an_example() -> None:
    for name in ("interview", "judge", "compare", "report", "control-vectors", "sweep", "plot"):
        result = call(name, "--help")
        assert result.exit_code == 0 and "Example:" in result.output


COMMANDS = """
import sys
from oceanchat.errors import BuildStopped
from preact.cli.main import preact
try:
    preact.main(["interview", "prompted:m", "-o", "asked", "--offline"], standalone_mode=False)
except BuildStopped:
    preact.main(["judge", "a", "--judge", "scripted"], standalone_mode=False)
print("LOADED", *sorted({module.partition(".")[0] for module in sys.modules}))
"""


def test_neither_a_served_model_nor_a_scripted_judge_waits_for_torch(tmp_path: Path) -> None:
    asyncio.run(hold_interview(Parrot(), small_inventory(), tmp_path / "a", runs=1))
    command = [sys.executable, "-c", COMMANDS]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=tmp_path)
    assert "10 batches judged" in done.stdout
    loaded = done.stdout.partition("LOADED")[2].split()
    assert "preact" in loaded and not {"torch", "transformers", "sklearn", "scipy", "matplotlib"} & set(
        loaded
    )


def test_the_table_goes_to_stdout_and_concerns_to_stderr(tmp_path: Path) -> None:
    a, b = (
        make(tmp_path / name, name, Reader("scripted", shift)) for name, shift in (("a", 0.0), ("b", 0.0))
    )
    result = call("compare", a, b, "--baseline", b)
    assert result.exit_code == 0 and result.stdout.startswith("Backbone  Model")
    assert "Overall 0.00; every run of both sides gave the same value" in result.stdout
    assert "Holm p" not in result.stdout and "clear high less clear low answers" in result.stdout
    assert "note: judge scripted: it is scripted" in result.stderr
    assert json.loads(call("compare", a, b, "--json").stdout)["rows"][0]["model"] == "a"


def test_a_folder_of_interviews_stands_for_all_of_them(tmp_path: Path) -> None:
    make(tmp_path / "i" / "a", "a", Reader())
    make(tmp_path / "i" / "b", "b", Reader())
    assert len(json.loads(call("compare", tmp_path / "i", "--format", "json").stdout)["rows"]) == 2


def test_interviews_of_other_inventories_or_judges_are_not_compared(tmp_path: Path) -> None:
    a, b, c = (
        make(tmp_path / "a", "a", Reader()),
        make(tmp_path / "b", "b", Reader(), items=3),
        make(tmp_path / "c", "c", Reader("strict")),
    )
    assert "differ in their inventory file (sha256)" in refusal(call("compare", a, b))
    assert "differ in their judge ('reader' and 'strict')" in refusal(call("compare", a, c))
    assert "differ in their judge" in refusal(call("report", a, c, "--output", tmp_path / "r"))


def test_two_systems_of_one_name_need_a_label(tmp_path: Path) -> None:
    a, b = make(tmp_path / "a", "same", Reader()), make(tmp_path / "b", "same", Reader())
    assert "give each its own --label" in refusal(call("compare", a, b))


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("compare", "nowhere"), "'nowhere' holds no interview"),
        (("judge", "nowhere"), "holds no interview.json"),
        (("interview", "nowhere", "-o", "out"), "'nowhere' is not a run"),
        (("interview", "prompted:", "-o", "out"), "names no model"),
        (("interview", "control:nowhere", "-o", "out"), "holds no control vectors"),
        (("interview", "nowhere", "-o", "out", "--inventory", "bfi44"), "bfi44:FILE"),
        (("interview", "prompted:m", "-o", "out", "--concurrency", "0"), "--concurrency '0' cannot be used"),
        (("sweep", "nowhere", "-o", "out"), "nothing varies"),
        (("sweep", "nowhere", "-o", "out", "--rank", "7"), "--rank 7 is not a multiple of --experts 16"),
        (("sweep", "nowhere", "-o", "out", "--experts", "2.5"), "--experts '2.5' is not a whole number"),
        (
            ("sweep", "nowhere", "-o", "out", "--rank", "16", "--method", "magic"),
            "method 'magic' is not known",
        ),
        (("plot", "sweep", "nowhere", "-o", "out"), "holds no finished points"),
        (("plot", "cases", "nowhere", "-o", "out"), "holds no interview.json"),
    ],
)
def test_a_mistake_is_one_line(
    words: tuple[str, ...], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    line = refusal(call(*words))
    assert message in line and "\n" not in line


def test_numbers_that_are_none_are_a_usage_error() -> None:
    result = call("sweep", "release", "-o", "out", "--rank", "16,many")
    assert result.exit_code == 2 and "'16,many' is not a list of numbers" in result.output


def test_a_case_page_shows_the_kept_answers_and_refuses_what_was_not_asked(tmp_path: Path) -> None:
    a, b = make(tmp_path / "a", "a", Reader()), make(tmp_path / "b", "b", Reader())
    result = call(
        "plot", "cases", a, b, "--trait-level", "low Openness", "--item", "O1", "-o", tmp_path / "out"
    )
    page = Path(result.stdout.split()[0]).read_text().replace("\\", "")
    assert "What of Openness 1?" in page and page.count("> O- run 0") == 2
    line = refusal(call("plot", "cases", a, "--item", "O1", "-o", tmp_path / "out"))
    assert "no interview asked item 'O1' as N+" in line and "N0, N1" in line
