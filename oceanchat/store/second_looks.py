"""Rows of leads' requests to look again.

Functions take an open connection; times are seconds since 1970.
"""

from sqlalchemy import Column, Connection, Float, ForeignKey, Index, Integer, Table, Text, select

from oceanchat.store.annotators import annotators
from oceanchat.store.assignments import assignments
from oceanchat.store.schema import metadata

second_looks = Table(
    "second_looks",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("assignment_id", ForeignKey(assignments.c.id, ondelete="CASCADE"), nullable=False),
    Column("lead_id", ForeignKey(annotators.c.id), nullable=False),
    Column("note", Text, nullable=False, comment="what the lead asks the annotator to look at"),
    Column("asked_at", Float, nullable=False),
    Index("second_looks_by_assignment", "assignment_id"),
)


def add_second_look(connection: Connection, assignment_id: int, lead_id: int, note: str, now: float) -> None:
    """Record that a lead asks the annotator of an assignment to look again."""
    row = {"assignment_id": assignment_id, "lead_id": lead_id, "note": note, "asked_at": now}
    connection.execute(second_looks.insert().values(row))


def last_note(connection: Connection, assignment_id: int) -> str | None:
    """What the lead last asked about an assignment; None when they never did."""
    query = select(second_looks.c.note).where(second_looks.c.assignment_id == assignment_id)
    return connection.execute(query.order_by(second_looks.c.id.desc()).limit(1)).scalar()
