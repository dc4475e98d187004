"""Take options of a command as Python arguments."""

import re
from collections.abc import Callable, Collection, Mapping
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import click

from oceanchat.errors import ConfigError, OceanChatError
from oceanchat.suggestions import did_you_mean

P = ParamSpec("P")
R = TypeVar("R")
_FLAG = re.compile(r"(?<![\w-])--([a-z][a-z0-9-]*)(?: ([A-Z][A-Z_]+)\b)?")
"""A flag, and what its value is called, as in '--output DIR'."""


def read_options(
    command: click.Command, given: Mapping[str, Any], left_out: Collection[str]
) -> dict[str, Any]:
    """The values by the names that the command's function takes them by.

    An argument is called as its option is, with underscores: `answer_words` for --answer-words. `left_out`
    names those of the command that are none here. Raises ConfigError for a name that is no option's.
    """
    names = {
        spelling.lstrip("-").replace("-", "_"): str(option.name)
        for option in command.params
        if isinstance(option, click.Option) and option.name not in left_out
        for spelling in (*option.opts, str(option.name))
    }
    unknown = next((name for name in given if name not in names), None)
    if unknown is not None:
        advice = did_you_mean(unknown, names, f"`{command.name} --help` lists the options")
        raise ConfigError(f"argument '{unknown}' is not known; {advice}")
    return {names[name]: value for name, value in given.items()}


def in_python_words(command: click.Command) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Let the errors of a function name its arguments where they name the flags of `command`, which it stands
    for; whole commands, in backticks, stay as one types them."""
    flags = {
        spelling.removeprefix("--"): option
        for option in command.params
        if isinstance(option, click.Option)
        for spelling in (*option.opts, *option.secondary_opts)
    }

    def argument(flag: re.Match[str]) -> str:
        option = flags.get(flag[1])
        if option is None:
            return flag[0]
        name = flag[1].replace("-", "_")
        if option.is_flag:
            return f"{name}=True"
        return f"{name}={flag[2]}" if flag[2] else name

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        @wraps(function)
        def called(*args: P.args, **kwargs: P.kwargs) -> R:
            try:
                return function(*args, **kwargs)
            except OceanChatError as error:
                parts = str(error).split("`")
                parts[::2] = [_FLAG.sub(argument, part) for part in parts[::2]]
                error.args = ("`".join(parts),)
                raise

        return called

    return decorate
