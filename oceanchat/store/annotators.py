"""Rows of annotators, sign-ins and failed attempts.

Only hashes of passcodes and of sign-in cookies are stored. Functions take an open connection; who may do
what is decided in oceanchat/annotation/accounts.py. Times are seconds since 1970.
"""

import json
from collections.abc import Mapping
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
    String,
    Table,
    Text,
    delete,
    func,
    select,
    update,
)

from oceanchat.store.columns import json_object
from oceanchat.store.schema import metadata

annotators = Table(
    "annotators",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", String, nullable=False, unique=True),
    Column("role", String, nullable=False),
    Column("passcode_hash", String, nullable=False),
    Column("profile", Text, nullable=False, comment="JSON: what the lead recorded about the annotator"),
    Column("added_at", Float, nullable=False),
    Column("admitted_at", Float, comment="when they qualified, or the lead admitted them without"),
    Column("retired_at", Float, comment="from then on they get no items"),
)

sign_ins = Table(
    "sign_ins",
    metadata,
    Column("token_hash", String, primary_key=True, comment="of the random string in the cookie"),
    Column("annotator_id", ForeignKey(annotators.c.id), nullable=False),
    Column("started_at", Float, nullable=False),
    Column("expires_at", Float, nullable=False),
    Column("ended_at", Float),
)

sign_in_failures = Table(
    "sign_in_failures",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", String, nullable=False),
    Column("address", String, nullable=False),
    Column("failed_at", Float, nullable=False),
    Index("sign_in_failures_by_time", "failed_at"),
)


@dataclass(frozen=True)
class Annotator:
    """Someone with an account."""

    id: int
    name: str
    role: str
    """'annotator' or 'lead'."""
    profile: Mapping[str, str]
    """What the lead recorded: background, language, pay and the like."""
    added_at: float
    admitted_at: float | None
    retired_at: float | None

    @property
    def gets_items(self) -> bool:
        """Whether this is an annotator who has not left."""
        return self.role == "annotator" and self.retired_at is None

    @property
    def pseudonym(self) -> str:
        """What exports and the release card call this person."""
        return f"annotator-{self.id}"


def _annotator(row: Row[Any]) -> Annotator:
    return Annotator(
        row.id, row.name, row.role, _profile(row.profile), row.added_at, row.admitted_at, row.retired_at
    )


def _profile(text: str) -> dict[str, str]:
    profile = json_object(text)
    if not all(isinstance(fact, str) for fact in profile.values()):
        raise ValueError(f"'{text[:40]}' does not hold texts")
    return profile


def add(connection: Connection, name: str, role: str, passcode_hash: str, now: float) -> int:
    """Add an account, whose name must be free; returns its id."""
    row = {"name": name, "role": role, "passcode_hash": passcode_hash, "profile": "{}", "added_at": now}
    return int(connection.execute(annotators.insert().values(row).returning(annotators.c.id)).scalar_one())


def by_name(connection: Connection, name: str) -> Annotator | None:
    """The account of that name, whatever its capitals."""
    query = select(annotators).where(func.lower(annotators.c.name) == name.lower())
    row = connection.execute(query).first()
    return None if row is None else _annotator(row)


def by_id(connection: Connection, id: int) -> Annotator:
    """The account of that id."""
    return _annotator(connection.execute(select(annotators).where(annotators.c.id == id)).one())


def everyone(connection: Connection) -> list[Annotator]:
    """All accounts in the order they were added."""
    return [_annotator(row) for row in connection.execute(select(annotators).order_by(annotators.c.id))]


def passcode_hash(connection: Connection, id: int) -> str:
    """The stored hash of someone's passcode."""
    query = select(annotators.c.passcode_hash).where(annotators.c.id == id)
    return str(connection.execute(query).scalar_one())


def change(connection: Connection, id: int, **values: Any) -> None:
    """Change columns of an account; `profile` is given as a mapping."""
    if "profile" in values:
        values["profile"] = json.dumps(values["profile"], sort_keys=True)
    connection.execute(update(annotators).where(annotators.c.id == id).values(values))


def start_sign_in(
    connection: Connection, token_hash: str, annotator_id: int, now: float, expires_at: float
) -> None:
    """Record a sign-in under the hash of its cookie."""
    row = {
        "token_hash": token_hash,
        "annotator_id": annotator_id,
        "started_at": now,
        "expires_at": expires_at,
    }
    connection.execute(sign_ins.insert().values(row))


def signed_in(connection: Connection, token_hash: str, now: float) -> Annotator | None:
    """The account of a sign-in that is neither ended nor expired."""
    query = (
        select(annotators)
        .join(sign_ins, sign_ins.c.annotator_id == annotators.c.id)
        .where(
            sign_ins.c.token_hash == token_hash, sign_ins.c.ended_at.is_(None), sign_ins.c.expires_at > now
        )
    )
    row = connection.execute(query).first()
    return None if row is None else _annotator(row)


def end_sign_in(connection: Connection, token_hash: str, now: float) -> None:
    """End one sign-in."""
    connection.execute(update(sign_ins).where(sign_ins.c.token_hash == token_hash).values(ended_at=now))


def end_all_sign_ins(connection: Connection, annotator_id: int, now: float) -> None:
    """End every open sign-in of one person."""
    open_ = (sign_ins.c.annotator_id == annotator_id) & sign_ins.c.ended_at.is_(None)
    connection.execute(update(sign_ins).where(open_).values(ended_at=now))


def add_failure(connection: Connection, name: str, address: str, now: float) -> None:
    """Record a failed attempt to sign in."""
    connection.execute(sign_in_failures.insert().values(name=name.lower(), address=address, failed_at=now))


def drop_failures(connection: Connection, before: float) -> None:
    """Forget the attempts that failed before a time, so that strangers do not fill the store."""
    connection.execute(delete(sign_in_failures).where(sign_in_failures.c.failed_at < before))


def failures(connection: Connection, name: str, address: str, since: float) -> int:
    """How many attempts for a name from an address failed since a time."""
    query = select(func.count()).where(
        sign_in_failures.c.failed_at > since,
        sign_in_failures.c.name == name.lower(),
        sign_in_failures.c.address == address,
    )
    return int(connection.execute(query).scalar_one())
