"""How a build reports its progress."""

from enum import StrEnum
from typing import Protocol

from oceanchat.llm.usage import Usage


class Stage(StrEnum):
    """The steps that a build reports on, as progress bars show them."""

    SEGMENT = "Splitting essays"
    LABEL = "Labeling sentences"
    WRITE = "Writing dialogues"
    CHECK = "Checking dialogues"


class Progress(Protocol):
    """What a build reports its progress to."""

    def watch(self, usage: Usage) -> None:
        """Show these figures from now on."""

    def want(self, count: int) -> None:
        """Add `count` to the dialogues asked for."""

    def passed(self, count: int) -> None:
        """Add `count` to the dialogues that have passed."""

    def expect(self, stage: Stage, count: int) -> None:
        """Add `count` to the steps still to be done."""

    def done(self, stage: Stage, count: int) -> None:
        """Add `count` to the steps that are done."""


class Silence:
    """A Progress that shows nothing."""

    def watch(self, usage: Usage) -> None:
        """Do nothing."""

    def want(self, count: int) -> None:
        """Do nothing."""

    def passed(self, count: int) -> None:
        """Do nothing."""

    def expect(self, stage: Stage, count: int) -> None:
        """Do nothing."""

    def done(self, stage: Stage, count: int) -> None:
        """Do nothing."""


class Tally:
    """A Progress that passes on what it is told, and counts the dialogues."""

    def __init__(self, to: Progress) -> None:
        self._to = to
        self.dialogues_wanted = 0
        self.dialogues_passed = 0

    def watch(self, usage: Usage) -> None:
        """Pass it on."""
        self._to.watch(usage)

    def want(self, count: int) -> None:
        """Count it and pass it on."""
        self.dialogues_wanted += count
        self._to.want(count)

    def passed(self, count: int) -> None:
        """Count it and pass it on."""
        self.dialogues_passed += count
        self._to.passed(count)

    def expect(self, stage: Stage, count: int) -> None:
        """Pass it on."""
        self._to.expect(stage, count)

    def done(self, stage: Stage, count: int) -> None:
        """Pass it on."""
        self._to.done(stage, count)
