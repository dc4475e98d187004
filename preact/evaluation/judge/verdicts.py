"""Verdicts: what a judge is, what it is shown, and what is kept of what it said.

Records and one protocol. Any judge, a language model or a classifier, scripted or paid, speaks it; none
of them is known here.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple, Protocol

from pydantic import BaseModel, ConfigDict, Field

from oceanchat.traits import Trait
from preact.evaluation.scores import State

Mode = Literal["batch", "dimension", "item"]
MODES: tuple[Mode, ...] = ("batch", "dimension", "item")


class Pair(NamedTuple):
    """One anonymous question and answer as a judge sees it."""

    question: str
    answer: str


class Verdict(NamedTuple):
    """What a judge made of some pairs."""

    score: float | None
    state: State
    reply: str = ""
    """The judge's own words, where it has any."""
    attempts: int = 1
    """How often it was asked until a score could be read."""


class Judge(Protocol):
    """Somebody who rates answers."""

    @property
    def name(self) -> str:
        """As tables and folders show it; scripted judges say so."""

    @property
    def at_once(self) -> int:
        """How many batches it rates at the same time."""

    def provenance(self, mode: Mode) -> Mapping[str, Any]:
        """Model, parameters and prompt hashes: what decides its verdicts, as plain JSON data."""

    async def rate(self, trait: Trait, pairs: Sequence[Pair], mode: Mode, sample: int) -> Verdict:
        """Rate the pairs for one trait; another `sample` is another opinion on the same pairs."""


class Judgement(BaseModel):
    """One batch and its verdict as they are kept."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    trait_level: str
    run: int
    trait: Trait
    number: int
    repeat: int
    items: tuple[str, ...]
    score: float | None = Field(ge=1, le=5)
    """1 to 5; null unless the state is 'scored'."""
    state: State
    reply: str
    attempts: int

    @property
    def key(self) -> tuple[str, int, Trait, int, int]:
        """What is judged only once."""
        return self.trait_level, self.run, self.trait, self.number, self.repeat


class JudgeHeader(BaseModel):
    """Which judge, in which mode, under which prompts."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    judge: str
    mode: Mode
    runs: int
    repeats: int = Field(ge=1)
    provenance: dict[str, Any]
    started: str
    """UTC, ISO 8601."""
