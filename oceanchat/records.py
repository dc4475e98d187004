"""Records that stages exchange, store and release.

They are frozen; the same record is a row in the store and a line in JSONL. Ids are hashes of content, so
equal input gives equal ids on every machine. Nothing here reads, writes or decides.
"""

import hashlib
import re
from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from oceanchat.traits import Level, Trait, TraitLevel

Role = Literal["questioner", "discloser"]
CandidateState = Literal["neutral", "off-target", "selected", "surplus", "failed"]
SeedState = Literal["written", "unparseable", "refused", "failed"]
Check = Literal["paper", "main", "strict"]
REJECTED_BY_CHECK = ("off-trait", "wrong-level", "leading-question", "trait-named")
"""The states of dialogues that the checker rejected."""


_NOT_STORABLE = re.compile("[\x00\ud800-\udfff]")


def storable(text: str) -> str:
    """The text with what neither UTF-8 nor PostgreSQL can hold, NUL and half surrogate pairs, as U+FFFD."""
    return _NOT_STORABLE.sub("\ufffd", text)


def content_id(*parts: str) -> str:
    """Sixteen hex digits that stand for the parts, whatever characters they hold."""
    text = "\x1f".join(parts).encode("utf-8", "surrogatepass")
    return hashlib.sha256(text).hexdigest()[:16]


class Record(BaseModel):
    """The base of all records: frozen, and strict about unknown fields."""

    # What is no number survives a trip through JSON.
    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="constants")


class Essay(Record):
    """One essay of a corpus."""

    id: str
    """Unique in its corpus."""
    author: str
    """The author's id in the corpus; releases carry only a hash of it."""
    text: str
    """The text as read, before any cleaning."""
    labels: Mapping[Trait, Level] = Field(default_factory=dict)
    """The author's own trait levels where the corpus gives them."""


class Sentence(Record):
    """One sentence of an essay."""

    id: str
    """Hash of essay id and offsets."""
    essay_id: str
    author: str
    start: int
    """First character in the essay's text."""
    end: int
    """One past the last character in the essay's text."""
    text: str
    """The sentence, cleaned of entities, control characters and mojibake."""
    position: int = 0
    """Its number among the essay's usable sentences, from 0."""


class Candidate(Record):
    """One sentence as labeled for one trait, and whether it was selected."""

    sentence: Sentence
    trait: Trait
    order: int
    """Its number in the seeded order, from 0."""
    state: CandidateState
    level: Level | None = None
    """The level the sentence shows; None for neutral and failed ones."""
    facet: str | None = None
    strength: int | None = None
    """How strongly it shows, 1 to 5."""
    reason: str = ""
    """The labeler's reasoning, or why it failed."""
    prompt: str = ""
    """Fingerprint of the label template."""


class SeedTopic(Record):
    """A sentence chosen to write a dialogue about."""

    id: str
    """Hash of trait-level, facet and sentence id."""
    order: int
    """Its number in the order of choice within its trait-level, from 0."""
    sentence_id: str
    essay_id: str
    author: str
    trait: Trait
    level: Level
    facet: str
    strength: int
    """1 to 5."""
    text: str
    reason: str = ""
    answer_words: tuple[int, ...] = ()
    """The words asked for of each answer; empty where answers may have any length."""
    state: SeedState = "written"
    detail: str = ""
    """Why it is not written, when it is not."""

    @property
    def trait_level(self) -> TraitLevel:
        return TraitLevel(self.trait, self.level)


class Turn(Record):
    """One utterance."""

    role: Role
    text: str


class ObservedTrait(Record):
    """One trait at one level, as a checker named it."""

    trait: Trait
    level: Level | None
    """None when the checker named the trait without a level."""

    @property
    def code(self) -> str:
        return self.trait.value + (self.level.sign if self.level else "")


class Verdict(Record):
    """The result of one dialogue's back-validation."""

    dialogue_id: str
    checker: str
    """Model name."""
    passed: bool
    shown: tuple[ObservedTrait, ...]
    """The traits the checker saw in the self-discloser's answers, the main one first."""
    leading: bool | None = None
    """Whether it saw leading questions; None where it did not say."""
    named: bool | None = None
    """Whether it saw a trait named outright; None where it did not say."""
    reason: str
    check: Check
    prompt: str = ""
    """Fingerprint of the check template."""


class Provenance(Record):
    """Where a dialogue comes from."""

    corpus: str = ""
    """Fingerprint of the corpus, or the imported file's name."""
    essay_id: str = ""
    sentence_id: str = ""
    labeler: str = ""
    writer: str = ""
    checker: str = ""
    """Model names; 'scripted' for the embedded one."""
    endpoint: str = ""
    """Where the writer lives, without credentials."""
    mode: str = ""
    """'screenplay' or 'dual'; empty for imported dialogues."""
    prompts: Mapping[str, str] = Field(default_factory=dict)
    """Task -> fingerprint of its template."""
    sampling: Mapping[str, float] = Field(default_factory=dict)
    """Sampling parameters of the writer."""
    seed: int | None = None
    """The build's seed."""


class Dialogue(Record):
    """A dialogue in which the self-discloser shows one trait at one level."""

    id: str
    """Hash of trait-level and turns."""
    order: int = 0
    """The number of its seed topic in its trait-level, or its line in the imported file."""
    source: Literal["built", "imported"] = "built"
    trait: Trait
    level: Level
    facet: str | None = None
    seed_topic: str | None = None
    """The seed sentence."""
    seed_topic_id: str = ""
    seed_reason: str = ""
    author: str = ""
    turns: tuple[Turn, ...]
    state: str = "unchecked"
    """'passed', 'gate:<name>', one of REJECTED_BY_CHECK, 'failed' or, for imported ones only,
    'unchecked'."""
    detail: str = ""
    """Why it is in that state."""
    verdict: Verdict | None = None
    provenance: Provenance = Provenance()

    @property
    def trait_level(self) -> TraitLevel:
        return TraitLevel(self.trait, self.level)

    @property
    def text(self) -> str:
        """The dialogue as lines `Questioner: ...` / `Self-discloser: ...`."""
        return transcript(self.turns)

    @property
    def words_a_turn(self) -> float:
        """Mean words of a turn (Table 6)."""
        return sum(len(turn.text.split()) for turn in self.turns) / len(self.turns)


SPEAKERS: dict[Role, str] = {"questioner": "Questioner", "discloser": "Self-discloser"}


def transcript(turns: tuple[Turn, ...]) -> str:
    """Turns as lines `Questioner: ...` / `Self-discloser: ...`."""
    return "\n".join(f"{SPEAKERS[turn.role]}: {turn.text}" for turn in turns)


def dialogue_id(trait_level: TraitLevel, turns: tuple[Turn, ...]) -> str:
    """The id of a dialogue: equal words under the same label have the same id everywhere."""
    return content_id(trait_level.code, *(f"{turn.role}:{turn.text}" for turn in turns))


class Funnel(Record):
    """How many rows of one trait-level ended in which state."""

    candidates: Mapping[str, int]
    seeds: Mapping[str, int]
    dialogues: Mapping[str, int]

    def record(self) -> dict[str, Any]:
        """As plain dictionaries."""
        return {
            "candidates": dict(self.candidates),
            "seeds": dict(self.seeds),
            "dialogues": dict(self.dialogues),
        }
