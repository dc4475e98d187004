"""Rows of labels, one a revision.

Labels are only ever added: a change is a new revision, a withdrawal a revision without answers. Answers are
JSON, whatever the questions; `value` is the outcome under the task's rule. Functions take an open connection;
times are seconds since 1970.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import (
    Column,
    Connection,
    Float,
    ForeignKey,
    Integer,
    Row,
    Select,
    String,
    Table,
    Text,
    UniqueConstraint,
    func,
    select,
    update,
)

from oceanchat.records import REJECTED_BY_CHECK
from oceanchat.store.assignments import COUNTED, ROUTINE, Assignment, assignments
from oceanchat.store.presentations import Answers, end_presentation
from oceanchat.store.samples import from_json, items, to_json
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


class ItemLabel(NamedTuple):
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
    """On the item over all revisions, idle time left out."""
    saved_at: float
    label_id: int = 0
    """Of the revision; a later one has a larger id, whatever the clock says."""
    assignment_id: int = 0


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


def first_answers(connection: Connection, purpose: str) -> dict[int, Answers]:
    """Assignment id -> the first answers of every assignment with one purpose, whatever came later."""
    query = (
        select(labels.c.assignment_id, labels.c.answers)
        .join(assignments, assignments.c.id == labels.c.assignment_id)
        .where(assignments.c.purpose == purpose, labels.c.revision == 1, labels.c.answers.is_not(None))
    )
    return {row.assignment_id: from_json(row.answers) for row in connection.execute(query)}


def item_labels(connection: Connection, sample_id: int | None) -> list[ItemLabel]:
    """Every current label of a sample (None: of the qualification), by item and annotator."""
    spent = select(labels.c.assignment_id, func.sum(labels.c.active_seconds).label("seconds"))
    spent_on = spent.group_by(labels.c.assignment_id).subquery()
    query = (
        select(
            items.c.id.label("item_id"),
            items.c.key,
            items.c.kind,
            items.c.stratum,
            items.c.state,
            items.c.answer_key,
            assignments.c.annotator_id,
            assignments.c.purpose,
            labels.c.answers,
            labels.c.value,
            labels.c.revision,
            spent_on.c.seconds.label("active_seconds"),
            labels.c.saved_at,
            labels.c.id.label("label_id"),
            labels.c.assignment_id,
        )
        .join(assignments, assignments.c.item_id == items.c.id)
        .join(
            labels,
            (labels.c.assignment_id == assignments.c.id) & (labels.c.revision == assignments.c.revision),
        )
        .join(spent_on, spent_on.c.assignment_id == assignments.c.id)
        .where(items.c.sample_id == sample_id, labels.c.answers.is_not(None))
        .order_by(items.c.id, assignments.c.purpose, assignments.c.annotator_id)
    )
    read = _JsonReader()
    return [
        ItemLabel(
            item_id=row.item_id,
            item_key=row.key,
            kind=row.kind,
            stratum=row.stratum,
            state=row.state,
            answer_key=read(row.answer_key),
            annotator_id=row.annotator_id,
            purpose=row.purpose,
            answers=read(row.answers),
            value=row.value,
            revision=row.revision,
            active_seconds=row.active_seconds,
            saved_at=row.saved_at,
            label_id=row.label_id,
            assignment_id=row.assignment_id,
        )
        for row in connection.execute(query)
    ]


class _JsonReader:
    """Reads a JSON text once: thousands of labels have the same few answers."""

    def __init__(self) -> None:
        self._known: dict[str | None, Any] = {}

    def __call__(self, text: str | None) -> Any:
        if text not in self._known:
            self._known[text] = from_json(text)
        return self._known[text]


def answers_before(connection: Connection, assignment_id: int, label_id: int) -> Answers | None:
    """The answers that stood in an assignment when a later label of any assignment was saved."""
    query = select(labels.c.answers).where(labels.c.assignment_id == assignment_id, labels.c.id < label_id)
    answers: Answers | None = from_json(
        connection.execute(query.order_by(labels.c.id.desc()).limit(1)).scalar()
    )
    return answers


def counts_for_agreement(label: ItemLabel) -> bool:
    """Whether a label enters agreement and pass rate: a first answer to a dialogue the check let through."""
    return label.purpose == COUNTED and label.state not in REJECTED_BY_CHECK


class Newest(NamedTuple):
    """What changes whenever a label, an item or an assignment that counts is added."""

    label: int
    item: int
    assignments: int


def newest(connection: Connection) -> Newest:
    """The newest rows: while they are the same, so are all figures of labels."""
    counted = select(func.count(assignments.c.id)).where(assignments.c.purpose == COUNTED)
    queries = (select(func.max(labels.c.id)), select(func.max(items.c.id)), counted)
    return Newest(*(connection.execute(query).scalar() or 0 for query in queries))


def label_counts(connection: Connection) -> dict[int, int]:
    """Sample id -> how many of its assignments have a label now."""
    query = (
        select(items.c.sample_id, func.count())
        .join(assignments, assignments.c.item_id == items.c.id)
        .where(items.c.sample_id.is_not(None), assignments.c.answered_at.is_not(None))
        .group_by(items.c.sample_id)
    )
    return {sample_id: count for sample_id, count in connection.execute(query)}


def _answered(annotator_id: int, sample_id: int) -> Select[Any]:
    current = (labels.c.assignment_id == assignments.c.id) & (labels.c.revision == assignments.c.revision)
    return (
        select(labels.c.assignment_id)
        .join(assignments, current)
        .join(items, items.c.id == assignments.c.item_id)
        .where(
            assignments.c.annotator_id == annotator_id,
            items.c.sample_id == sample_id,
            assignments.c.purpose.in_(ROUTINE),
            labels.c.answers.is_not(None),
        )
    )


def answered_before(
    connection: Connection, annotator_id: int, sample_id: int, label_id: int | None
) -> int | None:
    """The assignment that someone labeled last before a label; None for the label: the last of all."""
    query = _answered(annotator_id, sample_id)
    if label_id is not None:
        query = query.where(labels.c.id < label_id)
    return connection.execute(query.order_by(labels.c.id.desc()).limit(1)).scalar()


def answered_after(connection: Connection, annotator_id: int, sample_id: int, label_id: int) -> int | None:
    """The assignment that someone labeled first after a label."""
    query = _answered(annotator_id, sample_id).where(labels.c.id > label_id)
    return connection.execute(query.order_by(labels.c.id).limit(1)).scalar()
