"""Parse JSON and TOML within bounds.

Whoever writes a file or a request can nest it so deeply that reading it, or walking what was read,
exhausts Python's stack, and can write whole numbers that no float or database holds. Nothing of ours does, so
such text is refused as any other wrong one is.
"""

import json
import tomllib
from collections.abc import Iterator
from typing import Any

DEEPEST = 60
"""Objects and lists inside one another; the deepest of our own files has 8."""
LARGEST = 2**63
"""Whole numbers from here on fit no database."""


class OutOfBounds(ValueError):
    """A text is nested too deeply, or holds too large a number, to be worked with."""


def parse_json(text: str | bytes) -> Any:
    """What a JSON text says. Raises ValueError: OutOfBounds, or json's own."""
    try:
        content = json.loads(text)
    except RecursionError:
        raise _too_deep() from None
    return _checked(content)


def parse_toml(text: str) -> dict[str, Any]:
    """What a TOML text says. Raises ValueError: OutOfBounds, or tomllib's own."""
    try:
        content = tomllib.loads(text)
    except RecursionError:
        raise _too_deep() from None
    _checked(content)
    return content


def check_depth(content: Any) -> None:
    """Raise OutOfBounds where what was parsed is nested too deeply.

    How deep a text Python itself can parse differs from version to version.
    """
    for _ in _levels(content):
        pass


def _checked(content: Any) -> Any:
    """The content itself, once it is seen to be within bounds."""
    for level in _levels(content):
        if any(isinstance(value, int) and not -LARGEST <= value < LARGEST for value in level):
            raise OutOfBounds("it holds a whole number of more than 19 digits")
    return content


def _levels(content: Any) -> Iterator[list[Any]]:
    """The content, then what lies in it, then what lies in that, without recursion."""
    level = [content]
    for _ in range(DEEPEST):
        yield level
        level = [
            inner
            for value in level
            if isinstance(value, dict | list)
            for inner in (value.values() if isinstance(value, dict) else value)
        ]
        if not level:
            return
    raise _too_deep()


def _too_deep() -> OutOfBounds:
    return OutOfBounds(f"it is nested more than {DEEPEST} levels deep")
