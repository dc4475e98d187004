"""Rows of presented items, drafts and rejected submissions.

Each presentation of an item has a token of its own, which a label then answers. Functions take an open
connection; times are seconds since 1970.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from sqlalchemy import (
    Column,
    Connection,
    Float,
    ForeignKey,
    Index,
    Integer,
    Row,
    String,
    Table,
    Text,
    delete,
    func,
    select,
    update,
)

from oceanchat.store.annotators import annotators
from oceanchat.store.assignments import ROUTINE, assignments
from oceanchat.store.samples import from_json, items, to_json
from oceanchat.store.schema import metadata

presentations = Table(
    "presentations",
    metadata,
    Column("token", String, primary_key=True),
    Column("assignment_id", ForeignKey(assignments.c.id, ondelete="CASCADE"), nullable=False),
    Column("presented_at", Float, nullable=False),
    Column("answered_at", Float),
    Index("presentations_by_assignment", "assignment_id"),
)
drafts = Table(
    "drafts",
    metadata,
    Column("assignment_id", ForeignKey(assignments.c.id, ondelete="CASCADE"), primary_key=True),
    Column("answers", Text, nullable=False, comment="JSON, as far as given"),
    Column("saved_at", Float, nullable=False),
    Column(
        "active_seconds",
        Float,
        nullable=False,
        server_default="0",
        comment="on the item so far in this presentation, idle time left out",
    ),
)
rejected_submissions = Table(
    "rejected_submissions",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("annotator_id", ForeignKey(annotators.c.id), nullable=False),
    Column("reason", String, nullable=False, comment="too-fast and the like"),
    Column("submitted_at", Float, nullable=False),
)

Answers = Mapping[str, str]


class Presentation(NamedTuple):
    """One presentation of an item."""

    token: str
    assignment_id: int
    presented_at: float
    answered_at: float | None


def add_presentation(connection: Connection, token: str, assignment_id: int, now: float) -> None:
    """Record that an item is presented under a fresh token."""
    row = {"token": token, "assignment_id": assignment_id, "presented_at": now}
    connection.execute(presentations.insert().values(row))


def presentation_of_token(connection: Connection, token: str) -> Presentation | None:
    """The presentation of that token."""
    row = connection.execute(select(presentations).where(presentations.c.token == token)).first()
    return None if row is None else Presentation(*row)


def open_presentation(connection: Connection, assignment_id: int) -> Presentation | None:
    """The presentation of an assignment that is not answered yet."""
    query = (
        select(presentations)
        .where(presentations.c.assignment_id == assignment_id, presentations.c.answered_at.is_(None))
        .order_by(presentations.c.presented_at)
    )
    row = connection.execute(query.limit(1)).first()
    return None if row is None else Presentation(*row)


def end_presentation(connection: Connection, token: str, assignment_id: int, now: float) -> None:
    """Record that a presentation of an assignment is answered, and drop the draft."""
    answered = update(presentations).where(presentations.c.token == token)
    connection.execute(answered.values(answered_at=now))
    connection.execute(delete(drafts).where(drafts.c.assignment_id == assignment_id))


def sample_assignments(connection: Connection, sample_id: int) -> list[Row[Any]]:
    """Every routine assignment of a sample, with `presented`: whether its annotator has ever seen it.

    The other columns are id, item_id, annotator_id, purpose, slot, position, revision and answered_at.
    """
    presented = select(presentations.c.assignment_id).distinct().subquery()
    query = (
        select(
            assignments.c.id,
            assignments.c.item_id,
            assignments.c.annotator_id,
            assignments.c.purpose,
            assignments.c.slot,
            assignments.c.position,
            assignments.c.revision,
            assignments.c.answered_at,
            presented.c.assignment_id.is_not(None).label("presented"),
        )
        .join(items, items.c.id == assignments.c.item_id)
        .outerjoin(presented, presented.c.assignment_id == assignments.c.id)
        .where(items.c.sample_id == sample_id, assignments.c.purpose.in_(ROUTINE))
        .order_by(assignments.c.id)
    )
    return list(connection.execute(query))


class Draft(NamedTuple):
    """Answers that are not saved as a label."""

    answers: Answers
    active_seconds: float
    """On the item so far, idle time left out."""


def put_draft(
    connection: Connection, assignment_id: int, answers: Answers, now: float, active_seconds: float = 0.0
) -> None:
    """Save the answers given so far, in place of the draft before."""
    values = {"answers": to_json(answers), "saved_at": now, "active_seconds": active_seconds}
    changed = connection.execute(update(drafts).where(drafts.c.assignment_id == assignment_id).values(values))
    if not changed.rowcount:
        connection.execute(drafts.insert().values(assignment_id=assignment_id, **values))


def draft(connection: Connection, assignment_id: int) -> Draft | None:
    """The draft of an assignment."""
    query = select(drafts.c.answers, drafts.c.active_seconds).where(drafts.c.assignment_id == assignment_id)
    row = connection.execute(query).first()
    return None if row is None else Draft(from_json(row.answers), row.active_seconds)


def add_rejected_submission(connection: Connection, annotator_id: int, reason: str, now: float) -> None:
    """Record answers that were not accepted."""
    row = {"annotator_id": annotator_id, "reason": reason, "submitted_at": now}
    connection.execute(rejected_submissions.insert().values(row))


def rejected_submission_counts(connection: Connection) -> dict[int, int]:
    """Annotator id -> submissions that were not accepted."""
    query = select(rejected_submissions.c.annotator_id, func.count())
    rows = connection.execute(query.group_by(rejected_submissions.c.annotator_id))
    return {annotator_id: count for annotator_id, count in rows}
