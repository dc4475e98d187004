"""Read JSON objects from text columns."""

import json
from typing import Any


def json_object(text: str) -> dict[str, Any]:
    """The object in a JSON column. Raises ValueError for what is none: the row was damaged."""
    value = json.loads(text)
    if not isinstance(value, dict):
        raise ValueError(f"'{text[:40]}' is not a JSON object")
    return value
