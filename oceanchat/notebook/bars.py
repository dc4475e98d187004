"""Show a build's progress as a bar.

The bar is tqdm's, which draws itself in a notebook or in a terminal.
"""

import sys
import threading
from types import TracebackType
from typing import Any

from tqdm.auto import tqdm

from oceanchat.cli.display.counters import spent
from oceanchat.llm.usage import Usage
from oceanchat.progress import Stage


class BuildBar:
    """A bar of the dialogues that have passed, with the spending beside it; a context manager."""

    def __init__(self, shown: bool = True) -> None:
        self._bar: Any = tqdm(total=0, desc="Dialogues", unit=" dialogues", disable=not shown)
        self._usage: Usage | None = None
        self._lock = threading.Lock()

    def __enter__(self) -> "BuildBar":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._show()
        self._bar.close()

    def watch(self, usage: Usage) -> None:
        """Show these figures from now on, and what is noted beside them."""
        self._usage = usage
        usage.on_note = lambda line: tqdm.write(f"oceanchat: {line}", file=sys.stderr)

    def want(self, count: int) -> None:
        """`count` more dialogues are asked for."""
        with self._lock:
            self._bar.total += count
        self._show()

    def passed(self, count: int) -> None:
        """`count` more dialogues have passed."""
        with self._lock:
            self._bar.update(count)
        self._show()

    def expect(self, stage: Stage, count: int) -> None:
        """Nothing is shown of the steps between."""

    def done(self, stage: Stage, count: int) -> None:
        """What the step cost is shown."""
        self._show()

    def _show(self) -> None:
        if self._usage is None or self._bar.disable:
            return
        usage = self._usage
        with self._lock:
            self._bar.set_postfix_str(
                f"{usage.answered:,} answered, {usage.replayed:,} replayed, {spent(usage)}", refresh=False
            )
