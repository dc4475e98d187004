"""INSERT statements for rows that may exist."""

from importlib import import_module
from typing import Any

from sqlalchemy import Connection, Table


def upsert(connection: Connection, table: Table) -> Any:
    """An INSERT of the connection's dialect, with on_conflict_do_update and on_conflict_do_nothing."""
    # The engine has loaded its own dialect; the other would cost each command a tenth of a second.
    return import_module(f"sqlalchemy.dialects.{connection.dialect.name}").insert(table)


def new_rows(connection: Connection, table: Table) -> Any:
    """An INSERT that leaves existing rows as they are."""
    return upsert(connection, table).on_conflict_do_nothing()
