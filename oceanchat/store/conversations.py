"""Rows of conversations that annotators hold with models.

An item of an evaluation is a cell: one system and one starting question. Its conversation is held once for
all annotators (slot 0), or by each annotator apart (the slot is their id). Turns are only ever added.
Functions take an open connection; times are seconds since 1970.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

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

from oceanchat.store.annotators import annotators
from oceanchat.store.assignments import PUT_OFF, ROUTINE, assignments
from oceanchat.store.samples import items
from oceanchat.store.schema import metadata
from oceanchat.store.upsert import new_rows

CONVERSATION = "conversation"
"""The kind of items that are talked about with a model and then rated."""
EVALUATION = "evaluation"
"""The task of samples whose items are conversations."""
SHARED = 0
"""The slot of a conversation that all annotators rate."""
Role = Literal["questioner", "discloser"]
"""Who speaks: the annotator, or the model."""

evaluation_cells = Table(
    "evaluation_cells",
    metadata,
    Column("item_id", ForeignKey(items.c.id), primary_key=True),
    Column("system", String, nullable=False, comment="its name in the sample's settings"),
    Column("question_id", String, nullable=False),
)
conversations = Table(
    "conversations",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("item_id", ForeignKey(items.c.id), nullable=False),
    Column("slot", Integer, nullable=False, comment="0: shared; else the id of the annotator who holds it"),
    Column("holder_id", ForeignKey(annotators.c.id), nullable=False, comment="who talks with the model"),
    Column("seed", Integer, nullable=False, comment="sent with every request"),
    Column("started_at", Float, nullable=False),
    Column("finished_at", Float, comment="when its last answer was stored"),
    UniqueConstraint("item_id", "slot"),
)
turns = Table(
    "turns",
    metadata,
    Column("conversation_id", ForeignKey(conversations.c.id), primary_key=True),
    Column("number", Integer, primary_key=True, comment="of the exchange, from 1"),
    Column("role", String, primary_key=True, comment="questioner or discloser"),
    Column("text", Text, nullable=False),
    Column("annotator_id", ForeignKey(annotators.c.id), comment="who wrote it; empty for the model"),
    Column("model", String, comment="that was asked"),
    Column("seed", Integer, comment="that was sent"),
    Column("prompt_hash", String, comment="SHA-256 of the request"),
    Column("answer_hash", String, comment="SHA-256 of the text"),
    Column("said_at", Float, nullable=False),
)


class Cell(NamedTuple):
    """One system and one starting question."""

    item_id: int
    system: str
    question_id: str
    stratum: str
    """The trait-level."""


@dataclass(frozen=True)
class StoredTurn:
    """One utterance of a conversation."""

    number: int
    """Of the exchange, from 1."""
    role: Role
    text: str
    said_at: float
    annotator_id: int | None = None
    model: str = ""
    seed: int = 0
    prompt_hash: str = ""
    answer_hash: str = ""


@dataclass(frozen=True)
class StoredConversation:
    """A conversation without its turns."""

    id: int
    item_id: int
    slot: int
    holder_id: int
    seed: int
    finished_at: float | None


class OpenCell(NamedTuple):
    """An assignment of an evaluation that has no rating yet, in its annotator's order."""

    assignment_id: int
    item_id: int
    slot: int
    """Of the assignment; 0: the one who is to hold a shared conversation."""
    holder_id: int | None
    """Who holds the conversation; None while nobody does, or who did has left."""
    finished: bool
    put_off: bool
    """Whether its annotator wanted it later."""


def add_cells(connection: Connection, cells: Mapping[int, tuple[str, str]]) -> None:
    """Record item id -> (system, question's id)."""
    rows = [
        {"item_id": item_id, "system": system, "question_id": question_id}
        for item_id, (system, question_id) in cells.items()
    ]
    connection.execute(evaluation_cells.insert(), rows)


def cells_of(connection: Connection, sample_id: int) -> list[Cell]:
    """The cells of an evaluation."""
    query = (
        select(items.c.id, evaluation_cells.c.system, evaluation_cells.c.question_id, items.c.stratum)
        .join(items, items.c.id == evaluation_cells.c.item_id)
        .where(items.c.sample_id == sample_id)
        .order_by(items.c.id)
    )
    return [Cell(*row) for row in connection.execute(query)]


def system_of(connection: Connection, item_id: int) -> str:
    """The name of the system that an item is about."""
    query = select(evaluation_cells.c.system).where(evaluation_cells.c.item_id == item_id)
    return str(connection.execute(query).scalar_one())


def conversation(connection: Connection, item_id: int, slot: int) -> StoredConversation | None:
    """The conversation about an item in a slot."""
    query = select(conversations).where(conversations.c.item_id == item_id, conversations.c.slot == slot)
    return _conversation(connection.execute(query).first())


def conversation_for(connection: Connection, item_id: int, annotator_id: int) -> StoredConversation | None:
    """The conversation that an annotator rates: the shared one, or their own."""
    slot = conversations.c.slot.in_((SHARED, annotator_id))
    query = select(conversations).where(conversations.c.item_id == item_id, slot)
    return _conversation(connection.execute(query).first())


def lock_conversation(connection: Connection, id: int) -> StoredConversation:
    """The conversation, with every other writer kept out of it until the transaction ends."""
    query = select(conversations).where(conversations.c.id == id).with_for_update()
    locked = _conversation(connection.execute(query).first())
    assert locked is not None  # conversations are never deleted
    return locked


def _conversation(row: Row[Any] | None) -> StoredConversation | None:
    if row is None:
        return None
    return StoredConversation(row.id, row.item_id, row.slot, row.holder_id, row.seed, row.finished_at)


def start_conversation(
    connection: Connection, item_id: int, slot: int, holder_id: int, seed: int, now: float
) -> StoredConversation:
    """The locked conversation about an item in a slot; begun now where there is none."""
    row = {"item_id": item_id, "slot": slot, "holder_id": holder_id, "seed": seed, "started_at": now}
    connection.execute(new_rows(connection, conversations).values(row))
    begun = conversation(connection, item_id, slot)
    assert begun is not None  # added above, or by somebody else before
    return lock_conversation(connection, begun.id)


def take_over(connection: Connection, conversation_id: int, holder_id: int) -> None:
    """Let somebody else go on with a conversation."""
    held = update(conversations).where(conversations.c.id == conversation_id)
    connection.execute(held.values(holder_id=holder_id))


def finish(connection: Connection, conversation_id: int, now: float) -> None:
    """Record that the last answer of a conversation is stored."""
    ended = update(conversations).where(conversations.c.id == conversation_id)
    connection.execute(ended.values(finished_at=now))


def add_turn(connection: Connection, conversation_id: int, turn: StoredTurn) -> None:
    """Add a turn of a locked conversation."""
    row = {"conversation_id": conversation_id, **turn.__dict__}
    connection.execute(turns.insert().values(row))


def turns_of(connection: Connection, conversation_id: int) -> list[StoredTurn]:
    """The turns of a conversation in their order."""
    query = select(turns).where(turns.c.conversation_id == conversation_id)
    rows = connection.execute(query.order_by(turns.c.number, turns.c.role.desc()))
    return [_turn(row) for row in rows]


def _turn(row: Row[Any]) -> StoredTurn:
    return StoredTurn(
        number=row.number,
        role=row.role,
        text=row.text,
        said_at=row.said_at,
        annotator_id=row.annotator_id,
        model=row.model or "",
        seed=row.seed or 0,
        prompt_hash=row.prompt_hash or "",
        answer_hash=row.answer_hash or "",
    )


def _assigned(sample_id: int) -> Select[Any]:
    """An evaluation's assignments with the conversations they are about."""
    own = (conversations.c.slot == SHARED) | (conversations.c.slot == assignments.c.annotator_id)
    return (
        select(
            assignments.c.id,
            assignments.c.item_id,
            assignments.c.slot,
            assignments.c.position,
            conversations.c.holder_id,
            annotators.c.retired_at,
            annotators.c.role,
            conversations.c.finished_at,
        )
        .join(items, items.c.id == assignments.c.item_id)
        .outerjoin(conversations, (conversations.c.item_id == items.c.id) & own)
        .outerjoin(annotators, annotators.c.id == conversations.c.holder_id)
        .where(items.c.sample_id == sample_id, assignments.c.purpose.in_(ROUTINE))
    )


def open_cells(connection: Connection, annotator_id: int, sample_id: int) -> list[OpenCell]:
    """What somebody has not rated yet, in their order."""
    query = _assigned(sample_id).where(
        assignments.c.annotator_id == annotator_id, assignments.c.answered_at.is_(None)
    )
    rows = connection.execute(query.order_by(assignments.c.position, assignments.c.id))
    return [
        OpenCell(
            row.id,
            row.item_id,
            row.slot,
            row.holder_id if row.retired_at is None and row.role == "annotator" else None,
            row.finished_at is not None,
            row.position >= PUT_OFF,
        )
        for row in rows
    ]


def finished_counts(connection: Connection, sample_id: int) -> dict[str, int]:
    """System -> how many of its conversations are finished."""
    query = (
        select(evaluation_cells.c.system, func.count(conversations.c.finished_at))
        .join(items, items.c.id == evaluation_cells.c.item_id)
        .outerjoin(conversations, conversations.c.item_id == items.c.id)
        .where(items.c.sample_id == sample_id)
        .group_by(evaluation_cells.c.system)
    )
    return {system: count for system, count in connection.execute(query)}


class HeldAnswers(NamedTuple):
    """What a model said in a conversation."""

    conversation_id: int
    answers: list[StoredTurn]


def answers_of(connection: Connection, sample_id: int) -> dict[tuple[int, int], HeldAnswers]:
    """(item, slot) -> the model's answers in the conversations of an evaluation, in their order."""
    query = (
        select(turns, conversations.c.item_id, conversations.c.slot)
        .join(conversations, conversations.c.id == turns.c.conversation_id)
        .join(items, items.c.id == conversations.c.item_id)
        .where(items.c.sample_id == sample_id, turns.c.role == "discloser")
        .order_by(turns.c.conversation_id, turns.c.number)
    )
    held: dict[tuple[int, int], HeldAnswers] = {}
    for row in connection.execute(query):
        known = held.setdefault((row.item_id, row.slot), HeldAnswers(row.conversation_id, []))
        known.answers.append(_turn(row))
    return held
