"""Read the values of options in one voice.

Commands declare click's own types; `unify` puts those of this file in their place, which refuse NaN, say what
is wrong as the rest of the program does, and name no type in capitals.
"""

import math
from collections.abc import Iterator
from typing import Any

import click

from oceanchat.suggestions import did_you_mean

OTHER_SPELLINGS = {"behavior": "behaviour"}
"""American spelling of a word among choices -> ours."""


class WholeNumber(click.ParamType[int]):
    """A whole number within bounds, both included."""

    name = "n"

    def __init__(self, low: float | None = None, high: float | None = None) -> None:
        self.low, self.high = low, high

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """The number."""
        try:
            number = int(str(value))
        except ValueError:
            number = None
        if number is None or not _within(number, self.low, self.high):
            self.fail(f"'{value}' cannot be used: it should be a whole number{_range(self)}", param, ctx)
        return number


class Number(click.ParamType[float]):
    """A number within bounds; infinity only where there is no upper bound, and never NaN."""

    name = "x"

    def __init__(self, low: float | None = None, high: float | None = None, above: bool = False) -> None:
        self.low, self.high, self.above = low, high, above

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """The number."""
        try:
            number = float(value)
        except (TypeError, ValueError):
            number = math.nan
        if not _within(number, self.low, self.high) or (self.above and number == self.low):
            self.fail(f"'{value}' cannot be used: it should be a number{_range(self)}", param, ctx)
        return number


class Word(click.Choice[Any]):
    """One of several words; a mistyped one is met with the closest."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The word, in our spelling."""
        spelled = OTHER_SPELLINGS.get(value, value) if isinstance(value, str) else value
        return super().convert(spelled if spelled in self.choices else value, param, ctx)

    def get_invalid_choice_message(self, value: Any, ctx: click.Context | None) -> str:
        """What is wrong with a word that is none of them."""
        words = [str(choice) for choice in self.choices]
        known = did_you_mean(str(value), words, f"write one of {', '.join(words)}")
        return f"'{value}' is not known; {known}"


class Day(click.DateTime):
    """A day."""

    name = "day"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Its first moment."""
        try:
            return super().convert(value, param, ctx)
        except click.BadParameter:
            self.fail(f"'{value}' is no day; write it like 2026-11-30", param, ctx)


def unify(command: click.Command) -> None:
    """Give every value of a command, and of the commands below it, our types."""
    for each in _with_subcommands(command):
        for param in each.params:
            param.type = _ours(param.type)


def _ours(kind: Any) -> Any:
    """Our type for one of click's; any other as it is."""
    if isinstance(kind, click.IntRange):
        return WholeNumber(kind.min, kind.max)
    if isinstance(kind, click.FloatRange):
        return Number(kind.min, kind.max, kind.min_open)
    if kind is click.INT:
        return WholeNumber()
    if kind is click.FLOAT:
        return Number()
    if type(kind) is click.Choice:
        return Word(kind.choices)
    if type(kind) is click.DateTime:
        return Day(kind.formats)
    return kind


def _with_subcommands(command: click.Command) -> Iterator[click.Command]:
    yield command
    if isinstance(command, click.Group):
        for child in command.commands.values():
            yield from _with_subcommands(child)


def _within(number: float, low: float | None, high: float | None) -> bool:
    return not math.isnan(number) and (low is None or number >= low) and (high is None or number <= high)


def _range(kind: WholeNumber | Number) -> str:
    """The bounds in words."""
    above = isinstance(kind, Number) and kind.above
    if kind.low is None and kind.high is None:
        return ""
    if kind.high is None:
        return f" above {kind.low:g}" if above else f", {kind.low:g} or more"
    if kind.low is None:
        return f", at most {kind.high:g}"
    return f" above {kind.low:g}, at most {kind.high:g}" if above else f" from {kind.low:g} to {kind.high:g}"
