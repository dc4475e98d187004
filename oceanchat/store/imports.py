"""Rows of dialogues made elsewhere.

They are primary state: nothing else can bring them back. A dialogue is stored once under its id, whichever
file it came from; its state and verdict are rewritten when it is gated and checked again. Which dialogues are
good is not known here. Functions take an open connection.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from sqlalchemy import Column, Connection, Integer, String, Table, Text, func, select, update

from oceanchat.records import Dialogue
from oceanchat.store.schema import metadata

imported_dialogues = Table(
    "imported_dialogues",
    metadata,
    Column("id", String(16), primary_key=True),
    Column("position", Integer, nullable=False, unique=True, comment="order of arrival, from 0"),
    Column("trait_level", String(2), nullable=False),
    Column("state", String, nullable=False),
    Column("record", Text, nullable=False, comment="JSON of a Dialogue"),
)

_AT_ONCE = 500
_WAITING = select(imported_dialogues.c.id).where(imported_dialogues.c.state == "unchecked")


def add_imported(connection: Connection, dialogues: Iterable[Dialogue]) -> int:
    """Add the dialogues that are not there yet, and verdicts of those that had none; how many were new."""
    known = set(connection.scalars(select(imported_dialogues.c.id)))
    last = connection.scalar(select(func.max(imported_dialogues.c.position)))
    first = 0 if last is None else last + 1
    rows: list[dict[str, Any]] = []
    waiting = set(connection.scalars(_WAITING))
    for dialogue in dialogues:
        if dialogue.id in waiting and dialogue.verdict is not None:
            rewrite_imported(connection, [dialogue])
        if dialogue.id not in known:
            known.add(dialogue.id)
            rows.append(_row(dialogue) | {"id": dialogue.id, "position": first + len(rows)})
    for start in range(0, len(rows), _AT_ONCE):
        connection.execute(imported_dialogues.insert(), rows[start : start + _AT_ONCE])
    return len(rows)


def rewrite_imported(connection: Connection, dialogues: Iterable[Dialogue]) -> None:
    """Replace the dialogues with the same ids by these, with their new states and verdicts."""
    for dialogue in dialogues:
        changed = update(imported_dialogues).where(imported_dialogues.c.id == dialogue.id)
        connection.execute(changed.values(**_row(dialogue)))


def read_imported(connection: Connection) -> list[Dialogue]:
    """All imported dialogues in their order of arrival."""
    return list(stream_imported(connection))


def stream_imported(connection: Connection) -> Iterator[Dialogue]:
    """The same, one after the other; nothing may be written meanwhile."""
    query = select(imported_dialogues.c.record).order_by(imported_dialogues.c.position)
    for record in connection.execute(query, execution_options={"yield_per": 200}).scalars():
        yield Dialogue.model_validate_json(record)


def imported_counts(connection: Connection) -> dict[str, dict[str, int]]:
    """Trait-level -> state -> imported dialogues."""
    codes, states = imported_dialogues.c.trait_level, imported_dialogues.c.state
    query = select(codes, states, func.count()).group_by(codes, states).order_by(codes, states)
    counts: dict[str, dict[str, int]] = {}
    for code, state, count in connection.execute(query):
        counts.setdefault(code, {})[state] = count
    return counts


def _row(dialogue: Dialogue) -> dict[str, Any]:
    return {
        "trait_level": dialogue.trait_level.code,
        "state": dialogue.state,
        "record": dialogue.model_dump_json(),
    }
