"""The progress of a build on stderr.

On a terminal it is a row of bars with counters below, drawn anew by the clock whether or not anything
happens; elsewhere it is plain lines, ever rarer.
"""

import sys
import threading
from collections.abc import Iterator
from types import TracebackType

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.text import Text

from oceanchat.cli.display.counters import BuildCounters
from oceanchat.cli.display.notes import fitted
from oceanchat.llm.usage import Usage
from oceanchat.progress import Stage

FIRST_LINE, RAREST_LINE = 5.0, 60.0
"""Seconds between two lines where there is no terminal: at first, doubled with every line up to the last."""


class BuildProgress:
    """Shows how far a build is; a context manager."""

    def __init__(self, quiet: bool = False) -> None:
        self._console = Console(stderr=True, quiet=quiet)
        # Asked once: a terminal that is closed later is none.
        self._on_terminal = self._console.is_terminal
        self._counters = BuildCounters()
        self._tasks: dict[Stage, TaskID] = {}
        self._bars = _BarsAndCounters(self._counters, self._console)
        self._over = threading.Event()
        self._lines = threading.Thread(target=self._print_lines, daemon=True, name="progress")

    def __enter__(self) -> "BuildProgress":
        if self._on_terminal:
            self._bars.start()
        else:
            self._lines.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._on_terminal:
            self._bars.stop()
            return
        self._over.set()
        self._lines.join()
        if self._counters.expected:
            self._print_line()

    def watch(self, usage: Usage) -> None:
        """Show these figures from now on, and what is noted beside them."""
        self._counters.usage = usage
        usage.on_note = self._note

    def _note(self, text: str) -> None:
        line = f"oceanchat: {text}"
        shown = fitted(line) if self._on_terminal else line
        self._console.print(shown, highlight=False, markup=False, soft_wrap=True)

    def want(self, count: int) -> None:
        """`count` more dialogues are asked for."""
        self._counters.wanted += count

    def passed(self, count: int) -> None:
        """`count` more dialogues have passed."""
        self._counters.passed(count)

    def expect(self, stage: Stage, count: int) -> None:
        """`count` more are to come."""
        self._counters.expect(stage, count)
        self._show(stage)

    def done(self, stage: Stage, count: int) -> None:
        """`count` more are done."""
        self._counters.done[stage] = self._counters.done.get(stage, 0) + count
        self._show(stage)

    def _show(self, stage: Stage) -> None:
        if not self._on_terminal:
            return
        expected, done = self._counters.expected.get(stage), self._counters.done[stage]
        if stage not in self._tasks:
            self._tasks[stage] = self._bars.add_task(stage.value, total=expected, completed=done)
        self._bars.update(self._tasks[stage], total=expected, completed=done)

    def _print_lines(self) -> None:
        wait = FIRST_LINE
        while not self._over.wait(wait):
            self._print_line()
            wait = min(RAREST_LINE, 2 * wait)

    def _print_line(self) -> None:
        counters = self._counters
        steps = [
            f"{stage.value.lower()} {counters.done.get(stage, 0):,}/{expected:,}"
            for stage, expected in list(counters.expected.items())
        ]
        usage = counters.usage
        cost = [] if usage is None else [f"cost {usage.cost}"]
        parts = (counters.headline(), steps, [*counters.details(), *cost])
        line = "; ".join(", ".join(part) for part in parts if part)
        print(line, file=sys.stderr, flush=True)


class _BarsAndCounters(Progress):
    """A bar for each step, and the counters on lines of their own."""

    def __init__(self, counters: BuildCounters, console: Console) -> None:
        self._counters = counters
        super().__init__(
            TextColumn("{task.description:<20}"),
            BarColumn(bar_width=28),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=console,
            refresh_per_second=2,
        )

    def get_renderables(self) -> Iterator[RenderableType]:
        """What is drawn now."""
        yield self.make_tasks_table(self.tasks)
        yield _CounterLines(self._counters)


class _CounterLines:
    """The counters as they are when they are drawn."""

    def __init__(self, counters: BuildCounters) -> None:
        self._counters = counters

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        # The last column stays free: some terminals break a line that fills it.
        for line in self._counters.lines(options.max_width - 1):
            yield Text(line, no_wrap=True, overflow="ellipsis")
