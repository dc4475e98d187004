"""The rows of a release.

A dialogue as its readers get it, with everything it comes from. Turns a stored Dialogue into a row: roles
become those of chat templates, author ids become hashes, seed topics become what the corpus allows. It
knows records; files and splits it does not know.
"""

import hashlib
import json
from collections.abc import Iterable, Sequence
from typing import Literal

from oceanchat.llm.settings import BY_SCRIPT, SCRIPTED
from oceanchat.records import Dialogue, Record, Role, Turn, dialogue_id
from oceanchat.release.personal_data import personal_data_in
from oceanchat.traits import Level, Trait, TraitLevel

SeedTopics = Literal["text", "hash", "omit"]
ChatRole = Literal["user", "assistant"]

CHAT_ROLE: dict[Role, ChatRole] = {"questioner": "user", "discloser": "assistant"}
TURN_ROLE: dict[ChatRole, Role] = {chat: role for role, chat in CHAT_ROLE.items()}
COPIED_STATE = "gate:copied"
"""Dialogues in this state repeat their essay; their words are released only where the essay may be."""


NOT_VALIDATED = "not validated"
"""Why a passed dialogue is withheld from a release of validated ones."""


class ChatMessage(Record):
    """One utterance in the form chat templates expect."""

    role: ChatRole
    """'user' is the questioner, 'assistant' the self-discloser."""
    content: str


class PromptUsed(Record):
    """One template that had a part in the row."""

    task: str
    fingerprint: str


class SamplingParameter(Record):
    """One sampling parameter of the writer."""

    name: str
    value: float


class RowVerdict(Record):
    """The verdict of the back-validation."""

    checker: str
    check: str
    passed: bool
    shown: tuple[str, ...]
    """Trait-levels the checker saw, such as 'O+'."""
    reason: str


class HumanLabel(Record):
    """One annotator's answer."""

    annotator: str
    """Pseudonym."""
    trait_shown: bool
    """The responses show the trait-level of the label."""
    coherent: bool
    """The turns follow from one another."""
    valid: bool
    """Both (paper, Table 13)."""
    decides: bool
    """Whether it is the decision on a dialogue the annotators were divided about; it does not count as a
    rating."""
    comment: str


class RowProvenance(Record):
    """Where a row comes from."""

    source: str
    """'built' or 'imported'."""
    corpus: str
    mode: str
    labeler: str
    writer: str
    checker: str
    prompts: tuple[PromptUsed, ...]
    sampling: tuple[SamplingParameter, ...]
    seed: int | None
    """The build's seed."""
    seed_sentence: str
    """Id of the sentence: a hash of essay and place."""
    author: str
    """Hash of the author's id; empty where the author is not known."""
    state: str
    """The dialogue's state when it was released, such as 'passed'."""
    verdict: RowVerdict | None
    human: tuple[HumanLabel, ...]


class Row(Record):
    """One row of the `default` config; the `rejected` one has `state` and `reason` beside it."""

    id: str
    """Hash of trait-level and messages."""
    trait: Trait
    level: Level
    trait_level: str
    facet: str | None
    seed_topic: str | None
    messages: tuple[ChatMessage, ...]
    turns: int
    """Utterances."""
    words: float
    """Mean words of a turn."""
    split: str
    """'train', 'validation', 'test' or 'rejected'."""
    provenance: RowProvenance
    flags: tuple[str, ...]

    @property
    def text(self) -> str:
        """All utterances, a line each."""
        return "\n".join(message.content for message in self.messages)

    @property
    def personal_data(self) -> tuple[str, ...]:
        """Kinds of what looks like personal data in the words that are released."""
        hashed = (self.seed_topic or "").startswith("sha256:")
        return personal_data_in("\n".join([self.text, "" if hashed else self.seed_topic or ""]))

    @property
    def scripted(self) -> bool:
        """Whether the scripted model, embedded or served under its own name, had any part in it."""
        models = (self.provenance.labeler, self.provenance.writer, self.provenance.checker)
        return not BY_SCRIPT.isdisjoint(models)


class RejectedRow(Row):
    """A dialogue that is not released as data, and why."""

    state: str
    """Its named state, such as 'gate:length' or 'off-trait'."""
    reason: str


def released_row(
    dialogue: Dialogue, split: str, seed_topics: SeedTopics, human: tuple[HumanLabel, ...] = ()
) -> Row:
    """The row of a dialogue."""
    return Row.model_validate(_fields(dialogue, split, seed_topics, human))


def rejected_row(
    dialogue: Dialogue,
    state: str,
    reason: str,
    seed_topics: SeedTopics,
    human: tuple[HumanLabel, ...] = (),
) -> RejectedRow:
    """The row of a rejected dialogue.

    One that repeats its essay keeps its words only where seed topics are released as text.
    """
    fields = _fields(dialogue, "rejected", seed_topics, human)
    if COPIED_STATE in (state, dialogue.state) and seed_topics != "text":
        fields |= {"messages": (), "flags": (*fields["flags"], "words-withheld")}  # type: ignore[misc]
        reason = "repeats the essay; its words are withheld"
    return RejectedRow.model_validate({**fields, "state": state, "reason": reason})


def row_id(row: Row) -> str:
    """The id a row must have, from what it holds."""
    turns = tuple(Turn(role=TURN_ROLE[message.role], text=message.content) for message in row.messages)
    return dialogue_id(TraitLevel(row.trait, row.level), turns)


def rows_hash(rows: Iterable[Row]) -> str:
    """sha256 (hex) over every column of these rows in this order; it does not hang on how a file lays them
    out."""
    digest = hashlib.sha256()
    for row in rows:
        digest.update(json.dumps(row.model_dump(mode="json"), sort_keys=True).encode() + b"\n")
    return digest.hexdigest()


def decided_valid(labels: Sequence[HumanLabel]) -> bool | None:
    """What humans say: the decision where there is one, else more than half of the annotators; None if
    open."""
    deciding = deciding_votes(labels)
    yes = sum(deciding)
    return None if 2 * yes == len(deciding) else 2 * yes > len(deciding)


def deciding_votes(labels: Sequence[HumanLabel]) -> list[bool]:
    """Whether a dialogue is valid by each who decides: the lead where there is a decision, else the
    annotators."""
    return [label.valid for label in labels if label.decides] or [label.valid for label in labels]


def author_hash(author: str) -> str:
    """Sixteen hex digits that stand for an author; empty for an unknown one."""
    return hashlib.sha256(f"ocean-chat author {author}".encode()).hexdigest()[:16] if author else ""


def _fields(
    dialogue: Dialogue, split: str, seed_topics: SeedTopics, human: tuple[HumanLabel, ...]
) -> dict[str, object]:
    messages = tuple(ChatMessage(role=CHAT_ROLE[t.role], content=t.text) for t in dialogue.turns)
    return {
        "id": dialogue.id,
        "trait": dialogue.trait,
        "level": dialogue.level,
        "trait_level": dialogue.trait_level.code,
        "facet": dialogue.facet,
        "seed_topic": _seed_topic(dialogue.seed_topic, seed_topics),
        "messages": messages,
        "turns": len(messages),
        "words": round(dialogue.words_a_turn, 6),
        "split": split,
        "provenance": _provenance(dialogue, human),
        "flags": _flags(dialogue, seed_topics),
    }


def _seed_topic(text: str | None, seed_topics: SeedTopics) -> str | None:
    if text is None or seed_topics == "omit":
        return None
    return text if seed_topics == "text" else "sha256:" + hashlib.sha256(text.encode()).hexdigest()[:16]


def _provenance(dialogue: Dialogue, human: tuple[HumanLabel, ...]) -> RowProvenance:
    origin, verdict = dialogue.provenance, dialogue.verdict
    return RowProvenance(
        source=dialogue.source,
        corpus=origin.corpus,
        mode=origin.mode,
        labeler=origin.labeler,
        writer=origin.writer,
        checker=verdict.checker if verdict else origin.checker,
        prompts=tuple(
            PromptUsed(task=task, fingerprint=origin.prompts[task]) for task in sorted(origin.prompts)
        ),
        sampling=tuple(SamplingParameter(name=n, value=origin.sampling[n]) for n in sorted(origin.sampling)),
        seed=origin.seed,
        seed_sentence=origin.sentence_id,
        author=author_hash(dialogue.author),
        state=dialogue.state,
        verdict=None
        if verdict is None
        else RowVerdict(
            checker=verdict.checker,
            check=verdict.check,
            passed=verdict.passed,
            shown=tuple(shown.code for shown in verdict.shown),
            reason=verdict.reason,
        ),
        human=human,
    )


def _flags(dialogue: Dialogue, seed_topics: SeedTopics) -> tuple[str, ...]:
    """What a reader may want to leave out: scripted, imported, not passed, personal data by kind."""
    origin, verdict = dialogue.provenance, dialogue.verdict
    models = (origin.labeler, origin.writer, verdict.checker if verdict else origin.checker)
    flags = [
        name
        for name, on in (
            (SCRIPTED, not BY_SCRIPT.isdisjoint(models)),
            ("imported", dialogue.source == "imported"),
            (dialogue.state, dialogue.state != "passed"),
        )
        if on
    ]
    seed = _seed_topic(dialogue.seed_topic, seed_topics) if seed_topics == "text" else None
    return (*flags, *personal_data_in("\n".join([*(turn.text for turn in dialogue.turns), seed or ""])))
