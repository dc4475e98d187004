"""Help lists every command once, under the heading where people meet it, with an example to paste."""

from collections.abc import Iterator

import click
import pytest

from oceanchat.cli.main import oceanchat
from preact.cli.main import preact
from tests.oceanchat.cli.conftest import Command


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
    assert headings == ["Options", "Build", "Money", "Look", "Validate", "Release"]
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
