"""Text that any store, file and request can hold: no NUL characters and no halves of surrogate pairs."""

import re

_NOT_STORABLE = re.compile("[\x00\ud800-\udfff]")


def storable(text: str) -> str:
    """The text with what neither UTF-8 nor PostgreSQL can hold replaced by U+FFFD."""
    return _NOT_STORABLE.sub("\ufffd", text)
