"""The progress of a build on stderr.

On a terminal it is a row of bars, elsewhere plain lines.
"""

import sys
import time
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from oceanchat.llm.usage import Usage
from oceanchat.progress import Stage

SECONDS_BETWEEN_LINES = 5.0
"""How often progress is written where there is no terminal."""


class BuildProgress:
    """Shows how far a build is; a context manager."""

    def __init__(self, quiet: bool = False) -> None:
        self._console = Console(stderr=True, quiet=quiet)
        self._usage: Usage | None = None
        self._expected: dict[Stage, int] = {}
        self._done: dict[Stage, int] = {}
        self._tasks: dict[Stage, TaskID] = {}
        self._next_line = time.monotonic() + SECONDS_BETWEEN_LINES
        self._bars = Progress(
            TextColumn("{task.description:<20}"),
            BarColumn(bar_width=28),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.fields[calls]}"),
            console=self._console,
            refresh_per_second=5,
        )

    def __enter__(self) -> "BuildProgress":
        if self._console.is_terminal:
            self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._console.is_terminal:
            self._refresh()
            self._bars.stop()
        elif self._expected:
            self._line()

    def watch(self, usage: Usage) -> None:
        """Show these figures from now on, and what is noted beside them."""
        self._usage = usage
        usage.on_note = self._note

    def _note(self, text: str) -> None:
        self._console.print(f"oceanchat: {text}", highlight=False, markup=False, soft_wrap=True)

    def expect(self, stage: Stage, count: int) -> None:
        """`count` more are to come."""
        self._expected[stage] = self._expected.get(stage, 0) + count
        self._done.setdefault(stage, 0)
        self._show(stage)

    def done(self, stage: Stage, count: int) -> None:
        """`count` more are done."""
        self._done[stage] = self._done.get(stage, 0) + count
        self._show(stage)

    def _show(self, stage: Stage) -> None:
        if self._console.is_terminal:
            if stage not in self._tasks:
                self._tasks[stage] = self._bars.add_task(stage.value, calls="")
            self._bars.update(
                self._tasks[stage], total=self._expected.get(stage), completed=self._done[stage]
            )
            self._refresh()
        elif time.monotonic() >= self._next_line:
            self._next_line = time.monotonic() + SECONDS_BETWEEN_LINES
            self._line()

    def _refresh(self) -> None:
        """Put the figures of all calls behind the last bar."""
        for task in self._tasks.values():
            self._bars.update(task, calls="")
        if self._tasks and self._usage is not None:
            last = list(self._tasks.values())[-1]
            self._bars.update(last, calls=self._usage.line(self._remaining()))

    def _remaining(self) -> int:
        calls = [stage for stage in self._expected if stage is not Stage.SEGMENT]
        return sum(self._expected[stage] - self._done.get(stage, 0) for stage in calls)

    def _line(self) -> None:
        parts = [f"{s.value.lower()} {self._done.get(s, 0)}/{self._expected[s]}" for s in self._expected]
        if self._usage is not None:
            parts.append(self._usage.line(self._remaining()))
        print("; ".join(parts), file=sys.stderr, flush=True)
