"""Help lists every command once, under the heading where people meet it, with an example to paste."""

import os
import pty
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from oceanchat.cli.group import run_group
from oceanchat.cli.main import oceanchat
from oceanchat.errors import BuildStopped
from preact.cli.main import preact
from tests.oceanchat.cli.conftest import Command
from tests.processes import PATIENCE
from tests.running import OCEANCHAT, run_oceanchat


def commands_of(group: click.Group, name: str) -> Iterator[tuple[str, click.Command]]:
    for child in group.commands.values():
        path = f"{name} {child.name}"
        if isinstance(child, click.Group):
            yield from commands_of(child, path)
        else:
            yield path, child


COMMANDS = dict([*commands_of(oceanchat, "oceanchat"), *commands_of(preact, "preact")])


def test_help_lists_commands_as_people_meet_them(command: Command) -> None:
    printed = command("--help").out
    headings = [line[:-1] for line in printed.splitlines() if line.endswith(":") and line[0] != " "]
    assert headings == ["Options", "Start", "Build", "Money", "Look", "Validate", "Release"]
    for name in oceanchat.commands:
        assert printed.count(f"\n  {name} ") == 1, name


def test_help_of_the_trainer_is_grouped_as_well() -> None:
    printed = preact.get_help(click.Context(preact))
    for heading in ("Train", "Use", "Evaluate", "Report"):
        assert f"\n{heading}:\n" in printed
    assert "\nCommands:" not in printed


@pytest.mark.parametrize("path", COMMANDS)
def test_help_holds_an_example_and_explains_every_option(path: str) -> None:
    command = COMMANDS[path]
    assert f"{path} " in f"{command.help}{command.epilog or ''} ".replace("\n", " ")
    for option in command.params:
        if isinstance(option, click.Option):
            assert option.help and option.help.endswith((".", ")")), option.name


def test_a_mistake_is_one_line_on_stderr(command: Command) -> None:
    ended = command("show", "--trait", "X")
    assert ended.code == 1 and ended.out == ""
    assert ended.err.startswith("oceanchat: ") and ended.err.count("\n") == 1


def test_a_message_holds_no_control_characters(command: Command) -> None:
    ended = command("verify", "no\x1b[31mred\x07.release")
    assert ended.code == 1
    assert ended.err.rstrip("\n").isprintable()


REPORTING = """
import sys
import click
from oceanchat.cli.display import progress
from oceanchat.cli.group import run_group
from oceanchat.progress import Stage

@click.group()
def group():
    pass

@group.command()
def work():
    progress.FIRST_LINE = 0.01
    with progress.BuildProgress() as reports:
        reports.expect(Stage.LABEL, 20)
        click.echo("ready")
        sys.stdin.readline()
        for _ in range(20):
            reports.done(Stage.LABEL, 1)
            click.echo("a note", err=True)
            print("another", file=sys.stderr)
    click.echo("finished")

sys.argv = ["work", "work"]
sys.exit(run_group(group, "release", "stopped"))
"""


def test_a_reader_of_stderr_that_dies_does_not_end_the_work() -> None:
    command = [sys.executable, "-c", REPORTING]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True) as process:
        assert process.stdout is not None and process.stderr is not None
        assert process.stdout.readline() == "ready\n"
        process.stderr.close()
        out, _ = process.communicate("go\n", timeout=PATIENCE)
    assert (process.returncode, out) == (0, "finished\n")


def test_a_terminal_that_closes_does_not_end_the_work() -> None:
    master, slave = pty.openpty()
    command = [sys.executable, "-c", REPORTING]
    pipe = subprocess.PIPE
    environment = os.environ | {"TERM": "xterm-256color"}
    with subprocess.Popen(
        command, stdin=pipe, stdout=pipe, stderr=slave, text=True, env=environment
    ) as process:
        os.close(slave)
        assert process.stdout is not None and process.stdout.readline() == "ready\n"
        os.close(master)
        out, _ = process.communicate("go\n", timeout=PATIENCE)
    assert (process.returncode, out) == (0, "finished\n")


def test_a_full_disk_behind_stderr_does_not_end_the_work() -> None:
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-c", REPORTING], input="go\n", stdout=subprocess.PIPE, stderr=full, text=True
        )
    assert (done.returncode, done.stdout) == (0, "ready\nfinished\n")


@pytest.mark.parametrize("arguments", [("--help",), ("costs", "--store", "s.db")])
def test_a_full_disk_behind_stdout_is_one_line(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    build = ("build", "--trait", "O", "--level", "high", "--count", "1", "--store", "s.db")
    assert run_oceanchat(tmp_path, *build).returncode == 0
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [OCEANCHAT, *arguments], cwd=tmp_path, stdout=full, stderr=subprocess.PIPE, text=True
        )
    assert done.returncode == 1
    assert done.stderr == "oceanchat: output cannot be written: No space left on device\n"


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (RecursionError("deep"), "an input is too large or nested too deeply; give a smaller one"),
        (MemoryError(), "an input is too large or nested too deeply; give a smaller one"),
        (
            PermissionError(13, "Permission denied", "x.txt"),
            "file 'x.txt' cannot be read or written: Permission denied",
        ),
        (OSError(28, "No space left on device"), "output cannot be written: No space left on device"),
    ],
)
def test_what_no_command_foresaw_is_one_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, error: BaseException, message: str
) -> None:
    @click.group()
    def group() -> None:
        pass

    @group.command()
    def work() -> None:
        raise error

    monkeypatch.setattr(sys, "argv", ["group", "work"])
    assert run_group(group, "release", "stopped") == 1
    assert capsys.readouterr().err == f"group: {message}\n"


def test_a_build_that_a_signal_stopped_says_so_by_its_code(monkeypatch: pytest.MonkeyPatch) -> None:
    error = BuildStopped("stopped by SIGINT", signal.SIGINT)

    @click.group(name="oceanchat")
    def group() -> None:
        pass

    @group.command()
    def build() -> None:
        raise error

    monkeypatch.setattr(sys, "argv", ["oceanchat", "build"])
    assert run_group(group, "release", "stopped") == 130
    error = BuildStopped("the cap is reached")
    assert run_group(group, "release", "stopped") == 1


def test_sigterm_ends_any_command_in_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    @click.group(name="oceanchat")
    def group() -> None:
        pass

    @group.command()
    def work() -> None:
        os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr(sys, "argv", ["oceanchat", "work"])
    assert run_group(group, "release", "stopped") == 128 + signal.SIGTERM
    assert capsys.readouterr().err.strip() == "oceanchat: stopped"
