"""The command line as a whole: light help, an example for every command, errors in one line."""

import os
import subprocess
import sys
from pathlib import Path

import click
import pytest

from preact.cli.main import main, preact


def test_help_is_there_before_the_heavy_libraries() -> None:
    code = "import sys, preact.cli.main; sys.exit(bool({'torch', 'transformers', 'peft'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], timeout=240).returncode == 0


@pytest.mark.slow
def test_help_takes_less_than_a_second_of_work() -> None:
    def work() -> float:
        """Seconds of CPU, which other processes on the machine disturb less than the clock."""
        before = os.times()
        subprocess.run([sys.executable, "-m", "preact.cli.main"], timeout=240, check=True)
        after = os.times()
        return after.children_user - before.children_user + after.children_system - before.children_system

    assert min(work() for _ in range(3)) < 1.0


def test_every_command_shows_an_example() -> None:
    for command in preact.commands.values():
        assert "Example:" in command.get_help(click.Context(command))


def test_errors_are_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr(sys, "argv", ["preact", "info", str(tmp_path)])
    with pytest.raises(SystemExit) as left:
        main()
    assert left.value.code == 1
    error = capsys.readouterr().err
    assert error.startswith("preact: folder '") and error.count("\n") == 1
