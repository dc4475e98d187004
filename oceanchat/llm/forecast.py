"""Forecast: how many calls, tokens and dollars a build will still take, from what a small pilot took.

For each task the pilot gives the calls one passed dialogue needed (with Wilson's interval of the yield) and
the mean tokens of a call (with a normal interval). The ends of the forecast multiply the ends of both, so
they are wide rather than narrow. Pure arithmetic.
"""

import math
from collections.abc import Sequence
from decimal import Decimal
from typing import Any, NamedTuple

from oceanchat.llm.prices import PriceTable
from oceanchat.statistics.intervals import wilson

Z = 1.96
"""Standard errors either side of a mean in a 95 % interval."""


class Span(NamedTuple):
    """A forecast figure with the ends of its interval."""

    value: float
    low: float
    high: float

    def times(self, other: "Span") -> "Span":
        """The product, end by end."""
        return Span(self.value * other.value, self.low * other.low, self.high * other.high)

    def plus(self, other: "Span") -> "Span":
        """The sum, end by end."""
        return Span(self.value + other.value, self.low + other.low, self.high + other.high)

    def scaled(self, factor: float) -> "Span":
        """Every end times `factor`."""
        return Span(self.value * factor, self.low * factor, self.high * factor)


NOTHING = Span(0.0, 0.0, 0.0)


class Moments(NamedTuple):
    """Count, sum and sum of squares of some token counts."""

    number: int
    total: float
    squares: float

    @property
    def mean(self) -> Span:
        """The mean with its 95 % interval; of a single value the interval goes from 0 to double."""
        if self.number == 0:
            return NOTHING
        mean = self.total / self.number
        if self.number == 1:
            return Span(mean, 0.0, 2 * mean)
        variance = max(0.0, (self.squares - self.number * mean * mean) / (self.number - 1))
        margin = Z * math.sqrt(variance / self.number)
        return Span(mean, max(0.0, mean - margin), mean + margin)


class Pilot(NamedTuple):
    """What one task took in the pilot."""

    task: str
    model: str
    endpoint: str
    calls: int
    dialogues: int
    """Passed dialogues these calls ended in."""
    prompt: Moments
    completion: Moments


class TaskForecast(NamedTuple):
    """What one task will still take."""

    task: str
    model: str
    calls: Span
    tokens: Span | None
    """Prompt and completion together; None where the pilot told no token counts."""
    usd: Span | None
    """None where the cost is unknown."""

    def as_json(self) -> dict[str, Any]:
        """For `--json`."""
        spans = {"calls": self.calls, "tokens": self.tokens, "usd": self.usd}
        told = {name: None if span is None else span._asdict() for name, span in spans.items()}
        return {"task": self.task, "model": self.model, **told}


def calls_needed(pilot: Pilot, dialogues: int) -> Span:
    """Calls of the pilot's task that `dialogues` more passed dialogues take."""
    passed, calls = pilot.dialogues, pilot.calls
    if not passed or not calls:
        return Span(math.nan, float(dialogues), math.inf)
    if passed <= calls:
        share = _share(passed, calls)
        return Span(dialogues / share.value, dialogues / share.high, dialogues / share.low)
    # Several dialogues a call: the calls are the rarer event.
    return _share(calls, passed).scaled(dialogues)


def _share(successes: int, total: int) -> Span:
    """Wilson's interval of a share that is not 0."""
    share = wilson(successes, total)
    return Span(successes / total, share.low or 0.0, share.high or 1.0)


def forecast(pilot: Pilot, dialogues: int, prices: PriceTable, batch: bool) -> TaskForecast:
    """What `dialogues` more passed dialogues will take of the pilot's task."""
    calls = calls_needed(pilot, dialogues)
    price = prices.price(pilot.endpoint, pilot.model, batch)
    told = pilot.prompt.number > 0 and pilot.completion.number > 0
    prompt, completion = pilot.prompt.mean, pilot.completion.mean
    tokens = calls.times(prompt.plus(completion)) if told else None
    usd: Span | None = None
    if price is not None and (told or price.input == price.output == 0):
        per_call = prompt.scaled(_per_token(price.input)).plus(completion.scaled(_per_token(price.output)))
        usd = calls.times(per_call) if told else NOTHING
    return TaskForecast(pilot.task, pilot.model, calls, tokens, usd)


def _per_token(price: Decimal) -> float:
    return float(price) / 1e6


def add_up(tasks: Sequence[TaskForecast]) -> TaskForecast:
    """All tasks together; a sum with an unknown part is unknown."""
    calls, tokens, usd = NOTHING, NOTHING, NOTHING
    for task in tasks:
        calls = calls.plus(task.calls)
        tokens = tokens.plus(task.tokens or NOTHING)
        usd = usd.plus(task.usd or NOTHING)
    all_tokens = None if any(task.tokens is None for task in tasks) else tokens
    return TaskForecast(
        "all", "", calls, all_tokens, None if any(task.usd is None for task in tasks) else usd
    )
