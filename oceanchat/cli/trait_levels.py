"""Name trait-levels, the same way everywhere.

As arguments (`O+ n-low`, `all`), or by --trait and --level; a command is given what either of them means.
"""

import functools
from collections.abc import Callable, Sequence
from typing import Any

import click

from oceanchat.errors import ConfigError
from oceanchat.traits import (
    CODES,
    LEVELS,
    TRAIT_LEVELS,
    TRAITS,
    Level,
    Trait,
    TraitLevel,
    levels_named,
    traits_named,
)

Command = Callable[..., Any]
METAVAR = "[TRAIT-LEVEL]..."


class TraitParam(click.ParamType[tuple[Trait, ...]]):
    """A trait by letter or name, or 'all'."""

    name = "trait"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[Trait, ...]:
        """The traits meant."""
        return value if isinstance(value, tuple) else traits_named(str(value))


class LevelParam(click.ParamType[tuple[Level, ...]]):
    """A level by name, or 'all'."""

    name = "level"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[Level, ...]:
        """The levels meant."""
        return value if isinstance(value, tuple) else levels_named(str(value))


class TraitLevelParam(click.ParamType[TraitLevel]):
    """One trait-level."""

    name = "trait-level"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> TraitLevel:
        """The trait-level meant."""
        return value if isinstance(value, TraitLevel) else TraitLevel.parse(str(value))


trait_option = click.option(
    "--trait",
    "traits",
    type=TraitParam(),
    metavar="O|C|E|A|N|all",
    help="One trait, or all; with --level the same as a TRAIT-LEVEL.",
)
level_option = click.option(
    "--level", "levels", type=LevelParam(), metavar="high|low|all", help="One level, or both; for --trait."
)


def trait_level_arguments(default: Sequence[TraitLevel] | None = None) -> Callable[[Command], Command]:
    """`[TRAIT-LEVEL]...`, --trait and --level; the command is given `trait_levels`, in paper order.

    Without a default, trait-levels must be named; ConfigError otherwise, and where they are named twice and
    differ.
    """

    def add(command: Command) -> Command:
        @functools.wraps(command)
        def call(
            *positional: Any,
            named: tuple[str, ...],
            traits: tuple[Trait, ...] | None,
            levels: tuple[Level, ...] | None,
            **flags: Any,
        ) -> Any:
            chosen = chosen_trait_levels(named, traits, levels, default)
            return command(*positional, trait_levels=chosen, **flags)

        argument = click.argument("named", nargs=-1, metavar=METAVAR)
        return argument(trait_option(level_option(call)))

    return add


def chosen_trait_levels(
    words: Sequence[str],
    traits: tuple[Trait, ...] | None,
    levels: tuple[Level, ...] | None,
    default: Sequence[TraitLevel] | None = None,
) -> tuple[TraitLevel, ...]:
    """The trait-levels that a command line names, in paper order.

    A trait or level that is not given is any where there is a default. Raises ConfigError or InputError.
    """
    if not words:
        if default is None and (traits is None or levels is None):
            raise ConfigError(_nothing_named(traits, levels))
        return _product(traits or TRAITS, levels or LEVELS)
    named = _named(words)
    by_options = _product(traits or TRAITS, levels or LEVELS)
    stray = [each for each in named if each not in by_options]
    lacking = traits is not None and levels is not None and set(named) != set(by_options)
    if stray or lacking:
        options = " and ".join(
            f"{flag} '{'all' if len(values) > 1 else values[0]}'"
            for flag, values in (("--trait", traits), ("--level", levels))
            if values is not None
        )
        raise ConfigError(f"'{' '.join(words)}' and {options} name different trait-levels; leave one out")
    return named


def _named(words: Sequence[str]) -> tuple[TraitLevel, ...]:
    """'O+', 'n-low', 'high Openness' and the like, or 'all', as trait-levels in paper order, each once."""
    named = {
        trait_level
        for word in words
        for trait_level in (TRAIT_LEVELS if word.strip().lower() == "all" else [TraitLevel.parse(word)])
    }
    return tuple(trait_level for trait_level in TRAIT_LEVELS if trait_level in named)


def _product(traits: Sequence[Trait], levels: Sequence[Level]) -> tuple[TraitLevel, ...]:
    return tuple(TraitLevel(trait, level) for level in levels for trait in traits)


def _nothing_named(traits: tuple[Trait, ...] | None, levels: tuple[Level, ...] | None) -> str:
    """What is missing, and how it is written."""
    if traits is None and levels is None:
        return f"no trait-level is named; write one or more of {', '.join(CODES)}, or all"
    given, missing = (
        ("--trait", "--level high|low|all") if levels is None else ("--level", "--trait O|...|all")
    )
    return f"{given} alone names no trait-level; add {missing}, or write trait-levels such as O+ N- instead"
