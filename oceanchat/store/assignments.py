"""Rows of who labels which item.

Functions take an open connection; times are seconds since 1970. Who gets which item is decided in
oceanchat/annotation/assignment.py.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import (
    Column,
    Connection,
    Float,
    ForeignKey,
    Index,
    Integer,
    Row,
    Select,
    String,
    Table,
    UniqueConstraint,
    cast,
    delete,
    func,
    literal,
    select,
    update,
)

from oceanchat.store.annotators import annotators
from oceanchat.store.samples import Item, item_of, items
from oceanchat.store.schema import metadata
from oceanchat.store.upsert import new_rows

COUNTED = "label"
"""The purpose of the assignments whose labels make the agreement."""
ROUTINE = (COUNTED, "repeat", "gold")
"""The purposes an annotator meets while validating, without knowing which is which."""
GIVEN_UP = "given up "
"""With its id the purpose of an assignment whose label was withdrawn and whose annotator left before giving
another: one slot may be given up several times."""

assignments = Table(
    "assignments",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("item_id", ForeignKey(items.c.id), nullable=False),
    Column("annotator_id", ForeignKey(annotators.c.id), nullable=False),
    Column("purpose", String, nullable=False, comment="label, repeat, gold, practice, describe, adjudicate"),
    Column(
        "slot", Integer, nullable=False, comment="0 to overlap-1 for labels: the database keeps out a fourth"
    ),
    Column("position", Float, nullable=False, comment="in this annotator's seeded order"),
    Column("revision", Integer, nullable=False, default=0, comment="labels so far"),
    Column("answered_at", Float, comment="when the current label was saved; empty while there is none"),
    UniqueConstraint("item_id", "purpose", "slot"),
    UniqueConstraint("item_id", "annotator_id", "purpose"),
    Index("assignments_open", "annotator_id", "answered_at", "position"),
)


@dataclass(frozen=True)
class Assignment:
    """One item that one annotator is to label."""

    id: int
    item: Item
    annotator_id: int
    purpose: str
    position: float
    revision: int
    answered_at: float | None


def add_assignments(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Add assignments (item_id, annotator_id, purpose, slot, position); taken slots are left as they are."""
    if rows:
        connection.execute(new_rows(connection, assignments), [{"revision": 0, **row} for row in rows])


PUT_OFF = 1e6
"""Positions from here on are of what an annotator put off: the seconds at which they did."""


def put_off(connection: Connection, assignment_id: int, now: float) -> None:
    """Move an assignment behind all others of its annotator."""
    moved = update(assignments).where(assignments.c.id == assignment_id)
    connection.execute(moved.values(position=max(now, PUT_OFF)))


def remove_assignments(connection: Connection, ids: Sequence[int]) -> int:
    """Delete assignments that never had a label; returns how many were deleted."""
    deleted = 0
    for start in range(0, len(ids), 500):
        unlabeled = assignments.c.id.in_(ids[start : start + 500]) & (assignments.c.revision == 0)
        deleted += connection.execute(delete(assignments).where(unlabeled)).rowcount
    return deleted


def give_up(connection: Connection, ids: Sequence[int]) -> None:
    """Free the slots of assignments that have no label any more; what they had stays in the history."""
    for start in range(0, len(ids), 500):
        unlabeled = assignments.c.id.in_(ids[start : start + 500]) & assignments.c.answered_at.is_(None)
        purpose = literal(GIVEN_UP) + cast(assignments.c.id, String)
        connection.execute(update(assignments).where(unlabeled).values(purpose=purpose))


def _query() -> Select[Any]:
    return select(
        assignments,
        items.c.sample_id,
        items.c.kind,
        items.c.key,
        items.c.stratum,
        items.c.state,
        items.c.content,
        items.c.answer_key,
    ).join(items, items.c.id == assignments.c.item_id)


def _assignment(row: Row[Any]) -> Assignment:
    return Assignment(
        row.id, item_of(row), row.annotator_id, row.purpose, row.position, row.revision, row.answered_at
    )


def _first(connection: Connection, query: Select[Any]) -> Assignment | None:
    row = connection.execute(query.limit(1)).first()
    return None if row is None else _assignment(row)


def assignment_by_id(connection: Connection, id: int) -> Assignment | None:
    """The assignment of that id."""
    return _first(connection, _query().where(assignments.c.id == id))


def lock_assignment(connection: Connection, id: int) -> Assignment | None:
    """The assignment, with every other writer kept out of it until the transaction ends."""
    connection.execute(select(assignments.c.id).where(assignments.c.id == id).with_for_update())
    return assignment_by_id(connection, id)


def lock_if_free(connection: Connection, id: int) -> bool:
    """Lock an assignment unless somebody else has; False where it is locked or gone."""
    query = select(assignments.c.id).where(assignments.c.id == id).with_for_update(skip_locked=True)
    return connection.execute(query).first() is not None


def assignment_of_item(connection: Connection, item_id: int, purpose: str) -> Assignment | None:
    """The first assignment of an item for a purpose."""
    return _first(
        connection, _query().where(assignments.c.item_id == item_id, assignments.c.purpose == purpose)
    )


def qualification_assignments(connection: Connection, annotator_id: int, kind: str) -> list[Assignment]:
    """One annotator's assignments of one kind of items that belong to no sample, in their order."""
    query = _query().where(
        assignments.c.annotator_id == annotator_id, items.c.kind == kind, items.c.sample_id.is_(None)
    )
    rows = connection.execute(query.order_by(assignments.c.position, assignments.c.id))
    return [_assignment(row) for row in rows]


def _routine(annotator_id: int, sample_id: int) -> Select[Any]:
    return _query().where(
        assignments.c.annotator_id == annotator_id,
        items.c.sample_id == sample_id,
        assignments.c.purpose.in_(ROUTINE),
    )


def next_assignment(connection: Connection, annotator_id: int, sample_id: int) -> Assignment | None:
    """The first open assignment in someone's order."""
    query = _routine(annotator_id, sample_id).where(assignments.c.answered_at.is_(None))
    return _first(connection, query.order_by(assignments.c.position, assignments.c.id))


def labelled_assignments(connection: Connection, item_id: int, purpose: str) -> list[int]:
    """The ids of an item's assignments that have a label, of annotators who have not left."""
    query = (
        select(assignments.c.id)
        .join(annotators, annotators.c.id == assignments.c.annotator_id)
        .where(
            assignments.c.item_id == item_id,
            assignments.c.purpose == purpose,
            assignments.c.answered_at.is_not(None),
            annotators.c.retired_at.is_(None),
        )
    )
    return list(connection.execute(query.order_by(assignments.c.id)).scalars())


def progress(connection: Connection, annotator_id: int, sample_id: int) -> tuple[int, int]:
    """(answered, all) routine assignments of one annotator."""
    query = (
        select(func.count(assignments.c.answered_at), func.count())
        .join(items, items.c.id == assignments.c.item_id)
        .where(
            assignments.c.annotator_id == annotator_id,
            items.c.sample_id == sample_id,
            assignments.c.purpose.in_(ROUTINE),
        )
    )
    done, total = connection.execute(query).one()
    return int(done), int(total)


class ItemCount(NamedTuple):
    """How many labels an item has and gets."""

    key: str
    stratum: str
    state: str
    assigned: int
    answered: int


def counts_by_item(connection: Connection, sample_id: int, purpose: str) -> dict[int, ItemCount]:
    """Item id -> its assignments for a purpose, for every dialogue of a sample."""
    wanted = (assignments.c.item_id == items.c.id) & (assignments.c.purpose == purpose)
    query = (
        select(
            items.c.id,
            items.c.key,
            items.c.stratum,
            items.c.state,
            func.count(assignments.c.id),
            func.count(assignments.c.answered_at),
        )
        .outerjoin(assignments, wanted)
        .where(items.c.sample_id == sample_id, items.c.kind == "sample")
        .group_by(items.c.id, items.c.key, items.c.stratum, items.c.state)
        .order_by(items.c.id)
    )
    return {row[0]: ItemCount(*row[1:]) for row in connection.execute(query)}


def met_items(connection: Connection, annotator_id: int) -> int:
    """How many items of samples someone has labeled, or opened with others' answers to decide on."""
    met = (assignments.c.purpose.in_(ROUTINE) & (assignments.c.revision > 0)) | (
        assignments.c.purpose == "adjudicate"
    )
    query = select(func.count(func.distinct(assignments.c.item_id)))
    return int(connection.execute(query.where(assignments.c.annotator_id == annotator_id, met)).scalar_one())


def assigned_count(connection: Connection, sample_id: int, purpose: str) -> int:
    """How many assignments for a purpose a sample has."""
    query = (
        select(func.count())
        .select_from(assignments)
        .join(items, items.c.id == assignments.c.item_id)
        .where(items.c.sample_id == sample_id, assignments.c.purpose == purpose)
    )
    return int(connection.execute(query).scalar_one())
