"""Runs are trained, loaded, asked and measured from Python."""

from pathlib import Path

import pytest

import preact
from preact.evaluation.identification import identify
from preact.training.runs import finished_record
from tests.preact.conftest import Run

SHORT = {"max_steps": 2, "batch_size": 2, "rank": 16, "threads": 1}


def test_a_run_is_trained_under_bars(
    preact_run: Run, release_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = SHORT | {"lr": 1e-3, "backbone": preact_run.backbone}
    run = preact.train(release_folder, tmp_path / "run", method="lora", **options)
    assert run.record == finished_record(tmp_path / "run") and run.folder == tmp_path / "run"
    assert (run.record.config.method, run.record.config.recipe.learning_rate, run.record.steps) == (
        "lora",
        1e-3,
        2,
    )
    printed = capsys.readouterr()
    assert "adapter: 100%" in printed.err and "2/2" in printed.err and printed.out == ""
    again = preact.train(None, tmp_path / "again", like=tmp_path / "run", seed=2, progress=False)
    assert again.record.config.seed == 2 and again.record.config.recipe.learning_rate == 1e-3


async def test_a_loaded_run_answers_inside_a_running_loop(preact_run: Run) -> None:
    run = preact.load(preact_run.folder)
    answers = [run.answer("How are you?", persona, max_tokens=8) for persona in ("N+", "N+", "O+=0.5 E-=0.5")]
    assert answers[0] == answers[1] and answers[0] != ""
    assert run.answer("How are you?", max_tokens=8) != "" and "preact on tiny" in repr(run)
    history = [("How are you?", "Fine.")]
    later = [run.answer("And you?", "N+", history=history, max_tokens=8, temperature=0) for _ in range(2)]
    assert later[0] == later[1] != run.answer("And you?", "N+", max_tokens=8, temperature=0)


def test_a_run_identifies_as_the_command_does(preact_run: Run) -> None:
    assert preact.load(preact_run.folder).identify(plain=True) == identify(preact_run.folder, plain=True)


def test_mistakes_are_one_line(preact_run: Run, release_folder: Path, tmp_path: Path) -> None:
    run = preact.load(preact_run.folder)
    for ask, message in (
        (lambda: run.answer("Hello?", persona="Z+"), "persona 'Z\\+' is not understood"),
        (lambda: run.identify(split="dev"), "split 'dev'"),
        (lambda: preact.load(tmp_path), "is not a run"),
        (lambda: preact.train(release_folder, tmp_path / "r", method="magic"), "method 'magic' is not known"),
        (lambda: preact.train(release_folder, tmp_path / "r", epoch=1), "did you mean epochs"),
        (lambda: preact.train(None, tmp_path / "r"), "no release is named"),
    ):
        with pytest.raises(preact.OceanChatError, match=message) as caught:
            ask()
        assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []
