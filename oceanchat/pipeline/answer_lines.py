"""Read the lines of files with answers.

The format is that of batch results, which providers, `vllm run-batch` and many scripts write. A line that is
none says why.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from oceanchat.llm.endpoint.batch_lines import ResultLine, read_line
from oceanchat.nesting import OutOfBounds, check_depth
from oceanchat.records import storable

_BOM = b"\xef\xbb\xbf"
_VERSION = re.compile(r"[-@]\d{4}(-?\d\d-?\d\d)?|:latest")
"""What stands behind a model's name where its maker names the version that answered."""

PIECE = "not a whole result on one line"
"""What is said of a line of JSON that is laid out over several lines, and of any other text."""


class Line(NamedTuple):
    """A line of a file."""

    text: bytes
    position: str
    """Such as "line 3 of 'results.jsonl'"."""


class Unreadable(NamedTuple):
    """A line that holds no result."""

    reason: str
    """In a few words."""


def lines_of(path: Path) -> Iterator[Line]:
    """The lines of a file that are not blank. Raises OSError."""
    with path.open("rb") as file:
        for number, text in enumerate(file, 1):
            if stripped := text.removeprefix(_BOM).strip():
                yield Line(stripped, f"line {number:,} of '{path.name}'")


def read_result(text: bytes) -> ResultLine | Unreadable:
    """A line's result, or why it is none."""
    try:
        decoded = text.decode()
    except UnicodeDecodeError:
        return Unreadable("not UTF-8")
    result = read_line(decoded)
    if result is None:
        return Unreadable(_why_none(decoded))
    if result.status is None and _is_request(decoded):
        return Unreadable("a request, not its result")
    return result._replace(key=storable(result.key))


def _why_none(text: str) -> str:
    """Why a line holds no result."""
    try:
        value = json.loads(text)
        check_depth(value)
    except (OutOfBounds, RecursionError):
        return "nested too deeply"
    except json.JSONDecodeError as error:
        if not text.startswith("{") or len(text) == 1:
            return PIECE
        if error.msg != "Extra data":
            return "torn"
        return "several results on one line" if text[error.pos :].lstrip().startswith("{") else PIECE
    except ValueError:
        return "a number of too many digits"
    if isinstance(value, dict):
        return "no result with a custom_id"
    return "a list, not one result a line" if isinstance(value, list) and value else PIECE


def _is_request(text: str) -> bool:
    line = json.loads(text)
    return "url" in line and "response" not in line


def other_model(result: ResultLine, asked: str) -> str | None:
    """The model that an answer names where it is not the one asked; None where it is, or none is named.

    An owner or a folder in front of a name is left out of account, and so is a version behind it.
    """
    named = result.body.get("model") if isinstance(result.body, dict) else None
    if not isinstance(named, str) or not named:
        return None
    short, asked = _short(named), _short(asked)
    version = short.removeprefix(asked)
    same = short == asked or (version != short and _VERSION.fullmatch(version) is not None)
    return None if same else named


def _short(name: str) -> str:
    return name.rstrip("/").rpartition("/")[2].casefold()
