"""Say how long a job still takes.

It is guessed from what is done so far. Nothing is known here of what the job is.
"""

import time
from collections.abc import Callable

FIRST_SECONDS = 5.0
"""Seconds in which a long job says nothing yet; one that has no more to go than these says nothing more."""


class TimeLeft:
    """The clock of a job of parts that take about equally long; parts of an earlier try are not counted."""

    def __init__(self, parts: float, done: float = 0, now: Callable[[], float] = time.monotonic) -> None:
        self.parts, self.first, self.now = parts, done, now
        self.began = now()

    def after(self, done: float) -> str:
        """', about 4 minutes left' once `done` parts are done; empty before the first and after the last."""
        if not self.first < done < self.parts:
            return ""
        return f", about {duration(self.seconds(done))} left"

    def seconds(self, done: float) -> float:
        """Seconds for the parts after `done`, of which some were done by this process."""
        return (self.now() - self.began) / (done - self.first) * (self.parts - done)


class LongJob:
    """Says how long a job takes where it is long: after its first seconds, and then ever more rarely.

    Of one that is over soon nothing is said.
    """

    def __init__(
        self,
        what: str,
        parts: float,
        say: Callable[[str], None],
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self.what, self.say = what, say
        self.left, self._quiet = TimeLeft(parts, now=now), FIRST_SECONDS

    def after(self, done: float) -> None:
        """`done` of the parts are done."""
        passed = self.left.now() - self.left.began
        rest = self.left.after(done)
        if rest and passed >= self._quiet and self.left.seconds(done) >= FIRST_SECONDS:
            self._quiet = 2 * passed
            self.say(f"{self.what}{rest}")


def duration(seconds: float) -> str:
    """Seconds in words: '41 s', '4 minutes', '2.5 hours'."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    return f"{seconds / 60:.0f} minutes" if seconds < 5400 else f"{seconds / 3600:.1f} hours"
