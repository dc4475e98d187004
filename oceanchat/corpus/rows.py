"""Define the raw rows of a corpus.

What every reader yields, and how a source is refused. Knows neither files nor essays.
"""

import re
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

from oceanchat.errors import CorpusError

Row = dict[str, Any]
"""Column name in lower case without `#` -> value as read."""

MAX_TEXT = 4_000_000
"""Characters of a cell, or bytes of a .txt file, above which it is no essay."""

_REST = re.compile(r"[\W_]+")


class BadRow(NamedTuple):
    """A row that cannot be parsed."""

    line: int
    """Counted from 1; 0 where the row is a file."""
    why: str

    def __str__(self) -> str:
        return f"at line {self.line}: {self.why}" if self.line else self.why


def column_name(name: object) -> str:
    """A column's name as rows carry it."""
    return str(name).strip().lstrip("#").strip().casefold()


def squeezed(name: str) -> str:
    """A name without case, spaces, hyphens and underscores: `Author ID` and `author_id` are one."""
    return _REST.sub("", name.casefold())


def refuse(source: Path | str, why: str) -> NoReturn:
    """Raise CorpusError with one printable line, whatever the name or the file holds."""
    name = str(source) if len(str(source)) <= 200 else f"{str(source)[:200]}..."
    line = f"corpus '{name}' {why}"
    raise CorpusError("".join(char if char.isprintable() else " " for char in line))
