"""The protocol that every interviewed system speaks.

One protocol and its two records. Trained runs, backbones under a prompt or control vectors, and models behind
an endpoint speak it; none of them is known here.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple, Protocol

from oceanchat.traits import TraitLevel

AnswerState = Literal["answered", "empty", "refused", "failed"]


class InterviewQuestion(NamedTuple):
    """One question to be asked in a fresh conversation."""

    trait_level: TraitLevel | None
    """Whom to play; None asks the system as it is."""
    question: str
    run: int
    """The run's number, also the seed of what is drawn at random."""


class SystemReply(NamedTuple):
    """A system's answer to one question."""

    text: str
    state: AnswerState = "answered"
    reason: str = ""
    """Why there is no answer, in a short stable word."""


class System(Protocol):
    """Something that can be interviewed."""

    @property
    def backbone(self) -> str:
        """The model it is built on, as the table shows it."""

    @property
    def model(self) -> str:
        """The system's name, as the table shows it."""

    @property
    def conditioned(self) -> bool:
        """Whether it plays trait-levels; a plain backbone does not."""

    @property
    def batch_size(self) -> int:
        """How many questions to hand it at a time."""

    def provenance(self) -> Mapping[str, Any]:
        """Model ids, decoding parameters and hashes: what decides its answers, as plain JSON data."""

    async def answer(self, questions: Sequence[InterviewQuestion]) -> list[SystemReply]:
        """One reply for each question, in order. Raises BuildStopped when nothing more can be asked."""
