"""Both command lines as one: the same option is the same everywhere, and nothing is wider than a terminal."""

import os
import re
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from oceanchat.cli.group import CONTEXT
from oceanchat.cli.help_layout import HelpContext
from oceanchat.cli.main import oceanchat
from oceanchat.cli.options import STORE
from oceanchat.cli.values import Number, WholeNumber
from preact.cli.main import preact
from tests.command_reference import PAGE, page

SHOWN = 80
"""Columns of a terminal."""

DIFFERENT = {
    "--backbone": "the model to train; in check-served the name of one that is served",
    "--base-url": "an endpoint; in retry and batches instead of the recorded one",
    "--batch-size": "dialogues per step; in serve answers at a time",
    "--build": "the name to build under; elsewhere the build to read",
    "--checker": "in a build there is always one; an import may go unchecked",
    "--count": "dialogues to build or show, or topics to find",
    "--dry-run": "of a build or a training",
    "--experts": "a number; in sweep several",
    "--format": "of rows, tables or adapters",
    "--judge": "who judges, whose scores are used, or whose price is named",
    "--labeler": "of sentences, or of topics",
    "--labeller": "of sentences, or of topics",
    "--lambda": "a number; in sweep several",
    "--language": "of dialogues, or of an annotator",
    "--method": "of training, or of vectors",
    "--mode": "of writing, or of judging",
    "--only": "requests to one model, or one part of the exam",
    "--output": "a file or a folder, each said",
    "-o": "a file or a folder, each said",
    "--private": "beside --push, or always",
    "--prompt": "of trained methods, or of prompted models",
    "--rank": "to train, to cut to, or several to try",
    "--release": "to show; in check-served another spelling of --data",
    "--repeats": "of items for annotators, or of a judge's opinions",
    "--reply": "a stored reply, its length, or its text",
    "--seed": "of what is drawn, each said",
    "--split": "in check-served test even of another release",
    "--state": "of dialogues, or of any row",
    "--strength": "of an adapter, or of vectors",
    "--timeout": "of one request, or of an answer with its waiting",
    "--trait-level": "to show, or of dialogues that name none",
    "--yes": "spending, or making an annotator of a lead",
}
"""Options that mean different things in different commands -> what."""


WITHOUT_JSON = {
    "oceanchat demo": "to be looked at; the commands that it names have it",
    "oceanchat export": "its output is the data itself",
    "oceanchat serve-scripted": "runs until it is stopped",
    "oceanchat annotate": "runs until it is stopped",
    "preact serve": "runs until it is stopped",
    "preact chat": "runs until it is stopped",
}
"""Commands whose result is no JSON value -> why."""


def commands_of(group: click.Group, path: str) -> Iterator[tuple[str, click.Command]]:
    for name, command in group.commands.items():
        yield f"{path} {name}", command
        if isinstance(command, click.Group):
            yield from commands_of(command, f"{path} {name}")


COMMANDS = dict([*commands_of(oceanchat, "oceanchat"), *commands_of(preact, "preact")])


def options_of(command: click.Command) -> list[click.Option]:
    return [param for param in command.params if isinstance(param, click.Option)]


def meaning(option: click.Option) -> tuple[object, ...]:
    """What a user is told of an option, and what it takes."""
    kind = option.type
    bounds = (
        (kind.low, kind.high) if isinstance(kind, WholeNumber | Number) else getattr(kind, "choices", None)
    )
    return option.help, option.metavar, option.multiple, option.is_flag, type(kind), bounds


def test_an_option_means_the_same_in_every_command_but_for_those_listed() -> None:
    meanings = defaultdict(set)
    for command in COMMANDS.values():
        for option in options_of(command):
            for flag in option.opts:
                meanings[flag].add(meaning(option))
    assert {flag for flag, seen in meanings.items() if len(seen) > 1} == set(DIFFERENT)


@pytest.mark.parametrize("path", COMMANDS)
def test_every_output_is_o_and_every_value_is_read_by_us(path: str) -> None:
    for option in options_of(COMMANDS[path]):
        assert ("--output" in option.opts) == ("-o" in option.opts)
        assert not isinstance(option.type, click.IntRange | click.FloatRange)
        assert option.type not in (click.INT, click.FLOAT) or option.is_flag or option.count


def test_every_command_prints_json_but_for_those_listed() -> None:
    single = {path: command for path, command in COMMANDS.items() if not isinstance(command, click.Group)}
    without = {
        path for path, command in single.items() if not any("--json" in o.opts for o in options_of(command))
    }
    assert without == set(WITHOUT_JSON)
    names = {path.removeprefix("oceanchat ") if path != "oceanchat export" else path for path in without}
    assert not [name for name in names if f"`{name}`" not in PAGE.read_text(encoding="utf-8")]


def test_json_is_printed_in_one_way_alone() -> None:
    root = Path(__file__).parents[1]
    files = [*root.glob("oceanchat/cli/*.py"), *root.glob("preact/cli/*.py")]
    assert len(files) > 40
    assert not [file for file in files if re.search(r"echo\(\s*(json\.dumps|.*_json\()", file.read_text())]


@pytest.mark.parametrize("path", COMMANDS)
def test_every_store_is_read_from_the_environment(path: str) -> None:
    stores = [option for option in options_of(COMMANDS[path]) if "--store" in option.opts]
    assert all(option.envvar == STORE for option in stores)


@pytest.mark.parametrize("path", COMMANDS)
def test_help_fits_a_terminal_and_breaks_no_name(path: str) -> None:
    context = HelpContext(COMMANDS[path], info_name=path, terminal_width=SHOWN, **CONTEXT)
    printed = COMMANDS[path].get_help(context)
    assert [line for line in printed.splitlines() if len(line) > SHOWN] == []
    assert not any(word in printed for word in ("INTEGER", "FLOAT", " BOOLEAN"))
    for option in options_of(COMMANDS[path]):
        if option.show_default and isinstance(option.default, str) and " " not in option.default:
            assert f"[default: {option.default}]" in printed


def test_each_program_knows_the_commands_of_the_other() -> None:
    assert set(oceanchat.elsewhere) == set(preact.commands) - set(oceanchat.commands)
    assert set(preact.elsewhere) == set(oceanchat.commands) - set(preact.commands)


@pytest.mark.parametrize("program", ["oceanchat", "preact"])
def test_a_program_is_a_module_too(program: str) -> None:
    done = subprocess.run([sys.executable, "-m", program, "--version"], capture_output=True, text=True)
    assert done.returncode == 0 and done.stdout.startswith(f"{program}, version ")


@pytest.mark.parametrize(
    ("program", "words", "offered"),
    [("oceanchat", "oceanchat bui", "build"), ("preact", "preact interview --inv", "--inventory")],
)
def test_shells_complete_commands_and_options(program: str, words: str, offered: str) -> None:
    environment = os.environ | {
        f"_{program.upper()}_COMPLETE": "bash_complete",
        "COMP_WORDS": words,
        "COMP_CWORD": str(len(words.split()) - 1),
    }
    command = [sys.executable, "-m", program]
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert done.stdout == f"plain,{offered}\n", done.stderr


def test_the_command_reference_is_what_the_commands_say() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run `python -m tests.command_reference`"
