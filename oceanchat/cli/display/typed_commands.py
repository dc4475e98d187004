"""Name the store in printed commands.

What a note says to type then reads the store that its own command read.
"""

import re
import shlex

import click
from click.core import ParameterSource

COMMAND = re.compile(r"`oceanchat ([^`]+)`")


def with_its_store(line: str) -> str:
    """`line` with --store added to each command in it that would otherwise read another store.

    Nothing is added where the store comes from the environment or a project file, which the next command
    reads too, or is a URL, which can hold a password.
    """
    context = click.get_current_context(silent=True)
    if context is None or context.get_parameter_source("store") is not ParameterSource.COMMANDLINE:
        return line
    store, program = str(context.params["store"]), context.find_root().command
    if "://" in store:
        return line
    return COMMAND.sub(
        lambda command: (
            f"`oceanchat {command[1]} --store {shlex.quote(store)}`"
            if _reads_a_store(program, command[1].split())
            else command[0]
        ),
        line,
    )


def _reads_a_store(program: click.Command, words: list[str]) -> bool:
    """Whether these words are a command that reads a store and do not say which, or a release instead."""
    command = program
    while isinstance(command, click.Group) and words and words[0] in command.commands:
        command = command.commands[words.pop(0)]
    return not {"--store", "--release"} & set(words) and any(
        param.name == "store" for param in command.params
    )
