"""Figures of a forecast, each with its ends.

What a task or a whole build takes in calls, tokens and US dollars. Knows no store and no model.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple


class Range(NamedTuple):
    """A figure with the ends of its 95 % interval."""

    value: float
    low: float
    high: float

    def times(self, other: "Range") -> "Range":
        """The product, end by end."""
        return Range(self.value * other.value, self.low * other.low, self.high * other.high)

    def plus(self, other: "Range") -> "Range":
        """The sum, end by end."""
        return Range(self.value + other.value, self.low + other.low, self.high + other.high)

    def scaled(self, factor: float) -> "Range":
        """Every end times `factor`."""
        return Range(self.value * factor, self.low * factor, self.high * factor)


NO_USAGE = Range(0.0, 0.0, 0.0)


class TaskEstimate(NamedTuple):
    """The calls, tokens and US dollars that one task will still take."""

    task: str
    model: str
    calls: Range
    tokens: Range | None
    """Prompt and completion together; None where the replies to the pilot had no token counts."""
    usd: Range | None
    """None where the cost is unknown."""

    def as_json(self) -> dict[str, Any]:
        """For `--json`."""
        ranges = {"calls": self.calls, "tokens": self.tokens, "usd": self.usd}
        figures = {name: None if figure is None else figure._asdict() for name, figure in ranges.items()}
        return {"task": self.task, "model": self.model, **figures}


def add_up(tasks: Sequence[TaskEstimate]) -> TaskEstimate:
    """All tasks together; a sum with an unknown part is unknown."""
    calls, tokens, usd = NO_USAGE, NO_USAGE, NO_USAGE
    for task in tasks:
        calls = calls.plus(task.calls)
        tokens = tokens.plus(task.tokens or NO_USAGE)
        usd = usd.plus(task.usd or NO_USAGE)
    all_tokens = None if any(task.tokens is None for task in tasks) else tokens
    return TaskEstimate(
        "all", "", calls, all_tokens, None if any(task.usd is None for task in tasks) else usd
    )
