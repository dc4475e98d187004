"""Batches that are with a provider.

A batch is on record before and after it is submitted. It belongs to the run that follows it; when that run
has ended another one may take it over. Functions take a connection; the caller decides when to commit.
"""

import time
from typing import Any

from sqlalchemy import Column, Connection, Float, Integer, String, Table, Text, insert, select, update

from oceanchat.store.ledger_runs import living_runs
from oceanchat.store.schema import metadata

PREPARING, SUBMITTED = "preparing", "submitted"
"""A batch's states while it may still bring answers; the others are the provider's own words or ours."""

ledger_batches = Table(
    "ledger_batches",
    metadata,
    Column("batch", String(32), primary_key=True),
    Column("remote_id", Text),
    Column("endpoint", Text, nullable=False),
    Column("model", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("requests", Integer, nullable=False),
    Column("answered", Integer, nullable=False),
    Column("message", Text),
    Column("run", String(32), nullable=False),
    Column("created_at", Float, nullable=False),
    Column("changed_at", Float, nullable=False),
)
"""`batch` is our id, sent along as metadata; `remote_id` is the provider's, null until it is known. `run` is
who follows it."""

UNFINISHED = ledger_batches.c.state.in_((PREPARING, SUBMITTED))
"""The batches that may still bring answers."""

BatchRow = dict[str, Any]


def add_batch(connection: Connection, row: BatchRow) -> None:
    """Put a batch on record before it is submitted."""
    connection.execute(insert(ledger_batches), row)


def set_batch(connection: Connection, batch: str, **values: Any) -> None:
    """Change what is known of a batch."""
    changed = update(ledger_batches).where(ledger_batches.c.batch == batch)
    connection.execute(changed.values(changed_at=time.time(), **values))


def batches(connection: Connection, endpoint: str | None = None, unfinished: bool = False) -> list[BatchRow]:
    """Batches, oldest first: all, those of one endpoint, those that may still bring answers."""
    wanted = select(ledger_batches).order_by(ledger_batches.c.created_at)
    if endpoint is not None:
        wanted = wanted.where(ledger_batches.c.endpoint == endpoint)
    if unfinished:
        wanted = wanted.where(UNFINISHED)
    return [dict(row) for row in connection.execute(wanted).mappings()]


def take_over(connection: Connection, endpoint: str, run: str) -> list[BatchRow]:
    """Give `run` the unfinished batches of an endpoint that no living run follows; these, as they were."""
    left = [
        row
        for row in batches(connection, endpoint, unfinished=True)
        if row["run"] not in living_runs(connection)
    ]
    return [row for row in left if _taken(connection, row, run)]


def _taken(connection: Connection, row: BatchRow, run: str) -> bool:
    """Whether nobody else has taken it over meanwhile."""
    same = (ledger_batches.c.batch == row["batch"]) & (ledger_batches.c.run == row["run"])
    return bool(connection.execute(update(ledger_batches).where(same).values(run=run)).rowcount)
