"""Read oceanchat.toml, the options one always types.

It lies in the current folder. A table `[oceanchat]` or `[preact]` holds options of all commands of that
program, and a table below it those of one command:

    [oceanchat]
    store = "study.db"
    model = "gpt-4o-mini"

    [oceanchat.build]
    count = 100

Both programs keep what was paid in one store, so that of `[oceanchat]` is that of `preact` too, unless
`[preact]` has its own. So are its prices, and those of `[oceanchat.build]` hold for every command that
prices: what a build counted against its limit is what `costs` shows of it.

What is typed wins over the environment, and the environment over the file.
"""

import os
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from oceanchat.cli.complaints import PROJECT_FILE, flag_of
from oceanchat.cli.display.notes import print_note
from oceanchat.cli.flags import BASE_URL
from oceanchat.cli.options import STORE
from oceanchat.errors import ConfigError
from oceanchat.suggestions import did_you_mean

PROGRAMS = ("oceanchat", "preact")
PRICES = "prices"
LARGEST = 1_000_000
"""Bytes such a file may have."""


class TypedOption(click.Option):
    """An option that the project file does not fill: where something recorded counts unless one types it."""


def default_map(group: click.Group, folder: Path) -> dict[str, Any]:
    """What the file in `folder` gives the commands of a group, as click's default map; empty without a file.

    Raises ConfigError for a file that cannot be read, and for keys that fit no option.
    """
    path = folder / PROJECT_FILE
    if not path.is_file():
        return {}
    document = _read(path)
    for key, value in document.items():
        if key not in PROGRAMS or not isinstance(value, dict):
            otherwise = "put options below [oceanchat] or [preact]"
            programs = () if key in PROGRAMS else PROGRAMS
            raise ConfigError(
                f"{PROJECT_FILE}: '{key}' is no table; {did_you_mean(key, programs, otherwise)}"
            )
    own = dict(document.get(group.name or "", {}))
    for key, value in _shared_by_all(document.get(PROGRAMS[0], {})).items():
        own.setdefault(key, value)
    return _defaults(group, own, str(group.name))


def _shared_by_all(table: Mapping[str, Any]) -> dict[str, Any]:
    """The options of `[oceanchat]` that every command of both programs has to agree on."""
    shared = {key: table[key] for key in ("store", PRICES) if key in table}
    build = table.get("build")
    if PRICES not in shared and isinstance(build, dict) and PRICES in build:
        shared[PRICES] = build[PRICES]
    return shared


def say_used_options() -> None:
    """Say on stderr which options of the running command the file filled, or that it lies further up."""
    context = click.get_current_context()
    used = [
        flag_of(param).removeprefix("--")
        for param in context.command.params
        if isinstance(param, click.Option)
        and context.get_parameter_source(param.name or "") is ParameterSource.DEFAULT_MAP
    ]
    program, here = context.find_root().info_name, Path.cwd()
    named = context.get_parameter_source("store") is ParameterSource.ENVIRONMENT
    if used:
        print_note(f"{program}: {PROJECT_FILE} gives {', '.join(used)}")
    if named and context.lookup_default("store"):
        print_note(f"{program}: {STORE} names the store, in place of {PROJECT_FILE}")
    elif not (here / PROJECT_FILE).is_file() and (file := _above(here)):
        print_note(f"{program}: '{os.path.relpath(file, here)}' is not read; run this in its folder for that")


def where_it_is_named(option: str) -> str:
    """What to add to the message that the file an option of the running command names is not there.

    Empty where the option was typed.
    """
    context, here = click.get_current_context(), Path.cwd()
    source = context.get_parameter_source(option)
    if source is ParameterSource.DEFAULT_MAP:
        return f"; the {PROJECT_FILE} of this folder names it"
    if source is ParameterSource.ENVIRONMENT:
        variable = next((param.envvar for param in context.command.params if param.name == option), "")
        return f"; {variable} names it, and this folder is '{here}'"
    if source is not ParameterSource.DEFAULT:
        return ""
    if (here / PROJECT_FILE).is_file():
        return f"; the {PROJECT_FILE} of this folder names no {option}"
    near = _nearest(here)
    other = f"; one is in '{os.path.relpath(near.parent, here)}': run the command there" if near else ""
    return f"; this folder, '{here}', has no {PROJECT_FILE}{other}"


def _nearest(folder: Path) -> Path | None:
    """The project file of the nearest folder above, else of one below or beside."""
    around = (path for each in (folder, folder.parent) for path in sorted(each.glob(f"*/{PROJECT_FILE}")))
    return _above(folder) or _first_file(around)


def _above(folder: Path) -> Path | None:
    """The project file of the nearest folder above that has one."""
    return _first_file(parent / PROJECT_FILE for parent in folder.parents)


def _first_file(paths: Iterable[Path]) -> Path | None:
    try:
        return next((path for path in paths if path.is_file()), None)
    except OSError:  # a folder that may not be read
        return None


def _read(path: Path) -> dict[str, Any]:
    try:
        if path.stat().st_size > LARGEST:
            raise ConfigError(f"{PROJECT_FILE} is larger than {LARGEST:,} bytes; keep options in it alone")
        return tomllib.loads(path.read_text("utf-8-sig"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ConfigError(f"{PROJECT_FILE} is not TOML: {error}; correct it or move it away") from None
    except OSError as error:
        raise ConfigError(f"{PROJECT_FILE} cannot be read: {error.strerror}") from None


def _defaults(group: click.Group, table: Mapping[str, Any], path: str) -> dict[str, Any]:
    """The default map of a group: what its own keys give every command, and its tables one command each."""
    shared = {key: value for key, value in table.items() if not isinstance(value, dict)}
    _check_shared(group, shared, path)
    tables = {key: value for key, value in table.items() if isinstance(value, dict)}
    for name in tables:
        if name not in group.commands:
            known = did_you_mean(name, group.commands, f"`{path.replace('.', ' ')} --help` lists them")
            raise ConfigError(f"{PROJECT_FILE}: [{path}.{name}] names no command; {known}")
    result: dict[str, Any] = {}
    for name, command in group.commands.items():
        own = {**shared, **tables.get(name, {})}
        if isinstance(command, click.Group):
            fitting = {key: value for key, value in own.items() if key not in shared or _takers(command, key)}
            result[name] = _defaults(command, fitting, f"{path}.{name}")
        else:
            result[name] = _of_command(command, own, set(tables.get(name, {})), f"{path}.{name}")
    return result


def _check_shared(group: click.Group, shared: Mapping[str, Any], path: str) -> None:
    """Raise ConfigError for a key that no command has as an option, or that means different things."""
    for key in shared:
        takers = _takers(group, key)
        if not takers:
            every = [name for command in _commands(group) for name in _options(command)]
            known = did_you_mean(key, every, f"`{path.replace('.', ' ')} COMMAND --help` lists the options")
            raise ConfigError(f"{PROJECT_FILE}: [{path}] '{key}' is no option; {known}")
        if len({option.help for option in takers.values()}) > 1:
            one, other = list(takers)[:2]
            raise ConfigError(
                f"{PROJECT_FILE}: [{path}] '{key}' means different things in different commands; put it below"
                f" [{path}.{one}], [{path}.{other}] or others"
            )


def _of_command(
    command: click.Command, values: Mapping[str, Any], own: set[str], path: str
) -> dict[str, Any]:
    """The default map of one command. Raises ConfigError for a key of its own table that is no option."""
    options = _options(command)
    for key in own:
        if key not in options:
            known = did_you_mean(key, options, f"`{path.replace('.', ' ')} --help` lists the options")
            raise ConfigError(f"{PROJECT_FILE}: [{path}] '{key}' is no option; {known}")
        if isinstance(values[key], dict):
            raise ConfigError(f"{PROJECT_FILE}: [{path}.{key}] is a table; write {key} = VALUE")
    taken = {key: value for key, value in values.items() if key in options}
    for key, value in taken.items():
        option = options[key]
        if isinstance(option.type, click.Path) and not (isinstance(value, str) or option.multiple):
            raise ConfigError(f"{PROJECT_FILE}: {key} is '{value}'; write the name of a file, in quotes")
    filled = {str(options[key].name): value for key, value in taken.items()}
    if os.environ.get(BASE_URL, "").strip():
        filled.pop("base_url", None)
    return filled


def _takers(group: click.Group, key: str) -> dict[str, click.Option]:
    """Command -> its option of that name."""
    return {
        str(command.name): option for command in _commands(group) if (option := _options(command).get(key))
    }


def _options(command: click.Command) -> dict[str, click.Option]:
    """Every spelling of an option, without its dashes -> the option, for those that the file may fill."""
    return {
        name.removeprefix("--"): param
        for param in command.params
        if isinstance(param, click.Option) and not isinstance(param, TypedOption)
        for name in param.opts
        if name.startswith("--")
    }


def _commands(group: click.Group) -> Iterator[click.Command]:
    for command in group.commands.values():
        if isinstance(command, click.Group):
            yield from _commands(command)
        else:
            yield command
