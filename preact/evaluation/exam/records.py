"""What an exam measured, as stored.

One JSON file for each part and system, with every loss and every answer: all figures are computed from these
files and from nothing else. Nothing here measures or draws conclusions.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from oceanchat.errors import EvaluationError
from oceanchat.traits import CODES
from oceanchat.whole_files import whole_file

BACKBONE = "none"
"""Stands for the backbone as it is, where trait-levels have their codes."""
SPEAKERS = (*CODES, BACKBONE)
Part = Literal["identification", "dose", "persistence", "behaviour", "neutral", "capability", "answers"]
PARTS: tuple[Part, ...] = (
    "identification",
    "dose",
    "persistence",
    "behaviour",
    "neutral",
    "capability",
    "answers",
)
RecordT = TypeVar("RecordT", bound="ExamRecord")


class ExamRecord(BaseModel):
    """One part of an exam."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class ExamSize(ExamRecord):
    """How much is asked."""

    dialogues: int
    """Held-out dialogues a trait-level; 0 for all."""
    persistence: int
    """Of these, dialogues a trait-level that small talk is put before; 0 for all."""
    strengths: tuple[float, ...]
    """Strengths, of what was trained; 1 is among them."""
    exchanges: tuple[int, ...]
    """Exchanges of small talk before the exchange that is scored."""
    situations: int
    """Situations a trait."""
    neutral: int
    """Impersonal paragraphs."""
    questions: int
    """Plain questions a topic."""
    requests: int
    """Harmful requests."""
    open_questions: int
    """Everyday questions that are answered freely."""
    tokens: int
    """Tokens an answer may take."""


QUICK = ExamSize(
    dialogues=6,
    persistence=3,
    strengths=(0.5, 1.0, 1.5),
    exchanges=(0, 1, 5, 10, 20),
    situations=8,
    neutral=20,
    questions=10,
    requests=15,
    open_questions=4,
    tokens=24,
)
WHOLE = ExamSize(
    dialogues=0,
    persistence=0,
    strengths=(0.25, 0.5, 0.75, 1.0, 1.25, 1.5),
    exchanges=(0, 1, 5, 10, 20),
    situations=8,
    neutral=20,
    questions=10,
    requests=30,
    open_questions=8,
    tokens=64,
)


class HeldOutDialogue(ExamRecord):
    """A held-out dialogue that was scored."""

    id: str
    code: str
    """Its trait-level."""
    author: str
    """What it is drawn with: its author, or itself where that is not known."""
    words: float
    """Mean words an answer."""


class Losses(ExamRecord):
    """Losses of some dialogues under the ten trait-levels."""

    dialogues: tuple[HeldOutDialogue, ...]
    losses: tuple[tuple[float, ...], ...]
    """A row a dialogue, a column a trait-level in paper order, nats per token."""


class IdentificationPart(ExamRecord):
    """Held-out dialogues under all ten trait-levels, whole and with length taken out."""

    split: str
    trained_on: bool
    """Whether the system was trained on some of them."""
    whole: Losses
    cut: int
    """Tokens that every answer is cut to where length is taken out."""
    length_out: Losses
    peers: Mapping[str, tuple[tuple[float, ...], ...]]
    """Losses of classifiers on words and length, rows as in `whole`."""
    peers_length_out: Mapping[str, tuple[tuple[float, ...], ...]]
    """Rows as in `length_out`."""


class DosePart(ExamRecord):
    """Dialogues under their own trait-level and under its opposite, by strength, length taken out."""

    has_dial: bool
    """Whether the strength changes anything."""
    dialogues: tuple[HeldOutDialogue, ...]
    own: Mapping[str, tuple[float, ...]]
    """Strength -> the loss of each dialogue under its own trait-level, nats per token."""
    opposite: Mapping[str, tuple[float, ...]]
    """Strength -> the loss under the other level of the same trait."""


class PersistencePart(ExamRecord):
    """The first exchange of dialogues, after small talk or after the role was dropped, length taken out."""

    after: Mapping[str, Losses]
    """'0', '1', '5' ... exchanges, or 'dropped' -> losses under the ten trait-levels."""
    left_out: tuple[str, ...]
    """Conditions that do not fit the system's lengths."""


class BehaviourPart(ExamRecord):
    """Two courses of action in each situation, by their loss."""

    situations: tuple[str, ...]
    """Their ids."""
    traits: tuple[str, ...]
    """The trait of each."""
    high: Mapping[str, tuple[float, ...]]
    """Speaker -> the loss, in each situation, of what a high level is predicted to do, nats per token."""
    low: Mapping[str, tuple[float, ...]]
    """The same of what a low level is predicted to do."""


class NeutralPart(ExamRecord):
    """Impersonal paragraphs."""

    topics: tuple[str, ...]
    losses: Mapping[str, tuple[float, ...]]
    """Speaker -> the loss of each paragraph, nats per token."""


class CapabilityPart(ExamRecord):
    """Plain questions with one right answer among four."""

    questions: tuple[str, ...]
    losses: Mapping[str, tuple[tuple[float, ...], ...]]
    """Speaker -> the losses of each question's four answers, the right one first."""


class FreeAnswer(ExamRecord):
    """What a system said."""

    speaker: str
    kind: Literal["request", "open"]
    """A harmful request, or an everyday question."""
    asked: str
    text: str
    state: str


class AnswersPart(ExamRecord):
    """All that a system said of its own."""

    answers: tuple[FreeAnswer, ...]


RECORDS: Mapping[Part, type[ExamRecord]] = {
    "identification": IdentificationPart,
    "dose": DosePart,
    "persistence": PersistencePart,
    "behaviour": BehaviourPart,
    "neutral": NeutralPart,
    "capability": CapabilityPart,
    "answers": AnswersPart,
}


def write_part(folder: Path, part: Part, record: ExamRecord) -> None:
    """Store a part; the file is complete or absent."""
    folder.mkdir(parents=True, exist_ok=True)
    with whole_file(folder / f"{part}.json") as file:
        file.write((json.dumps(record.model_dump(mode="json"), ensure_ascii=False) + "\n").encode())


def read_parts(folder: Path) -> dict[Part, Any]:
    """All stored parts of a system. Raises EvaluationError for a file that cannot be read."""
    parts: dict[Part, Any] = {}
    for part in PARTS:
        path = folder / f"{part}.json"
        if not path.is_file():
            continue
        try:
            parts[part] = RECORDS[part].model_validate_json(path.read_bytes())
        except (OSError, ValidationError):
            raise EvaluationError(
                f"'{path}' cannot be read; remove it, and the exam measures this part again"
            ) from None
    return parts
