"""Stage and Progress: how a build says how far it is, without knowing who listens."""

from enum import StrEnum
from typing import Protocol

from oceanchat.llm.usage import Usage


class Stage(StrEnum):
    """What a progress bar stands for."""

    SEGMENT = "Splitting essays"
    LABEL = "Labelling sentences"
    WRITE = "Writing dialogues"
    CHECK = "Checking dialogues"


class Progress(Protocol):
    """Where a build says how far it is."""

    def watch(self, usage: Usage) -> None:
        """Show these figures from now on."""

    def expect(self, stage: Stage, count: int) -> None:
        """`count` more are to come."""

    def done(self, stage: Stage, count: int) -> None:
        """`count` more are done."""


class Silence:
    """A Progress nobody listens to."""

    def watch(self, usage: Usage) -> None:
        """Nothing."""

    def expect(self, stage: Stage, count: int) -> None:
        """Nothing."""

    def done(self, stage: Stage, count: int) -> None:
        """Nothing."""
