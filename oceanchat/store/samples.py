"""Rows of samples and their items.

An item is a snapshot of what is labeled, so that later rebuilds never change it; practice items belong to no
sample. Functions take an open connection; times are seconds since 1970.
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
    Integer,
    Row,
    String,
    Table,
    Text,
    select,
    update,
)

from oceanchat.store.columns import json_object, moment
from oceanchat.store.schema import metadata
from oceanchat.store.upsert import new_rows

VALIDATION = "validate"
"""The task of samples whose dialogues are validated."""

samples = Table(
    "samples",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("task", String, nullable=False, comment="name of the questions, see annotation/tasks.py"),
    Column("seed", Integer, nullable=False),
    Column("overlap", Integer, nullable=False, comment="annotators per item"),
    Column("settings", Text, nullable=False, comment="JSON: the config, and how many were drawn of how many"),
    Column("created_at", Float, nullable=False),
)
items = Table(
    "items",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("sample_id", ForeignKey(samples.c.id)),
    Column("kind", String, nullable=False, comment="sample, gold, practice, describe, conversation or style"),
    Column("key", String, nullable=False, unique=True, comment="what it is a snapshot of"),
    Column("stratum", String, nullable=False, comment="trait-level, or empty"),
    Column("state", String, nullable=False, comment="the dialogue's, after the automatic check; or empty"),
    Column("content", Text, nullable=False, comment="JSON: what the annotator sees"),
    Column("answer_key", Text, comment="JSON: the right answers and why, where they are known"),
)


@dataclass(frozen=True)
class Sample:
    """One drawn sample."""

    id: int
    task: str
    seed: int
    overlap: int
    settings: Mapping[str, Any]
    created_at: float


@dataclass(frozen=True)
class Item:
    """What an annotator is asked about."""

    kind: str
    key: str
    stratum: str
    content: Mapping[str, Any]
    state: str = ""
    answer_key: Mapping[str, Any] | None = None
    sample_id: int | None = None
    id: int = 0


def from_json(text: str | None) -> Any:
    """The object in a JSON column, None where it is empty."""
    return None if text is None else json_object(text)


def to_json(value: Any) -> str:
    """A value in the form of a JSON column."""
    return json.dumps(value)


def add_sample(
    connection: Connection, task: str, seed: int, overlap: int, settings: Mapping[str, Any], now: float
) -> int:
    """Add a sample; returns its id."""
    row = {"task": task, "seed": seed, "overlap": overlap, "settings": to_json(settings), "created_at": now}
    return int(connection.execute(samples.insert().values(row).returning(samples.c.id)).scalar_one())


def latest_sample(
    connection: Connection, task: str = VALIDATION, number: int | None = None, *, lock: bool = False
) -> Sample | None:
    """The newest sample of a task, or the one of that number whatever its task; `lock` keeps other planners
    out until the transaction ends."""
    wanted = samples.c.task == task if number is None else samples.c.id == number
    query = select(samples).where(wanted).order_by(samples.c.id.desc()).limit(1)
    row = connection.execute(query.with_for_update() if lock else query).first()
    return None if row is None else _sample(row)


def all_samples(connection: Connection, task: str = VALIDATION) -> list[Sample]:
    """All samples of a task, oldest first."""
    query = select(samples).where(samples.c.task == task).order_by(samples.c.id)
    return [_sample(row) for row in connection.execute(query)]


def _sample(row: Row[Any]) -> Sample:
    return Sample(
        row.id, row.task, row.seed, int(row.overlap), from_json(row.settings), moment(row.created_at)
    )


def change_settings(connection: Connection, sample_id: int, settings: Mapping[str, Any]) -> None:
    """Record that more was drawn into a sample."""
    connection.execute(update(samples).where(samples.c.id == sample_id).values(settings=to_json(settings)))


def add_items(connection: Connection, new: Iterable[Item]) -> list[int]:
    """Add items; returns their ids in the same order."""
    query = items.insert().returning(items.c.id)
    return [int(connection.execute(query.values(_item_values(item))).scalar_one()) for item in new]


def _item_values(item: Item) -> dict[str, Any]:
    return {
        "sample_id": item.sample_id,
        "kind": item.kind,
        "key": item.key,
        "stratum": item.stratum,
        "state": item.state,
        "content": to_json(item.content),
        "answer_key": None if item.answer_key is None else to_json(item.answer_key),
    }


def item_of(row: Row[Any]) -> Item:
    """The item of a row of `items`, whose id is labeled `item_id`."""
    return Item(
        kind=row.kind,
        key=row.key,
        stratum=row.stratum,
        content=from_json(row.content),
        state=row.state,
        answer_key=from_json(row.answer_key),
        sample_id=row.sample_id,
        id=row.item_id,
    )


def sample_items(connection: Connection, sample_id: int, kind: str) -> list[int]:
    """The ids of one kind of items of a sample."""
    query = (
        select(items.c.id).where(items.c.sample_id == sample_id, items.c.kind == kind).order_by(items.c.id)
    )
    return list(connection.execute(query).scalars())


def item_keys(connection: Connection, sample_id: int) -> set[str]:
    """What a sample's dialogues are snapshots of."""
    query = select(items.c.key).where(items.c.sample_id == sample_id, items.c.kind == "sample")
    return set(connection.execute(query).scalars())


def item_contents(connection: Connection, ids: Iterable[int]) -> dict[int, Mapping[str, Any]]:
    """Item id -> what the annotator sees of it."""
    wanted = list(ids)
    contents: dict[int, Mapping[str, Any]] = {}
    for start in range(0, len(wanted), 500):
        query = select(items.c.id, items.c.content).where(items.c.id.in_(wanted[start : start + 500]))
        contents |= {row.id: from_json(row.content) for row in connection.execute(query)}
    return contents


def ensure_items(connection: Connection, wanted: Sequence[Item]) -> dict[str, int]:
    """Add the items that are missing, even while others add the same; returns key -> id."""
    for item in wanted:
        connection.execute(new_rows(connection, items).values(_item_values(item)))
    rows = connection.execute(select(items.c.key, items.c.id).where(items.c.key.in_([i.key for i in wanted])))
    return {row.key: row.id for row in rows}
