import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

from oceanchat.errors import ConfigError
from preact.cli import exporting, training
from preact.cli.main import main, preact
from tests.preact.conftest import Run


def call(*arguments: Any) -> Any:
    return CliRunner().invoke(preact, [str(a) for a in arguments], catch_exceptions=True)


def test_help_is_there_before_the_heavy_libraries() -> None:
    code = "import sys, preact.cli.main; sys.exit(bool({'torch', 'transformers', 'peft'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], timeout=60).returncode == 0


@pytest.mark.slow
def test_help_takes_less_than_a_second_of_work() -> None:
    before = time.perf_counter()
    own = os.times()
    command = [sys.executable, "-m", "preact.cli.main"]
    subprocess.run(command, timeout=60, check=True)
    after = os.times()
    worked = after.children_user - own.children_user + after.children_system - own.children_system
    assert min(worked, time.perf_counter() - before) < 1.0


def test_every_command_shows_an_example() -> None:
    for command in (*training.COMMANDS, *exporting.COMMANDS):
        assert "Example:" in command.get_help(click.Context(command))


def test_identify_prints_the_json_that_scripts_read(preact_run: Run) -> None:
    done = call("identify", preact_run.folder, "--json")
    assert done.exit_code == 0
    figures = json.loads(done.stdout)
    assert {"accuracy", "ties", "level_accuracy", "margin", "confusion"} <= figures.keys()
    assert set(figures["accuracy"]) == {"value", "low", "high"}


def test_identify_another_release_takes_all_of_it(preact_run: Run, release_folder: Path) -> None:
    done = call("identify", preact_run.folder, "--data", release_folder)
    assert "split all: 70 dialogues" in done.stdout and "trained on" in done.stderr


def test_info_says_what_a_run_is(preact_run: Run) -> None:
    text = call("info", preact_run.folder).stdout
    assert "method       preact" in text and "experts" in text and text.count("\n  ") == 10
    found = json.loads(call("info", preact_run.folder, "--json").stdout)
    assert len(found["expert_weights"]) == 10 and found["release"]["dialogues"] == 40


def test_chat_answers_each_line_and_leaves_at_the_end(preact_run: Run) -> None:
    options = ["chat", str(preact_run.folder), "--persona", "O+ N-", "--max-tokens", "4", "--seed", "1"]
    first, again = (CliRunner().invoke(preact, options, input="Hello?\nAnd now?\n") for _ in range(2))
    assert first.exit_code == 0 and first.stdout == again.stdout
    assert "A machine that simulates high Openness, low Neuroticism" in first.stderr


def test_export_all_writes_ten_folders(preact_run: Run, tmp_path: Path) -> None:
    done = call("export", preact_run.folder, "--all", "--output", tmp_path / "adapters")
    assert done.exit_code == 0 and len(done.stdout.splitlines()) == 10
    assert (tmp_path / "adapters" / "N-high" / "adapter_model.safetensors").is_file()


def test_train_goes_from_the_command_line_to_a_run(release_folder: Path, tmp_path: Path) -> None:
    short = ("--max-steps", 1, "--pretrain-steps", 1, "--rank", 16, "--threads", 1, "--batch-size", 2)
    done = call("train", release_folder, "--output", tmp_path / "run", "--method", "auxiliary", *short)
    assert done.exit_code == 0, done.output
    assert "1 steps" in done.stdout and "method auxiliary: rank 16" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("train", "--output", "x"), "no release is named"),
        (("train", "r", "--output", "x", "--method", "magic"), "method 'magic'"),
        (("train", "r", "--output", "x", "--rank", "30"), "--rank 30"),
        (("train", "r", "--output", "x", "--backbone", "a/b", "--pretrain-steps", "5"), "--pretrain-text"),
        (("export", "x", "--output", "y"), "no single trait-level"),
        (("export", "x", "--trait", "all", "--level", "high", "--output", "y"), "no single trait-level"),
        (("export", "x", "--all", "--trait", "N", "--output", "y"), "--all exports every"),
        (("chat", "x", "--persona", "O+", "--trait", "N"), "--persona stands for itself"),
    ],
)
def test_contradictions_are_named_by_their_flags(arguments: tuple[str, ...], named: str) -> None:
    done = call(*arguments)
    assert isinstance(done.exception, ConfigError) and named in str(done.exception)


def test_resume_takes_nothing_but_the_folder(preact_run: Run) -> None:
    done = call("train", "--resume", "--output", preact_run.folder, "--rank", "32")
    assert isinstance(done.exception, ConfigError) and "leave out: rank" in str(done.exception)


def test_errors_are_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr(sys, "argv", ["preact", "info", str(tmp_path)])
    with pytest.raises(SystemExit) as left:
        main()
    assert left.value.code == 1
    error = capsys.readouterr().err
    assert error.startswith("preact: folder '") and error.count("\n") == 1
