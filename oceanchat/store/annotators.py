"""Rows of the people who annotate: their accounts, sign-ins and failed tries.

Only hashes of passcodes and of sign-in cookies are kept. Functions take an open connection; who may do
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
    func,
    or_,
    select,
    update,
)

from oceanchat.store.schema import metadata

annotators = Table(
    "annotators",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", String, nullable=False, unique=True),
    Column("role", String, nullable=False),
    Column("passcode", String, nullable=False),
    Column("profile", Text, nullable=False),
    Column("added", Float, nullable=False),
    Column("admitted", Float),
    Column("retired", Float),
)
"""`admitted`: when the lead let someone start whose practice fell short. `retired`: gets no more items."""

sign_ins = Table(
    "sign_ins",
    metadata,
    Column("token", String, primary_key=True),
    Column("annotator_id", ForeignKey(annotators.c.id), nullable=False),
    Column("created", Float, nullable=False),
    Column("expires", Float, nullable=False),
    Column("ended", Float),
)
"""`token`: hash of what the cookie holds."""

sign_in_failures = Table(
    "sign_in_failures",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", String, nullable=False),
    Column("address", String, nullable=False),
    Column("at", Float, nullable=False),
    Index("sign_in_failures_at", "at"),
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
    added: float
    admitted: float | None
    retired: float | None

    @property
    def pseudonym(self) -> str:
        """What exports and the release card call this person."""
        return f"annotator-{self.id}"


def _annotator(row: Row[Any]) -> Annotator:
    return Annotator(
        row.id, row.name, row.role, json.loads(row.profile), row.added, row.admitted, row.retired
    )


def add(connection: Connection, name: str, role: str, passcode: str, now: float) -> int:
    """A new account's id; the name must be free."""
    row = {"name": name, "role": role, "passcode": passcode, "profile": "{}", "added": now}
    return int(connection.execute(annotators.insert().values(row).returning(annotators.c.id)).scalar_one())


def named(connection: Connection, name: str) -> Annotator | None:
    """The account of that name, in any capitals."""
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
    query = select(annotators.c.passcode).where(annotators.c.id == id)
    return str(connection.execute(query).scalar_one())


def change(connection: Connection, id: int, **values: Any) -> None:
    """Set columns of an account; `profile` is given as a mapping."""
    if "profile" in values:
        values["profile"] = json.dumps(values["profile"], sort_keys=True)
    connection.execute(update(annotators).where(annotators.c.id == id).values(values))


def start_sign_in(connection: Connection, token: str, annotator_id: int, now: float, expires: float) -> None:
    """Record a sign-in under the hash of its cookie."""
    row = {"token": token, "annotator_id": annotator_id, "created": now, "expires": expires}
    connection.execute(sign_ins.insert().values(row))


def signed_in(connection: Connection, token: str, now: float) -> Annotator | None:
    """Whose sign-in that is, if it is neither ended nor expired."""
    query = (
        select(annotators)
        .join(sign_ins, sign_ins.c.annotator_id == annotators.c.id)
        .where(sign_ins.c.token == token, sign_ins.c.ended.is_(None), sign_ins.c.expires > now)
    )
    row = connection.execute(query).first()
    return None if row is None else _annotator(row)


def end_sign_in(connection: Connection, token: str, now: float) -> None:
    """End one sign-in."""
    connection.execute(update(sign_ins).where(sign_ins.c.token == token).values(ended=now))


def end_all_sign_ins(connection: Connection, annotator_id: int, now: float) -> None:
    """End every open sign-in of one person."""
    open_ = (sign_ins.c.annotator_id == annotator_id) & sign_ins.c.ended.is_(None)
    connection.execute(update(sign_ins).where(open_).values(ended=now))


def add_failure(connection: Connection, name: str, address: str, now: float) -> None:
    """Record a failed try to sign in."""
    connection.execute(sign_in_failures.insert().values(name=name.lower(), address=address, at=now))


def failures(connection: Connection, name: str, address: str, since: float) -> tuple[int, int]:
    """(tries that failed for that name, tries that failed from that address) since a time."""
    recent = select(sign_in_failures).where(
        sign_in_failures.c.at > since,
        or_(sign_in_failures.c.name == name.lower(), sign_in_failures.c.address == address),
    )
    rows = connection.execute(recent).all()
    return sum(row.name == name.lower() for row in rows), sum(row.address == address for row in rows)
