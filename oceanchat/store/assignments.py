"""Rows of the annotation, first half: samples, their items, and seats before them.

An item is a snapshot of what is judged, so that later rebuilds never change it. A seat is one person's place
before one item for one purpose. Functions take an open connection; times are seconds since 1970.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

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
    Text,
    UniqueConstraint,
    delete,
    func,
    select,
)

from oceanchat.store.annotators import annotators
from oceanchat.store.schema import metadata
from oceanchat.store.upsert import new_rows

COUNTED = "label"
"""The purpose of the seats whose labels make the agreement."""
ROUTINE = (COUNTED, "repeat", "gold")
"""The purposes an annotator meets while validating, without knowing which is which."""

samples = Table(
    "samples",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("task", String, nullable=False, comment="name of the questions, see annotation/tasks.py"),
    Column("seed", Integer, nullable=False),
    Column("overlap", Integer, nullable=False, comment="annotators per item"),
    Column("settings", Text, nullable=False, comment="JSON: rates, pace and what was drawn from what"),
    Column("created", Float, nullable=False),
)
items = Table(
    "items",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("sample_id", ForeignKey(samples.c.id)),
    Column("kind", String, nullable=False, comment="sample, gold, practice or describe"),
    Column("key", String, nullable=False, unique=True, comment="what it is a snapshot of"),
    Column("stratum", String, nullable=False, comment="trait-level, or empty"),
    Column("state", String, nullable=False, comment="what the automatic check said, or empty"),
    Column("content", Text, nullable=False, comment="JSON: what is shown"),
    Column("known", Text, comment="JSON: the right answers and why, where they are known"),
)
seats = Table(
    "seats",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("item_id", ForeignKey(items.c.id), nullable=False),
    Column("annotator_id", ForeignKey(annotators.c.id), nullable=False),
    Column("purpose", String, nullable=False, comment="label, repeat, gold, practice, describe, adjudicate"),
    Column(
        "slot", Integer, nullable=False, comment="0 to overlap-1 for labels: the database keeps out a fourth"
    ),
    Column("position", Float, nullable=False, comment="place in this person's seeded order"),
    Column("revision", Integer, nullable=False, default=0, comment="labels so far"),
    Column("answered", Float, comment="when the current label was saved; empty while there is none"),
    UniqueConstraint("item_id", "purpose", "slot"),
    UniqueConstraint("item_id", "annotator_id", "purpose"),
    Index("seats_open", "annotator_id", "answered", "position"),
)


@dataclass(frozen=True)
class Sample:
    """One drawn sample."""

    id: int
    task: str
    seed: int
    overlap: int
    settings: Mapping[str, Any]
    created: float


@dataclass(frozen=True)
class Item:
    """What one seat is before."""

    kind: str
    key: str
    stratum: str
    content: Mapping[str, Any]
    state: str = ""
    known: Mapping[str, Any] | None = None
    sample_id: int | None = None
    id: int = 0


@dataclass(frozen=True)
class Seat:
    """One person's place before one item."""

    id: int
    item: Item
    annotator_id: int
    purpose: str
    position: float
    revision: int
    answered: float | None


def from_json(text: str | None) -> Any:
    """What a JSON column holds."""
    return None if text is None else json.loads(text)


def to_json(value: Any) -> str:
    """A value as a JSON column holds it."""
    return json.dumps(value)


def add_sample(
    connection: Connection, task: str, seed: int, overlap: int, settings: Mapping[str, Any], now: float
) -> int:
    """A new sample's id."""
    row = {"task": task, "seed": seed, "overlap": overlap, "settings": to_json(settings), "created": now}
    return int(connection.execute(samples.insert().values(row).returning(samples.c.id)).scalar_one())


def latest_sample(connection: Connection, *, lock: bool = False) -> Sample | None:
    """The newest sample; `lock` keeps other planners out until the transaction ends."""
    query = select(samples).order_by(samples.c.id.desc()).limit(1)
    row = connection.execute(query.with_for_update() if lock else query).first()
    if row is None:
        return None
    return Sample(row.id, row.task, row.seed, row.overlap, from_json(row.settings), row.created)


def add_items(connection: Connection, new: Iterable[Item]) -> list[int]:
    """The ids of new items, in their order."""
    query = items.insert().returning(items.c.id)
    return [int(connection.execute(query.values(_item_values(item))).scalar_one()) for item in new]


def _item_values(item: Item) -> dict[str, Any]:
    known = None if item.known is None else to_json(item.known)
    return {
        "sample_id": item.sample_id,
        "kind": item.kind,
        "key": item.key,
        "stratum": item.stratum,
        "state": item.state,
        "content": to_json(item.content),
        "known": known,
    }


def _item(row: Row[Any]) -> Item:
    return Item(
        kind=row.kind,
        key=row.key,
        stratum=row.stratum,
        content=from_json(row.content),
        state=row.state,
        known=from_json(row.known),
        sample_id=row.sample_id,
        id=row.item_id,
    )


def sample_items(connection: Connection, sample_id: int, kind: str) -> list[int]:
    """The ids of one kind of items of a sample."""
    query = (
        select(items.c.id).where(items.c.sample_id == sample_id, items.c.kind == kind).order_by(items.c.id)
    )
    return list(connection.execute(query).scalars())


def ensure_items(connection: Connection, wanted: Sequence[Item]) -> dict[str, int]:
    """Key -> id of items that may be there already; others adding them at the same moment do no harm."""
    for item in wanted:
        connection.execute(new_rows(connection, items).values(_item_values(item)))
    rows = connection.execute(select(items.c.key, items.c.id).where(items.c.key.in_([i.key for i in wanted])))
    return {row.key: row.id for row in rows}


def add_seats(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """New seats (item_id, annotator_id, purpose, slot, position); taken ones are left as they are."""
    if rows:
        connection.execute(new_rows(connection, seats), [{"revision": 0, **row} for row in rows])


def remove_seats(connection: Connection, ids: Sequence[int]) -> int:
    """Take away seats that never had a label; returns how many went."""
    gone = 0
    for start in range(0, len(ids), 500):
        chosen = seats.c.id.in_(ids[start : start + 500]) & (seats.c.revision == 0)
        gone += connection.execute(delete(seats).where(chosen)).rowcount
    return gone


def _seat_query() -> Select[Any]:
    return select(
        seats,
        items.c.sample_id,
        items.c.kind,
        items.c.key,
        items.c.stratum,
        items.c.state,
        items.c.content,
        items.c.known,
    ).join(items, items.c.id == seats.c.item_id)


def _seat(row: Row[Any]) -> Seat:
    return Seat(row.id, _item(row), row.annotator_id, row.purpose, row.position, row.revision, row.answered)


def _one_seat(connection: Connection, query: Select[Any]) -> Seat | None:
    row = connection.execute(query.limit(1)).first()
    return None if row is None else _seat(row)


def seat(connection: Connection, id: int) -> Seat | None:
    """The seat of that id."""
    return _one_seat(connection, _seat_query().where(seats.c.id == id))


def lock_seat(connection: Connection, id: int) -> Seat | None:
    """The seat, with every other writer kept out of it until the transaction ends."""
    connection.execute(select(seats.c.id).where(seats.c.id == id).with_for_update())
    return seat(connection, id)


def lock_if_free(connection: Connection, id: int) -> bool:
    """Keep other writers out of a seat if nobody has done so; False where it is taken, or gone."""
    query = select(seats.c.id).where(seats.c.id == id).with_for_update(skip_locked=True)
    return connection.execute(query).first() is not None


def seat_before(connection: Connection, item_id: int, purpose: str) -> Seat | None:
    """The first seat before an item for a purpose."""
    return _one_seat(connection, _seat_query().where(seats.c.item_id == item_id, seats.c.purpose == purpose))


def person_seats(connection: Connection, annotator_id: int, kind: str) -> list[Seat]:
    """One person's seats before one kind of items that belong to no sample, in their order."""
    query = _seat_query().where(
        seats.c.annotator_id == annotator_id, items.c.kind == kind, items.c.sample_id.is_(None)
    )
    return [_seat(row) for row in connection.execute(query.order_by(seats.c.position, seats.c.id))]


def _routine(annotator_id: int, sample_id: int) -> Select[Any]:
    return _seat_query().where(
        seats.c.annotator_id == annotator_id,
        items.c.sample_id == sample_id,
        seats.c.purpose.in_(ROUTINE),
    )


def next_seat(connection: Connection, annotator_id: int, sample_id: int) -> Seat | None:
    """The first open seat in someone's order."""
    query = _routine(annotator_id, sample_id).where(seats.c.answered.is_(None))
    return _one_seat(connection, query.order_by(seats.c.position, seats.c.id))


def earlier_seat(
    connection: Connection, annotator_id: int, sample_id: int, before: float | None
) -> Seat | None:
    """The seat answered last before a time, or last of all."""
    query = _routine(annotator_id, sample_id).where(seats.c.answered.is_not(None))
    if before is not None:
        query = query.where(seats.c.answered < before)
    return _one_seat(connection, query.order_by(seats.c.answered.desc(), seats.c.id.desc()))


def later_seat(connection: Connection, annotator_id: int, sample_id: int, after: float) -> Seat | None:
    """The seat answered first after a time."""
    query = _routine(annotator_id, sample_id).where(seats.c.answered > after)
    return _one_seat(connection, query.order_by(seats.c.answered, seats.c.id))


def progress(connection: Connection, annotator_id: int, sample_id: int) -> tuple[int, int]:
    """(answered, all) routine seats of one person."""
    query = (
        select(func.count(seats.c.answered), func.count())
        .join(items, items.c.id == seats.c.item_id)
        .where(
            seats.c.annotator_id == annotator_id,
            items.c.sample_id == sample_id,
            seats.c.purpose.in_(ROUTINE),
        )
    )
    done, total = connection.execute(query).one()
    return int(done), int(total)
