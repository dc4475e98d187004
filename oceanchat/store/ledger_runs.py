"""Which processes ask, and which still live.

A run holds the claims on what it asks for as long as it lives. It ends by saying so, by its process being
gone (seen from the same machine only), or by its lease running out: a run renews that every few seconds, by
the database's clock.
"""

import os
import socket
import time
from typing import NamedTuple

from sqlalchemy import Column, Connection, Float, Integer, String, Table, Text, func, select, update

from oceanchat.store.schema import metadata
from oceanchat.store.upsert import new_rows

LEASE_SECONDS = 60.0
"""How long a run counts as alive after it last renewed its lease."""
BEAT_SECONDS = 15.0
"""How often it renews it."""

ledger_runs = Table(
    "ledger_runs",
    metadata,
    Column("run", String(32), primary_key=True),
    Column("host", Text, nullable=False),
    Column("pid", Integer, nullable=False),
    Column("started_at", Float, nullable=False),
    Column("lease_until", Float, nullable=False),
    Column("ended_at", Float),
)
"""One row a process that asked; without `ended_at` and with its process gone, it was killed."""


class Asker(NamedTuple):
    """A run that has not said that it ended."""

    run: str
    host: str
    pid: int
    gone: bool
    """Whether its process was on this machine and is no more."""
    lapsed: bool
    """Whether its lease has run out."""

    @property
    def alive(self) -> bool:
        """Whether it may still bring answers."""
        return not self.gone and not self.lapsed

    @property
    def shown(self) -> str:
        """For messages."""
        return f"process {self.pid} on '{self.host.split(' ')[0]}'"


def here() -> str:
    """This machine; process numbers mean the same wherever this text is the same."""
    try:
        return f"{socket.gethostname()} {os.readlink('/proc/self/ns/pid')}"
    except OSError:
        return socket.gethostname()


def start_run(connection: Connection, run: str) -> None:
    """Put the process that asks on record."""
    now = clock(connection)
    row = {"run": run, "host": here(), "pid": os.getpid(), "started_at": now}
    connection.execute(new_rows(connection, ledger_runs), row | {"lease_until": now + LEASE_SECONDS})


def renew_run(connection: Connection, run: str) -> None:
    """The process is still there."""
    until = clock(connection) + LEASE_SECONDS
    connection.execute(update(ledger_runs).where(ledger_runs.c.run == run).values(lease_until=until))


def end_run(connection: Connection, run: str) -> None:
    """The process leaves with nothing in flight."""
    connection.execute(update(ledger_runs).where(ledger_runs.c.run == run).values(ended_at=time.time()))


def askers(connection: Connection) -> dict[str, Asker]:
    """The runs that have not said that they ended, by id."""
    now, machine = clock(connection), here()
    rows = connection.execute(select(ledger_runs).where(ledger_runs.c.ended_at.is_(None))).all()
    return {
        row.run: Asker(
            row.run,
            row.host,
            row.pid,
            gone=row.host == machine and not _is_running(row.pid),
            lapsed=row.lease_until < now,
        )
        for row in rows
    }


def living_runs(connection: Connection) -> set[str]:
    """The runs that may still bring answers."""
    return {asker.run for asker in askers(connection).values() if asker.alive}


def clock(connection: Connection) -> float:
    """Epoch seconds by the clock that all who use this database share."""
    if connection.dialect.name != "postgresql":
        return time.time()
    return float(connection.execute(select(func.extract("epoch", func.clock_timestamp()))).scalar_one())


def _is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
