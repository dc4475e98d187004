"""Tell a passing trouble from a lasting one.

A database that restarts, drops a connection or is locked comes back: whoever can do its work again waits for
it.
"""

from typing import Any

from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError

PATIENCE_SECONDS = 600.0
"""How long a database that went away is waited for."""
_PASSING_CLASSES = ("08", "40", "53", "57")
"""SQLSTATE classes: connection, rollback (deadlocks), resources, operator (shutdown, starting up)."""
_LASTING = ("57P04", "53100")
"""The database was dropped; the disk is full."""


def is_passing(error: BaseException) -> bool:
    """Whether the same work may succeed a little later."""
    if not isinstance(error, DBAPIError):
        return False
    origin: Any = error.orig
    state = getattr(origin, "sqlstate", None)
    if state is not None:
        return state not in _LASTING and state[:2] in _PASSING_CLASSES
    if error.connection_invalidated:
        return True
    if type(origin).__module__.startswith("sqlite3"):
        return isinstance(error, OperationalError) and "locked" in str(origin)
    return isinstance(error, OperationalError | InterfaceError)
