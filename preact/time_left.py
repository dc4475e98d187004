"""Say how long a job still takes.

It is guessed from what is done so far. Nothing is known here of what the job is.
"""

import time
from collections.abc import Callable


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


def duration(seconds: float) -> str:
    """Seconds in words: '41 s', '4 minutes', '2.5 hours'."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    return f"{seconds / 60:.0f} minutes" if seconds < 5400 else f"{seconds / 3600:.1f} hours"
