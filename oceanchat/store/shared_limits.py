"""Limits that several processes of one build share.

One row a build: what it may spend, has spent and has in flight at its worst, and when its next request and
its next token may go out. Who changes the row holds its lock until the transaction ends. Knows no prices.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TypeVar

from sqlalchemy import Column, Connection, Float, String, Table, Text, delete, select, update

from oceanchat.store.ledger_runs import clock, living_runs
from oceanchat.store.schema import metadata

T = TypeVar("T")

shared_limits = Table(
    "shared_limits",
    metadata,
    Column("driver", String(32), primary_key=True, comment="run of the process that drives the build"),
    Column("cap", Text, comment="USD; null: none"),
    Column("rpm", Float, comment="requests a minute; null: no limit"),
    Column("tpm", Float, comment="tokens a minute; null: no limit"),
    Column("spent", Text, nullable=False, comment="USD"),
    Column("in_flight", Text, nullable=False, comment="JSON: run -> USD at the worst"),
    Column("request_at", Float, nullable=False, comment="epoch seconds when the next request may go"),
    Column("token_at", Float, nullable=False, comment="epoch seconds when the next token may go"),
)


@dataclass
class SharedLimits:
    """The limits of one build as they stand; amounts in USD, moments in epoch seconds."""

    cap: Decimal | None = None
    rpm: float | None = None
    """Requests a minute at most."""
    tpm: float | None = None
    """Tokens a minute at most."""
    spent: Decimal = Decimal(0)
    in_flight: dict[str, Decimal] = field(default_factory=dict)
    """By run, what it holds: for what it has in flight, and a little ahead. What a killed one held stays
    until it is counted as spent."""
    request_at: float = 0.0
    token_at: float = 0.0


def start(connection: Connection, driver: str, limits: SharedLimits) -> None:
    """Put the limits of a build on record under its driver's run; those of drivers that are gone are
    deleted."""
    left = [run for run in connection.execute(select(shared_limits.c.driver)).scalars()]
    living = living_runs(connection)
    gone = [run for run in left if run not in living]
    connection.execute(delete(shared_limits).where(shared_limits.c.driver.in_(gone)))
    connection.execute(shared_limits.insert(), {"driver": driver, **_columns(limits)})


def end(connection: Connection, driver: str) -> None:
    """Delete the limits of a build that is over."""
    connection.execute(delete(shared_limits).where(shared_limits.c.driver == driver))


def change(connection: Connection, driver: str, work: Callable[[SharedLimits, float], T]) -> T | None:
    """What `work` returns, given the limits and the present moment; the limits are stored as it leaves them.

    None where there are none any more: the driver is gone.
    """
    query = select(shared_limits).where(shared_limits.c.driver == driver).with_for_update()
    row = connection.execute(query).one_or_none()
    if row is None:
        return None
    limits = SharedLimits(
        None if row.cap is None else Decimal(row.cap),
        row.rpm,
        row.tpm,
        Decimal(row.spent),
        {run: Decimal(amount) for run, amount in json.loads(row.in_flight).items()},
        row.request_at,
        row.token_at,
    )
    result = work(limits, clock(connection))
    connection.execute(
        update(shared_limits).where(shared_limits.c.driver == driver).values(**_columns(limits))
    )
    return result


def count_dead_as_spent(connection: Connection, driver: str) -> None:
    """Count as spent, at its worst, what runs that were killed had in flight."""

    def bury(limits: SharedLimits, now: float) -> None:
        living = living_runs(connection)  # looked up under the lock: a run is on record before it reserves
        for run in [run for run in limits.in_flight if run not in living]:
            limits.spent += limits.in_flight.pop(run)

    change(connection, driver, bury)


def _columns(limits: SharedLimits) -> dict[str, str | float | None]:
    return {
        "cap": None if limits.cap is None else str(limits.cap),
        "rpm": limits.rpm,
        "tpm": limits.tpm,
        "spent": str(limits.spent),
        "in_flight": json.dumps({run: str(amount) for run, amount in limits.in_flight.items()}),
        "request_at": limits.request_at,
        "token_at": limits.token_at,
    }
