"""Show a training's progress as bars."""

import sys
from types import TracebackType
from typing import Any

from tqdm.auto import tqdm

from preact.training.progress import StepTaken


class TrainingBars:
    """A bar for each part of a training, and its notes above them; a context manager.

    The bars are tqdm's, which draw themselves in a notebook or in a terminal.
    """

    def __init__(self, shown: bool = True) -> None:
        self._shown = shown
        self._part = ""
        self._bar: Any = None

    def __enter__(self) -> "TrainingBars":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.close()

    def note(self, line: str) -> None:
        """Show what should be known of the run; the other lines that describe it are left out."""
        if line.startswith("note: "):
            tqdm.write(line, file=sys.stderr)

    def step(self, taken: StepTaken) -> None:
        """Move the bar of the part that took a step."""
        if not self._shown:
            return
        if taken.part != self._part:
            if self._bar is not None:
                self._bar.close()
            self._part, self._bar = taken.part, tqdm(total=taken.steps, desc=taken.part, unit=" steps")
        self._bar.update(taken.step - self._bar.n)
