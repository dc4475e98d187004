"""Take options of a command as Python arguments."""

from collections.abc import Collection, Mapping
from typing import Any

import click

from oceanchat.errors import ConfigError
from oceanchat.suggestions import did_you_mean


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
