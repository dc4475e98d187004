"""Options that several commands share."""

from collections.abc import Callable
from typing import Any, TypeVar

import click

from oceanchat.store.location import DEFAULT_STORE
from oceanchat.traits import Level, Trait, TraitLevel, levels_named, traits_named

F = TypeVar("F", bound=Callable[..., Any])


def store_option(command: F) -> F:
    """`--store`: where the project's database is."""
    return click.option(
        "--store",
        default=DEFAULT_STORE,
        show_default=True,
        metavar="URL",
        help="The database: a file name, or postgresql://user@host/name.",
    )(command)


def json_option(command: F) -> F:
    """`--json`: print one JSON object on stdout."""
    option = click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of a table.")
    return option(command)


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


def trait_options(default: str | None) -> Callable[[F], F]:
    """`--trait` and `--level`; both with `default`, or required when it is None."""
    rest: dict[str, Any] = (
        {"required": True} if default is None else {"default": default, "show_default": True}
    )
    trait = click.option(
        "--trait", "traits", type=TraitParam(), metavar="O|C|E|A|N|all", help="One trait, or all.", **rest
    )
    level = click.option(
        "--level", "levels", type=LevelParam(), metavar="high|low|all", help="One level, or both.", **rest
    )
    return lambda command: trait(level(command))


def trait_levels(traits: tuple[Trait, ...], levels: tuple[Level, ...]) -> tuple[TraitLevel, ...]:
    """The trait-levels meant, in paper order."""
    return tuple(TraitLevel(trait, level) for level in levels for trait in traits)
