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


@pytest.mark.parametrize(("world", "ending"), [("1", "taken apart"), ("2", "")])
def test_beside_others_a_process_calls_what_asked_for_it_and_ends_at_once(world: str, ending: str) -> None:
    code = (
        "import atexit, sys; from preact.cli.main import main; atexit.register(print, 'called')\n"
        "class Late:\n    def __del__(self): print('taken apart')\n"
        "late = Late(); sys.argv = ['preact', 'info', 'nowhere']; main()"
    )
    environment = {**os.environ, "WORLD_SIZE": world}
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, timeout=240, env=environment, capture_output=True, text=True)
    assert done.returncode == 1 and done.stderr.startswith("preact: folder 'nowhere'")
    assert done.stdout.split("\n", 1)[0] == "called" and done.stdout.partition("called")[2].strip() == ending


def test_errors_are_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr(sys, "argv", ["preact", "info", str(tmp_path)])
    with pytest.raises(SystemExit) as left:
        main()
    assert left.value.code == 1
    error = capsys.readouterr().err
    assert error.startswith("preact: folder '") and error.count("\n") == 1
