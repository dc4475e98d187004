"""Rows of the annotation, second half: what is shown, answered, drafted and turned down.

Labels are only ever added: a change is a new revision, a withdrawal a revision without answers. Answers are
JSON, whatever the questions; `value` is what they come to under the task's rule. Functions take an open
connection; times are seconds since 1970.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from sqlalchemy import (
    Column,
    Connection,
    Engine,
    Float,
    ForeignKey,
    Index,
    Integer,
    Row,
    String,
    Table,
    Text,
    UniqueConstraint,
    delete,
    func,
    select,
    update,
)

from oceanchat.store.annotators import annotators
from oceanchat.store.assignments import (
    COUNTED,
    ROUTINE,
    Seat,
    from_json,
    items,
    latest_sample,
    seats,
    to_json,
)
from oceanchat.store.schema import metadata

serves = Table(
    "serves",
    metadata,
    Column("token", String, primary_key=True),
    Column("seat_id", ForeignKey(seats.c.id, ondelete="CASCADE"), nullable=False),
    Column("shown", Float, nullable=False),
    Column("used", Float),
    Index("serves_by_seat", "seat_id"),
)
labels = Table(
    "labels",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("seat_id", ForeignKey(seats.c.id), nullable=False),
    Column("revision", Integer, nullable=False),
    Column(
        "token", String, nullable=False, unique=True, comment="of the serve it answers: one label a serve"
    ),
    Column("answers", Text, comment="JSON: question -> answer; empty for a withdrawal"),
    Column("value", String, comment="what the answers come to"),
    Column("active_seconds", Float, nullable=False, comment="on the item, idle time left out"),
    Column("wall_seconds", Float, nullable=False, comment="between showing and saving"),
    Column("saved", Float, nullable=False),
    UniqueConstraint("seat_id", "revision"),
)
drafts = Table(
    "drafts",
    metadata,
    Column("seat_id", ForeignKey(seats.c.id, ondelete="CASCADE"), primary_key=True),
    Column("answers", Text, nullable=False, comment="JSON, as far as given"),
    Column("saved", Float, nullable=False),
)
refusals = Table(
    "refusals",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("annotator_id", ForeignKey(annotators.c.id), nullable=False),
    Column("reason", String, nullable=False, comment="too-fast and the like"),
    Column("at", Float, nullable=False),
)

PASSED = "passed"
"""The state in which the automatic check leaves a dialogue it lets through."""
REJECTED = ("off-trait", "wrong-level")
"""The states in which the automatic check leaves a dialogue it turns down."""
Answers = Mapping[str, str]


class Serve(NamedTuple):
    """One showing of an item."""

    seat_id: int
    shown: float
    used: float | None


@dataclass(frozen=True)
class Label:
    """One revision of one seat's answers; `answers` is None for a withdrawal."""

    id: int
    seat_id: int
    revision: int
    token: str
    answers: Answers | None
    value: str | None
    active_seconds: float
    wall_seconds: float
    saved: float


@dataclass(frozen=True)
class Judgement:
    """A seat's current label with what is needed to report on it."""

    item_id: int
    item_key: str
    kind: str
    stratum: str
    state: str
    known: Mapping[str, Any] | None
    annotator_id: int
    purpose: str
    answers: Answers
    value: str
    revision: int
    active_seconds: float
    saved: float
    content: Mapping[str, Any] = field(repr=False)


def sample_seats(connection: Connection, sample_id: int) -> list[Row[Any]]:
    """Every routine seat of a sample: id, item_id, annotator_id, purpose, slot, answered, and `touched`."""
    served = select(serves.c.seat_id).distinct().subquery()
    query = (
        select(
            seats.c.id,
            seats.c.item_id,
            seats.c.annotator_id,
            seats.c.purpose,
            seats.c.slot,
            seats.c.position,
            seats.c.revision,
            seats.c.answered,
            served.c.seat_id.is_not(None).label("touched"),
        )
        .join(items, items.c.id == seats.c.item_id)
        .outerjoin(served, served.c.seat_id == seats.c.id)
        .where(items.c.sample_id == sample_id, seats.c.purpose.in_(ROUTINE))
        .order_by(seats.c.id)
    )
    return list(connection.execute(query))


def open_serve(connection: Connection, seat_id: int) -> tuple[str, float] | None:
    """The unused serve of a seat: its token and when it was first shown."""
    query = (
        select(serves).where(serves.c.seat_id == seat_id, serves.c.used.is_(None)).order_by(serves.c.shown)
    )
    row = connection.execute(query.limit(1)).first()
    return None if row is None else (row.token, row.shown)


def add_serve(connection: Connection, token: str, seat_id: int, now: float) -> None:
    """Record that an item is shown under a fresh token."""
    connection.execute(serves.insert().values(token=token, seat_id=seat_id, shown=now))


def served(connection: Connection, token: str) -> Serve | None:
    """The showing of that token."""
    row = connection.execute(select(serves).where(serves.c.token == token)).first()
    return None if row is None else Serve(row.seat_id, row.shown, row.used)


def add_label(
    connection: Connection,
    seat_: Seat,
    token: str,
    answers: Answers | None,
    *,
    value: str | None,
    active_seconds: float,
    wall_seconds: float,
    now: float,
) -> None:
    """The next revision of a locked seat; uses up the serve and drops the draft."""
    row = {
        "seat_id": seat_.id,
        "revision": seat_.revision + 1,
        "token": token,
        "answers": None if answers is None else to_json(answers),
        "value": value,
        "active_seconds": active_seconds,
        "wall_seconds": wall_seconds,
        "saved": now,
    }
    connection.execute(labels.insert().values(row))
    answered = None if answers is None else now
    chosen = update(seats).where(seats.c.id == seat_.id)
    connection.execute(chosen.values(revision=seat_.revision + 1, answered=answered))
    connection.execute(update(serves).where(serves.c.token == token).values(used=now))
    connection.execute(delete(drafts).where(drafts.c.seat_id == seat_.id))


def _label(row: Row[Any] | None) -> Label | None:
    if row is None:
        return None
    return Label(
        row.id,
        row.seat_id,
        row.revision,
        row.token,
        from_json(row.answers),
        row.value,
        row.active_seconds,
        row.wall_seconds,
        row.saved,
    )


def label_of_serve(connection: Connection, token: str) -> Label | None:
    """The label that answered a serve."""
    return _label(connection.execute(select(labels).where(labels.c.token == token)).first())


def current_label(connection: Connection, seat_id: int) -> Label | None:
    """The newest revision of a seat, withdrawn or not."""
    query = select(labels).where(labels.c.seat_id == seat_id).order_by(labels.c.revision.desc()).limit(1)
    return _label(connection.execute(query).first())


def put_draft(connection: Connection, seat_id: int, answers: Answers, now: float) -> None:
    """Keep what is given so far, in place of the draft before."""
    values = {"answers": to_json(answers), "saved": now}
    changed = connection.execute(update(drafts).where(drafts.c.seat_id == seat_id).values(values))
    if not changed.rowcount:
        connection.execute(drafts.insert().values(seat_id=seat_id, **values))


def draft(connection: Connection, seat_id: int) -> Answers | None:
    """The draft of a seat."""
    query = select(drafts.c.answers).where(drafts.c.seat_id == seat_id)
    found: Answers | None = from_json(connection.execute(query).scalar_one_or_none())
    return found


def add_refusal(connection: Connection, annotator_id: int, reason: str, now: float) -> None:
    """Record a try that was turned down."""
    connection.execute(refusals.insert().values(annotator_id=annotator_id, reason=reason, at=now))


def refusal_counts(connection: Connection) -> dict[int, int]:
    """Annotator id -> tries turned down."""
    query = select(refusals.c.annotator_id, func.count()).group_by(refusals.c.annotator_id)
    return {row[0]: row[1] for row in connection.execute(query)}


def judgements(connection: Connection, sample_id: int | None) -> list[Judgement]:
    """Every current label of a sample (None: of the qualification), by item and annotator."""
    query = (
        select(
            items.c.id.label("item_id"),
            items.c.key,
            items.c.kind,
            items.c.stratum,
            items.c.state,
            items.c.known,
            items.c.content,
            seats.c.annotator_id,
            seats.c.purpose,
            labels.c.answers,
            labels.c.value,
            labels.c.revision,
            labels.c.active_seconds,
            labels.c.saved,
        )
        .join(seats, seats.c.item_id == items.c.id)
        .join(labels, (labels.c.seat_id == seats.c.id) & (labels.c.revision == seats.c.revision))
        .where(items.c.sample_id == sample_id, labels.c.answers.is_not(None))
        .order_by(items.c.id, seats.c.purpose, seats.c.annotator_id)
    )
    return [
        Judgement(
            item_id=row.item_id,
            item_key=row.key,
            kind=row.kind,
            stratum=row.stratum,
            state=row.state,
            known=from_json(row.known),
            annotator_id=row.annotator_id,
            purpose=row.purpose,
            answers=from_json(row.answers),
            value=row.value,
            revision=row.revision,
            active_seconds=row.active_seconds,
            saved=row.saved,
            content=from_json(row.content),
        )
        for row in connection.execute(query)
    ]


def counts_for_agreement(judgement: Judgement) -> bool:
    """Whether a label enters agreement and pass rate: a first answer to a dialogue the check let through."""
    return judgement.purpose == COUNTED and judgement.state not in REJECTED


def _only_for_the_check(judgement: Judgement) -> bool:
    return judgement.purpose == COUNTED and judgement.state in REJECTED


def validation_table(engine: Engine) -> list[dict[str, Any]]:
    """The newest sample's current labels, one row each: every reported figure can be recomputed from them.

    Columns: item, annotator (a pseudonym), value (the outcome under the task's rule), stratum
    (trait-level), purpose (label, repeat, gold, adjudicate; check for dialogues drawn only to judge the
    checker), revision, one `answer_*` column a question, known (the right value of gold items), automatic
    (what the automatic check said), active_seconds and saved.
    """
    with engine.connect().execution_options(begin="DEFERRED") as connection:
        sample = latest_sample(connection)
        if sample is None:
            return []
        found = judgements(connection, sample.id)
    names = list(dict.fromkeys(name for judgement in found for name in judgement.answers))
    return [
        {
            "item": judgement.item_key.removeprefix(f"{sample.id}:"),
            "annotator": f"annotator-{judgement.annotator_id}",
            "value": judgement.value,
            "stratum": judgement.stratum,
            "purpose": "check" if _only_for_the_check(judgement) else judgement.purpose,
            "revision": judgement.revision,
            **{f"answer_{name}": judgement.answers.get(name, "") for name in names},
            "known": "" if judgement.known is None else judgement.known["value"],
            "automatic": judgement.state,
            "active_seconds": round(judgement.active_seconds, 1),
            "saved": judgement.saved,
        }
        for judgement in found
    ]
