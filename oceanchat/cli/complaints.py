"""Say what is wrong with a command line.

In the voice of the other errors: the thing, its value in quotes, what is wrong, what to do.
"""

import re

import click
from click.core import ParameterSource

from oceanchat.suggestions import did_you_mean

PROJECT_FILE = "oceanchat.toml"
"""In the current folder: options that one always types."""

_CLICKS_NOUN = re.compile(r"^(?:File|Directory|Path) (?=')|(?<=exist)\.$")
"""What click writes about a path beside its name and what is wrong with it."""


def complaint(error: click.ClickException) -> str:
    """One line about what click refused."""
    context = getattr(error, "ctx", None)
    path = context.command_path if context else ""
    help_line = f"`{path} --help` lists them"
    if isinstance(error, click.exceptions.NoSuchCommand):
        name, group = error.command_name, context.command if context else None
        if program := getattr(group, "elsewhere", {}).get(name):
            return f"command '{name}' is not known here; did you mean `{program} {name}`?"
        known = group.commands if isinstance(group, click.Group) else ()
        return f"command '{name}' is not known; {did_you_mean(name, known, help_line)}"
    if isinstance(error, click.NoSuchOption):
        flags = [flag for param in context.command.params for flag in _flags(param)] if context else []
        name = error.option_name
        return f"option '{name}' is not known; {did_you_mean(name, flags, help_line)}"
    if isinstance(error, click.MissingParameter) and error.param is not None:
        return f"{_shown(error.param, context)} is missing; add it, or see `{path} --help`"
    if isinstance(error, click.BadParameter) and error.param is not None:
        message = _CLICKS_NOUN.sub("", error.message)
        return f"{name_of(error.param, context)} {message}"
    if isinstance(error, click.BadOptionUsage):
        wants_none = "does not take" in error.message
        return (
            f"{error.option_name} {'takes no value; leave it out' if wants_none else 'needs a value; add it'}"
        )
    if isinstance(error, click.UsageError) and path:
        return f"{_lowered(error.message)}; see `{path} --help`"
    return error.format_message()


def name_of(param: click.Parameter, context: click.Context | None) -> str:
    """A parameter as the user wrote it: its flag, its key in the project file, or the argument."""
    if not isinstance(param, click.Option):
        return str(param.metavar or param.name).strip("[].").upper()
    flag = flag_of(param)
    if context and context.get_parameter_source(param.name or "") is ParameterSource.DEFAULT_MAP:
        return f"{PROJECT_FILE}: {flag.removeprefix('--')}"
    return flag


def flag_of(option: click.Option) -> str:
    """Its first long flag; what follows are other spellings."""
    return next((flag for flag in option.opts if flag.startswith("--")), option.opts[0])


def _shown(param: click.Parameter, context: click.Context | None) -> str:
    """A parameter with what its value is called, as in '--output DIR'."""
    if isinstance(param, click.Option) and context is not None:
        return f"{name_of(param, context)} {param.make_metavar(context)}"
    return name_of(param, context)


def _flags(param: click.Parameter) -> list[str]:
    return [*param.opts, *param.secondary_opts] if isinstance(param, click.Option) else []


def _lowered(message: str) -> str:
    """A sentence of click's as part of ours."""
    return (message[:1].lower() + message[1:]).rstrip(".")
