"""Engines on SQLite and PostgreSQL.

How connections are set up and transactions begin; what is in the database it does not know.
"""

import logging
import sqlite3
from pathlib import Path

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL
from sqlalchemy.pool import QueuePool

from oceanchat.store.address import has_journal


def open_engine(address: URL) -> Engine:
    """An engine that reads and writes."""
    if address.get_backend_name() != "sqlite":
        # The driver's own words about a connection that breaks would reach the terminal; ours come as errors.
        logging.getLogger("psycopg").addHandler(logging.NullHandler())
        return create_engine(address, pool_pre_ping=True, pool_size=10, max_overflow=20, hide_parameters=True)
    engine = create_engine(
        address, connect_args={"timeout": 60, "check_same_thread": False}, hide_parameters=True
    )

    @event.listens_for(engine, "connect")
    def _configure(connection: sqlite3.Connection, _: object) -> None:
        connection.isolation_level = None
        try:
            for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=60000"):
                connection.execute(f"PRAGMA {pragma}")
        except sqlite3.Error:
            connection.close()  # The pool has not taken it yet.
            raise

    _begin_as_asked(engine)
    return engine


def reading_engine(path: Path) -> Engine:
    """An engine on a file that cannot be written, nor anything beside it.

    Where all rows are in the file itself, SQLite must be told that nobody changes it, or it tries to lock it.
    """
    uri = f"{path.absolute().as_uri()}?{'mode=ro' if has_journal(path) else 'immutable=1'}"

    def connect() -> sqlite3.Connection:
        return sqlite3.connect(uri, uri=True, timeout=60, check_same_thread=False, isolation_level=None)

    engine = create_engine("sqlite://", creator=connect, poolclass=QueuePool, hide_parameters=True)
    _begin_as_asked(engine)
    return engine


def _begin_as_asked(engine: Engine) -> None:
    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        # A read that turns into a write fails under WAL when another wrote in between, so writes lock at
        # once.
        connection.exec_driver_sql(f"BEGIN {connection.get_execution_options().get('begin', 'IMMEDIATE')}")
