"""Read columns that damage may have changed.

SQLite stores any value in any column; what is not of the right kind raises ValueError or TypeError.
"""

import json
from typing import Any

LATEST = 1e11
"""Seconds since 1970 that no clock of ours has shown."""


def moment(value: float) -> float:
    """A time in seconds since 1970."""
    seconds = float(value)
    if not 0 <= seconds < LATEST:
        raise ValueError(f"'{value}' is no time")
    return seconds


def json_object(text: str, *names: str) -> dict[str, Any]:
    """The object in a JSON column, which holds all `names`. Raises ValueError for another: the row was
    damaged."""
    value = json.loads(text)
    if not isinstance(value, dict):
        raise ValueError(f"'{text[:40]}' is not a JSON object")
    if missing := set(names) - value.keys():
        raise ValueError(f"'{text[:40]}' lacks '{min(missing)}'")
    return value
