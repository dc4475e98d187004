"""The ledger's tables and the queries on them.

They hold every call with its raw reply and the attempts paid for nothing. A call is one row under the hash of
what was asked. It is `in_flight` from before the request leaves until its body is here, then `answered` or
`failed` for good. While it is in flight it belongs to one run, and no other run that lives may ask for it.
Functions take a connection; the caller decides when to commit.
"""

import hashlib
import time
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import (
    Boolean,
    Column,
    ColumnElement,
    Connection,
    Float,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    bindparam,
    delete,
    func,
    select,
    update,
)

from oceanchat.store.ledger_batches import UNFINISHED, ledger_batches, set_batch
from oceanchat.store.ledger_runs import living_runs
from oceanchat.store.schema import metadata
from oceanchat.store.upsert import new_rows, upsert

IN_FLIGHT, ANSWERED, FAILED = "in_flight", "answered", "failed"
BATCH_LOST = "batch-lost"
"""Reason of what a provider worked on in a batch and never handed over."""
SHARE = "share"
"""Outcome of an entry that is part of another call's answer: paid there, and in no cost report."""
_DESCRIPTION = ("endpoint", "model", "task", "trait_level")


def _description_columns() -> list[Column[Any]]:
    return [Column(name, Text, nullable=False) for name in _DESCRIPTION]


ledger_calls = Table(
    "ledger_calls",
    metadata,
    Column("key", String(64), primary_key=True),
    *_description_columns(),
    Column("sample", Integer, nullable=False),
    Column("state", String(16), nullable=False),
    Column("reason", Text),
    Column("outcome", String(16)),
    Column("body", LargeBinary),
    Column("prompt_tokens", Integer),
    Column("completion_tokens", Integer),
    Column("cached_tokens", Integer),
    Column("max_prompt_tokens", Integer, nullable=False),
    Column("max_tokens", Integer, nullable=False),
    Column("batched", Boolean, nullable=False),
    Column("batch", String(32)),
    Column("request", Text),
    Column("run", String(32), nullable=False),
    Column("recorded_at", Float, nullable=False),
    Index("ledger_calls_state", "state"),
    Index("ledger_calls_batch", "batch"),
)
"""`reason`: why it failed. `outcome`: 'retried' or 'rejected' where the reply was of no use; null: kept.
`request`: the request as JSON, for failed rows, so that they can be asked again.
`recorded_at`: epoch seconds."""

ledger_lost_attempts = Table(
    "ledger_lost_attempts",
    metadata,
    Column("attempt", String(64), primary_key=True),
    Column("key", String(64), nullable=False),
    *_description_columns(),
    Column("reason", Text, nullable=False),
    Column("body", LargeBinary),
    Column("max_prompt_tokens", Integer, nullable=False),
    Column("max_tokens", Integer, nullable=False),
    Column("batched", Boolean, nullable=False),
    Column("run", String(32), nullable=False),
    Column("recorded_at", Float, nullable=False),
)
"""Attempts that may have been billed and brought no answer: timeouts, resets, cut-off bodies, kills."""

Row = dict[str, Any]


class Entry(NamedTuple):
    """What the ledger holds for one request."""

    state: str
    """'answered' or 'failed'."""
    reason: str | None
    """Why it failed."""
    body: bytes | None
    """The raw reply; None for a failure without one."""


class Holder(NamedTuple):
    """Who is asking for something."""

    run: str
    """Of a batch: the one that follows it."""
    batch_endpoint: str | None
    """Where the batch is that holds it; None where it is in none."""


def dead_runs(connection: Connection) -> list[str]:
    """Runs that left calls in flight and can bring no answer any more."""
    query = select(ledger_calls.c.run).where(ledger_calls.c.state == IN_FLIGHT).distinct()
    asking = connection.execute(query).scalars().all()
    living = living_runs(connection)  # looked up last: a run is on record before it asks
    return [run for run in asking if run not in living]


def sweep(connection: Connection, runs: Sequence[str], reason: str = "killed") -> int:
    """Set free what dead `runs` left in flight and no batch can bring any more; returns how many are lost.

    Lost is what was sent on its own. What was claimed for a batch was sent only once the batch was on record,
    and what a batch lost is on record since it ended.
    """
    in_batch = ledger_calls.c.batch.in_(select(ledger_batches.c.batch).where(UNFINISHED))
    left = (ledger_calls.c.state == IN_FLIGHT) & ledger_calls.c.run.in_(runs)
    left &= ledger_calls.c.batch.is_(None) | ~in_batch
    rows = connection.execute(select(ledger_calls).where(left)).mappings().all() if runs else []
    lost = [{**row, "reason": reason} for row in rows if row["batch"] is None]
    if lost:
        add_lost(connection, lost)
    withdraw(connection, [(row["key"], row["run"]) for row in rows])
    return len(lost)


def holders(connection: Connection, keys: Sequence[str]) -> dict[str, Holder]:
    """Who holds the claims on those of `keys` that are in flight."""
    its_batch = (ledger_calls.c.batch == ledger_batches.c.batch) & UNFINISHED
    table = ledger_calls.outerjoin(ledger_batches, its_batch)
    run = func.coalesce(ledger_batches.c.run, ledger_calls.c.run)
    query = select(ledger_calls.c.key, run, ledger_batches.c.endpoint).select_from(table)
    rows = connection.execute(query.where(ledger_calls.c.key.in_(keys), ledger_calls.c.state == IN_FLIGHT))
    return {key: Holder(run, endpoint) for key, run, endpoint in rows}


def find(connection: Connection, keys: Sequence[str]) -> dict[str, Entry]:
    """What is known about `keys`; calls that are still on their way are left out."""
    columns = (ledger_calls.c.key, ledger_calls.c.state, ledger_calls.c.reason, ledger_calls.c.body)
    wanted = ledger_calls.c.key.in_(keys) & (ledger_calls.c.state != IN_FLIGHT)
    rows = connection.execute(select(*columns).where(wanted))
    return {key: Entry(state, reason, body) for key, state, reason, body in rows}


def claim(connection: Connection, rows: Sequence[Row]) -> set[str]:
    """Write the intent of one run to ask; the keys that were refused, as answered or held by another run.

    A row that had failed goes back to in_flight and keeps its old reason.
    """
    statement = upsert(connection, ledger_calls)
    again = {name: statement.excluded[name] for name in ("run", "recorded_at", "batch", "batched")}
    again["request"] = func.coalesce(statement.excluded.request, ledger_calls.c.request)
    own = (ledger_calls.c.run == statement.excluded.run) | (ledger_calls.c.batch == statement.excluded.batch)
    free = (ledger_calls.c.state == FAILED) | ((ledger_calls.c.state == IN_FLIGHT) & own)
    done = connection.execute(
        statement.on_conflict_do_update(
            index_elements=["key"], set_={**again, "state": IN_FLIGHT}, where=free
        ),
        _in_order(rows),
        execution_options={"preserve_rowcount": True},
    )
    if done.rowcount == len(rows):
        return set()
    keys = [row["key"] for row in rows]
    granted = select(ledger_calls.c.key).where(ledger_calls.c.key.in_(keys))
    granted = granted.where(ledger_calls.c.state == IN_FLIGHT, ledger_calls.c.run == rows[0]["run"])
    return set(keys) - set(connection.execute(granted).scalars())


def _in_order(rows: Iterable[Row]) -> list[Row]:
    """Rows in the order in which all processes write them, so that none waits for another in a circle."""
    return sorted(rows, key=lambda row: str(row["key"]))


def store_calls(connection: Connection, rows: Sequence[Row]) -> None:
    """Write answers and failures; an answer that is already there stays."""
    statement = upsert(connection, ledger_calls)
    result = ("state", "reason", "outcome", "body", "prompt_tokens", "completion_tokens", "cached_tokens")
    names = (*result, "batched", "batch", "request", "run", "recorded_at")
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=["key"],
            set_={name: statement.excluded[name] for name in names},
            where=ledger_calls.c.state != ANSWERED,
        ),
        _in_order(rows),
    )


def keys_of_run(connection: Connection, keys: Sequence[str], run: str) -> set[str]:
    """Those of `keys` whose row was last written by `run`."""
    query = select(ledger_calls.c.key).where(ledger_calls.c.key.in_(keys), ledger_calls.c.run == run)
    return set(connection.execute(query).scalars())


def withdraw(connection: Connection, claims: Iterable[tuple[str, str]]) -> None:
    """Withdraw the claims on keys by runs: nothing was billed, or it is on record as lost."""
    its_claim = (ledger_calls.c.key == bindparam("its_key")) & (ledger_calls.c.run == bindparam("its_run"))
    mine = its_claim & (ledger_calls.c.state == IN_FLIGHT)
    which = [{"its_key": key, "its_run": run} for key, run in sorted(claims)]
    if not which:
        return
    connection.execute(delete(ledger_calls).where(mine, ledger_calls.c.reason.is_(None)), which)
    connection.execute(
        update(ledger_calls).where(mine, ledger_calls.c.reason.is_not(None)).values(state=FAILED), which
    )


def add_lost(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Put attempts on record that may have been billed for nothing, each once."""
    names = [column.name for column in ledger_lost_attempts.columns if column.name != "attempt"]
    connection.execute(
        new_rows(connection, ledger_lost_attempts),
        [{"attempt": _attempt_id(row), **{name: row[name] for name in names}} for row in rows],
    )


def _attempt_id(row: Mapping[str, Any]) -> str:
    return hashlib.sha256(f"{row['key']} {row['run']} {row['recorded_at']!r}".encode()).hexdigest()


def record_outcomes(connection: Connection, outcomes: Iterable[tuple[str, str | None, str | None]]) -> None:
    """Say what became of answers: 'retried', 'rejected', or None for kept; with the request of the rejected
    ones, so that they can be asked again."""
    statement = update(ledger_calls).where(ledger_calls.c.key == bindparam("its_key"))
    statement = statement.values(outcome=bindparam("its_outcome"), request=bindparam("its_request"))
    rows = [
        {"its_key": key, "its_outcome": outcome, "its_request": request} for key, outcome, request in outcomes
    ]
    if rows:
        connection.execute(statement, rows)


def archive_rejected(connection: Connection, key: str) -> None:
    """Free the key of a rejected answer for a new one; the old one stays in the cost report as retried."""
    old = hashlib.sha256(f"{key} {time.time()}".encode()).hexdigest()
    rejected = (ledger_calls.c.key == key) & (ledger_calls.c.outcome == "rejected")
    connection.execute(update(ledger_calls).where(rejected).values(key=old, outcome="retried", request=None))


def rejected_rows(connection: Connection) -> list[Row]:
    """Answers no stage could use, with the request to ask again, oldest first."""
    wanted = (ledger_calls.c.outcome == "rejected") & ledger_calls.c.request.is_not(None)
    query = (
        select(ledger_calls)
        .where(wanted, ledger_calls.c.state == ANSWERED)
        .order_by(ledger_calls.c.recorded_at)
    )
    return [dict(row) for row in connection.execute(query).mappings()]


def failed_rows(connection: Connection, reason: str | None = None) -> list[Row]:
    """The failed calls with the request to ask again, oldest first."""
    wanted = select(ledger_calls).where(ledger_calls.c.state == FAILED).order_by(ledger_calls.c.recorded_at)
    if reason is not None:
        wanted = wanted.where(ledger_calls.c.reason == reason)
    return [dict(row) for row in connection.execute(wanted).mappings()]


def batch_calls(connection: Connection, batch: str) -> list[Row]:
    """The calls of a batch that are still without an answer."""
    wanted = (ledger_calls.c.batch == batch) & (ledger_calls.c.state == IN_FLIGHT)
    return [dict(row) for row in connection.execute(select(ledger_calls).where(wanted)).mappings()]


def close_batch(
    connection: Connection, batch: str, state: str, message: str, lost: Collection[str] | None = ()
) -> list[Row]:
    """Record that a batch has ended in `state`; the calls it left without an answer, free to be asked again.

    Those of `lost` (None: all of them) the provider may have worked on and billed.
    """
    unanswered = batch_calls(connection, batch)
    rows = [row for row in unanswered if lost is None or row["key"] in lost]
    if rows:
        add_lost(connection, [{**row, "reason": BATCH_LOST} for row in rows])
    withdraw(connection, [(row["key"], row["run"]) for row in unanswered])
    set_batch(connection, batch, state=state, message=message)
    return unanswered


def in_flight(connection: Connection) -> int:
    """Calls that are on their way now, in this or another process or in a batch."""
    return connection.execute(select(func.count()).where(ledger_calls.c.state == IN_FLIGHT)).scalar_one()


def calls_by_key(connection: Connection, prefix: str) -> list[Row]:
    """Calls with an answer or a failure whose key begins with `prefix`, two at most."""
    alike = ledger_calls.c.key.startswith(prefix, autoescape=True)
    query = select(ledger_calls).where(alike, _replied()).limit(2)
    return [dict(row) for row in connection.execute(query).mappings()]


def replied_calls(connection: Connection) -> Iterator[Row]:
    """Calls with an answer or a failure, oldest first."""
    query = select(ledger_calls).where(_replied()).order_by(ledger_calls.c.recorded_at, ledger_calls.c.key)
    for row in connection.execute(query, execution_options={"yield_per": 200}).mappings():
        yield dict(row)


def newest_useless(connection: Connection, tasks: Sequence[str], trait_levels: Sequence[str]) -> Row | None:
    """The newest call for one of these tasks that failed or whose reply was of no use; not one that was read
    and turned down, which has no request to ask again."""
    table = ledger_calls
    unread = (table.c.outcome == "rejected") & table.c.request.is_not(None)
    useless = (table.c.state == FAILED) | (table.c.outcome == "retried") | unread
    mine = table.c.task.in_(tasks) & table.c.trait_level.in_(trait_levels)
    query = select(table).where(mine, useless, _replied()).order_by(table.c.recorded_at.desc()).limit(1)
    row = connection.execute(query).mappings().first()
    return None if row is None else dict(row)


def _replied() -> ColumnElement[bool]:
    own = func.coalesce(ledger_calls.c.outcome, "") != SHARE
    return (ledger_calls.c.state != IN_FLIGHT) & own
