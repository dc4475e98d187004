"""The protocol that every system speaks.

A trained run, a backbone under a prompt or control vectors, and a model behind an endpoint all go on with
conversations and say what they are; those whose weights are at hand also score dialogues. None of them is
known here.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple, Protocol, runtime_checkable

from oceanchat.prompts import Message
from preact.persona import Persona

AnswerState = Literal["answered", "empty", "refused", "failed"]

TEMPERATURE = 0.7
TOP_P = 0.9
MAX_TOKENS = 256
"""The paper's output length (section 5.3)."""


class Sampling(NamedTuple):
    """How answers are sampled, the same for every system."""

    temperature: float = TEMPERATURE
    """0 takes the likeliest token each time."""
    top_p: float = TOP_P
    """Share of the probability that the likeliest tokens are drawn from."""
    max_tokens: int = MAX_TOKENS
    """Tokens an answer may take."""

    def provenance(self) -> dict[str, Any]:
        """As part of what decides a system's answers."""
        return self._asdict()


DEFAULT_SAMPLING = Sampling()


class Conversation(NamedTuple):
    """A conversation that ends with the questioner and waits for an answer."""

    persona: Persona | None
    """Whom to play; None asks the system as it is."""
    messages: tuple[Message, ...]
    """From 'user' to 'user', in turns."""
    run: int = 0
    """The interview's run, also the seed of what is drawn at random."""


class SystemReply(NamedTuple):
    """A system's answer."""

    text: str
    state: AnswerState = "answered"
    reason: str = ""
    """Why there is no answer, in a short stable word."""
    finish_reason: str = ""
    """Why the answer ends: 'stop' by itself, 'length' where it was cut; empty where nobody says."""


class System(Protocol):
    """Whoever can speak as a persona."""

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
        """How many conversations to hand it at a time."""

    def provenance(self) -> Mapping[str, Any]:
        """Model ids, decoding parameters and hashes: what decides its answers, as plain JSON data."""

    async def answer(self, conversations: Sequence[Conversation]) -> list[SystemReply]:
        """One reply for each, in order. Raises BuildStopped when nothing more can be asked."""


@runtime_checkable
class ScoringSystem(System, Protocol):
    """A system whose weights are at hand."""

    def token_ends(self, texts: Sequence[str]) -> list[list[int]]:
        """For each text the place in it, in characters, where each of the system's own tokens ends."""

    def score(
        self, dialogues: Sequence[Sequence[Message]], persona: Persona | None, *, cut: int = 0, skip: int = 0
    ) -> list[float | None]:
        """The mean loss of the self-discloser's tokens in each dialogue, nats per token, as this persona.

        None for the persona scores the backbone as it is; shares that sum to more or less than 1 are its
        strength. With `cut` every answer ends after so many tokens, without an end of turn, and shorter ones
        are read but not scored: a loss that knows no length. The first `skip` answers are read whole and not
        scored. None stands for a dialogue of which nothing is scored.
        """
