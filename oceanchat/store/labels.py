"""Rows of labels, and their exported table.

Labels are only ever added: a change is a new revision, a withdrawal a revision without answers. Answers are
JSON, whatever the questions; `value` is the outcome under the task's rule. Functions take an open connection;
times are seconds since 1970.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import (
    Column,
    Connection,
    Float,
    ForeignKey,
    Integer,
    Row,
    String,
    Table,
    Text,
    UniqueConstraint,
    select,
    update,
)

from oceanchat.records import REJECTED_BY_CHECK
from oceanchat.store.assignments import COUNTED, Assignment, assignments
from oceanchat.store.presentations import Answers, end_presentation
from oceanchat.store.samples import from_json, items, latest_sample, to_json
from oceanchat.store.schema import metadata

labels = Table(
    "labels",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("assignment_id", ForeignKey(assignments.c.id), nullable=False),
    Column("revision", Integer, nullable=False),
    Column(
        "token",
        String,
        nullable=False,
        unique=True,
        comment="of the presentation it answers, each of which has one label",
    ),
    Column("answers", Text, comment="JSON: question -> answer; empty for a withdrawal"),
    Column("value", String, comment="the outcome of the answers"),
    Column("active_seconds", Float, nullable=False, comment="on the item, idle time left out"),
    Column("wall_seconds", Float, nullable=False, comment="between presentation and saving"),
    Column("saved_at", Float, nullable=False),
    UniqueConstraint("assignment_id", "revision"),
)

PASSED = "passed"
"""The state of dialogues that passed every check."""


@dataclass(frozen=True)
class Label:
    """One revision of one assignment's answers; `answers` is None for a withdrawal."""

    id: int
    assignment_id: int
    revision: int
    token: str
    answers: Answers | None
    value: str | None
    active_seconds: float
    wall_seconds: float
    saved_at: float


@dataclass(frozen=True)
class ItemLabel:
    """The current label of an assignment, with the facts of its item that reports need."""

    item_id: int
    item_key: str
    kind: str
    stratum: str
    state: str
    answer_key: Mapping[str, Any] | None
    annotator_id: int
    purpose: str
    answers: Answers
    value: str
    revision: int
    active_seconds: float
    saved_at: float
    content: Mapping[str, Any] = field(repr=False)


def add_label(
    connection: Connection,
    assignment: Assignment,
    token: str,
    answers: Answers | None,
    *,
    value: str | None,
    active_seconds: float,
    wall_seconds: float,
    now: float,
) -> None:
    """Add the next revision of a locked assignment; ends the presentation and drops the draft."""
    row = {
        "assignment_id": assignment.id,
        "revision": assignment.revision + 1,
        "token": token,
        "answers": None if answers is None else to_json(answers),
        "value": value,
        "active_seconds": active_seconds,
        "wall_seconds": wall_seconds,
        "saved_at": now,
    }
    connection.execute(labels.insert().values(row))
    answered_at = None if answers is None else now
    labeled = update(assignments).where(assignments.c.id == assignment.id)
    connection.execute(labeled.values(revision=assignment.revision + 1, answered_at=answered_at))
    end_presentation(connection, token, assignment.id, now)


def _label(row: Row[Any] | None) -> Label | None:
    if row is None:
        return None
    return Label(
        row.id,
        row.assignment_id,
        row.revision,
        row.token,
        from_json(row.answers),
        row.value,
        row.active_seconds,
        row.wall_seconds,
        row.saved_at,
    )


def label_of_presentation(connection: Connection, token: str) -> Label | None:
    """The label that answered a presentation."""
    return _label(connection.execute(select(labels).where(labels.c.token == token)).first())


def current_label(connection: Connection, assignment_id: int) -> Label | None:
    """The newest revision of an assignment, withdrawn or not."""
    query = select(labels).where(labels.c.assignment_id == assignment_id)
    return _label(connection.execute(query.order_by(labels.c.revision.desc()).limit(1)).first())


def item_labels(connection: Connection, sample_id: int | None) -> list[ItemLabel]:
    """Every current label of a sample (None: of the qualification), by item and annotator."""
    query = (
        select(
            items.c.id.label("item_id"),
            items.c.key,
            items.c.kind,
            items.c.stratum,
            items.c.state,
            items.c.answer_key,
            items.c.content,
            assignments.c.annotator_id,
            assignments.c.purpose,
            labels.c.answers,
            labels.c.value,
            labels.c.revision,
            labels.c.active_seconds,
            labels.c.saved_at,
        )
        .join(assignments, assignments.c.item_id == items.c.id)
        .join(
            labels,
            (labels.c.assignment_id == assignments.c.id) & (labels.c.revision == assignments.c.revision),
        )
        .where(items.c.sample_id == sample_id, labels.c.answers.is_not(None))
        .order_by(items.c.id, assignments.c.purpose, assignments.c.annotator_id)
    )
    return [_item_label(row) for row in connection.execute(query)]


def _item_label(row: Any) -> ItemLabel:
    return ItemLabel(
        item_id=row.item_id,
        item_key=row.key,
        kind=row.kind,
        stratum=row.stratum,
        state=row.state,
        answer_key=from_json(row.answer_key),
        annotator_id=row.annotator_id,
        purpose=row.purpose,
        answers=from_json(row.answers),
        value=row.value,
        revision=row.revision,
        active_seconds=row.active_seconds,
        saved_at=row.saved_at,
        content=from_json(row.content),
    )


def counts_for_agreement(label: ItemLabel) -> bool:
    """Whether a label enters agreement and pass rate: a first answer to a dialogue the check let through."""
    return label.purpose == COUNTED and label.state not in REJECTED_BY_CHECK


def _counts_for_checker_only(label: ItemLabel) -> bool:
    return label.purpose == COUNTED and label.state in REJECTED_BY_CHECK


def validation_table(connection: Connection) -> list[dict[str, Any]]:
    """The newest sample's current labels, one row each: every reported figure can be recomputed from them.

    Columns: item, annotator (a pseudonym), value (the outcome under the task's rule), stratum
    (trait-level), purpose (label, repeat, gold, adjudicate; check for dialogues drawn only to measure the
    checker), revision, one `answer_*` column a question, known (the right value of gold items), automatic
    (the dialogue's state after the automatic check), active_seconds and saved.
    """
    sample = latest_sample(connection)
    if sample is None:
        return []
    current = item_labels(connection, sample.id)
    questions = list(dict.fromkeys(name for label in current for name in label.answers))
    return [
        {
            "item": label.item_key.removeprefix(f"{sample.id}:"),
            "annotator": f"annotator-{label.annotator_id}",
            "value": label.value,
            "stratum": label.stratum,
            "purpose": "check" if _counts_for_checker_only(label) else label.purpose,
            "revision": label.revision,
            **{f"answer_{name}": label.answers.get(name, "") for name in questions},
            "known": "" if label.answer_key is None else label.answer_key["value"],
            "automatic": label.state,
            "active_seconds": round(label.active_seconds, 1),
            "saved": label.saved_at,
        }
        for label in current
    ]
