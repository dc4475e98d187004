"""The counters of a build, in whole lines.

How many dialogues have passed, how long the rest may take, what it has cost, and what is in flight. Knows no
terminal: it is asked for lines of a width whenever somebody looks.
"""

import math
import time
from collections.abc import Sequence
from decimal import Decimal

from oceanchat.llm.usage import Usage
from oceanchat.progress import Stage

SURE = 3
"""Dialogues that must have passed in this run before its pace says how long the rest takes."""
GLUE = ", "


class BuildCounters:
    """What a build reports, and what that says about its end."""

    def __init__(self) -> None:
        self.usage: Usage | None = None
        self.wanted = 0
        self.expected: dict[Stage, int] = {}
        self.done: dict[Stage, int] = {}
        self._passed = 0
        self._begun: dict[Stage, float] = {}
        self._replayed = 0
        """Dialogues that passed before this run had asked anything."""
        self._answered = 0
        """Answers of this run when the last dialogue passed."""

    def expect(self, stage: Stage, count: int) -> None:
        """`count` more are to come."""
        self._begun.setdefault(stage, time.monotonic())
        self.expected[stage] = self.expected.get(stage, 0) + count
        self.done.setdefault(stage, 0)

    def passed(self, count: int) -> None:
        """`count` more dialogues have passed."""
        self._passed += count
        self._answered = self.usage.answered if self.usage else 0
        if not self._answered:
            self._replayed = self._passed

    def lines(self, width: int) -> list[str]:
        """All counters in lines of at most `width` characters, where no part is longer."""
        return [*wrapped(self.headline(), width), *wrapped(self.details(), width)]

    def headline(self) -> list[str]:
        """How far it is, how long it takes and what it has cost."""
        parts = [f"{self._passed:,} of {self.wanted:,} passed"] if self.wanted else []
        left = self._left()
        if left:
            parts.append(f"{left} left")
        if self.usage is not None:
            parts.append(spent(self.usage))
        return parts

    def details(self) -> list[str]:
        """What became of the requests."""
        usage = self.usage
        if usage is None:
            return []
        failed = f"{usage.failed + usage.unusable:,} failed"
        replies = "reply" if usage.unusable == 1 else "replies"
        unusable = f" ({usage.unusable:,} unusable {replies})" if usage.unusable else ""
        return [
            f"{usage.in_flight:,} in flight",
            f"{usage.answered:,} answered ({usage.rate:.1f}/s)",
            *([f"{usage.replayed:,} replayed"] if usage.replayed else []),
            failed + unusable,
            *([f"{usage.waiting:,} from another run"] if usage.waiting else []),
            *([f"up to {dollars(usage.lost_usd)} more possibly paid"] if usage.lost_usd else []),
        ]

    def _left(self) -> str:
        """How long the rest takes, '' where nothing says so yet."""
        if not 0 <= self._passed < self.wanted:
            return ""
        about = self._seconds_by_passes()
        if about is not None:
            return f"about {duration(about)}"
        least = self._least_seconds()
        return f"at least {duration(least)}" if least >= 1 else ""

    def _seconds_by_passes(self) -> float | None:
        """Seconds until all have passed if each takes as many answers as those of this run; None: unknown."""
        passed = self._passed - self._replayed
        if self.usage is None or passed < SURE or not self._answered:
            return None
        since = self.usage.answered - self._answered
        answers = (self.wanted - self._passed) * self._answered / passed - since
        return max(0.0, answers) / self.usage.pace

    def _least_seconds(self) -> float:
        """Seconds that the known rest of the slowest step takes at its pace so far.

        What the store answers says nothing about the pace of a model: 0 until one has answered.
        """
        if self.usage is not None and not self.usage.answered:
            return 0.0
        now = time.monotonic()
        return max(
            (
                (self.expected[stage] - done) * (now - self._begun[stage]) / done
                for stage, done in list(self.done.items())
                if stage in self._begun and 0 < done < self.expected[stage]
            ),
            default=0.0,
        )


def wrapped(parts: Sequence[str], width: int) -> list[str]:
    """The parts in lines of at most `width`; a line ends between two parts, never within one."""
    lines: list[str] = []
    for part in parts:
        if lines and len(lines[-1]) + len(GLUE) + len(part) <= width:
            lines[-1] += GLUE + part
        else:
            lines.append(part)
    return lines


def spent(usage: Usage) -> str:
    """What was spent, and the cap where there is one: '$0.41 of $20'."""
    cap = "" if usage.cap is None else f" of {dollars(usage.cap)}"
    if not usage.unpriced:
        return dollars(usage.usd) + cap
    return f"{dollars(usage.usd)} and more at an unknown price" if usage.usd else "cost unknown"


def dollars(usd: Decimal) -> str:
    """US dollars as people read them: '$20', '$0.41', '$0.0034'."""
    if usd == 0 or usd == usd.to_integral_value():
        return f"${usd:,.0f}"
    return f"${usd:,.2f}" if usd >= Decimal("0.1") else f"${usd:.4f}"


def duration(seconds: float) -> str:
    """Seconds in words of one or two units: '40 s', '3 min', '2 h 10 min', '3 days'."""
    if seconds < 60:
        return f"{max(5, 5 * math.ceil(seconds / 5))} s" if seconds <= 55 else "1 min"
    minutes = math.ceil(seconds / 60)
    if minutes < 60:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 48:
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    return f"{round(hours / 24)} days"
