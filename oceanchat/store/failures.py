"""Explain a database's errors in one line.

What the database says, without any password in it, and what to do about it.
"""

import re
from typing import Any

from sqlalchemy.engine import URL

from oceanchat.errors import StoreError
from oceanchat.store.address import secrets_of, without_password

DAMAGE = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)
"""What reading a row raises whose text is not what was stored: no JSON, no record, no number."""
_HINTS = (
    (
        r"malformed|not a database|could not decode|unable to open database file"
        r"|corrupt|invalid page|unsupported file format|no such (table|column)",
        "the file is damaged: restore a copy (`oceanchat backup` makes them)",
    ),
    (
        r"disk is full|no space left|could not extend|disk I/O error",
        "make room on the disk, or mend it, then run the same command again; what is stored is kept",
    ),
    (
        r"readonly|read-only",
        "it is read-only: copy it to where you may write, or name another with --store",
    ),
    (
        r"no password supplied|password authentication failed",
        "put the password of that user into PGPASSWORD or ~/.pgpass",
    ),
    (
        r'^.*database "[^"]*" does not exist',
        "have it made by who may: CREATE DATABASE name OWNER user",
    ),
    (r"connection refused", "check its host and port, and that the server runs"),
    (r"permission denied", "ask its owner for the right to do this, or name another with --store"),
    (r"is locked", "another process holds it: wait for that to end, then run the same command again"),
)


def explained(error: BaseException, name: str, address: URL) -> StoreError:
    """The one line for what went wrong with the store that is shown as `name`."""
    text = first_line(error, address)
    hint = next((hint for pattern, hint in _HINTS if re.search(pattern, text, re.IGNORECASE)), "")
    return StoreError(f"store '{name}' cannot be used: {text}{'; ' + hint if hint else ''}")


def damaged(error: BaseException, name: str) -> StoreError:
    """The one line for a row that cannot be read."""
    lines = " ".join(str(error).split())[:120]
    return StoreError(
        f"store '{name}' holds a row that cannot be read ({type(error).__name__}: {lines}); the store is"
        " damaged: restore a copy (`oceanchat backup` makes them)"
    )


def first_line(error: BaseException, address: URL) -> str:
    """What the database says, without a password."""
    origin: Any = getattr(error, "orig", None) or error
    lines = str(origin).strip().splitlines() or [type(origin).__name__]
    text = lines[0]
    for secret in secrets_of(address):
        text = text.replace(secret, "***")
    return without_password(text)
