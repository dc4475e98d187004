"""What passes is waited for, what lasts is said."""

import sqlite3

import psycopg
import pytest
from sqlalchemy.exc import DBAPIError, OperationalError, ProgrammingError

from oceanchat.store.outages import is_passing


def with_state(kind: type[psycopg.Error]) -> DBAPIError:
    return OperationalError("select 1", {}, kind("server said so"))


@pytest.mark.parametrize(
    ("error", "passing"),
    [
        (with_state(psycopg.errors.AdminShutdown), True),
        (with_state(psycopg.errors.CannotConnectNow), True),
        (with_state(psycopg.errors.DeadlockDetected), True),
        (with_state(psycopg.errors.TooManyConnections), True),
        (with_state(psycopg.errors.DatabaseDropped), False),
        (with_state(psycopg.errors.DiskFull), False),
        (with_state(psycopg.OperationalError), True),  # connection refused: the server has no word for it
        (ProgrammingError("x", {}, psycopg.errors.UndefinedTable("no such table")), False),
        (OperationalError("x", {}, sqlite3.OperationalError("database is locked")), True),
        (OperationalError("x", {}, sqlite3.OperationalError("database or disk is full")), False),
        (OperationalError("x", {}, sqlite3.OperationalError("no such table: x")), False),
        (ValueError("ours"), False),
    ],
)
def test_a_trouble_passes_or_lasts(error: Exception, passing: bool) -> None:
    assert is_passing(error) == passing
