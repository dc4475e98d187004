"""Read objects from JSON and JSON Lines.

One object per line, or one value over many lines: an array of objects, an object that holds such an array, or
a table as pandas writes it. What the objects mean is not known here.
"""

import json
import re
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

from oceanchat.corpus.decoding import checked_lines
from oceanchat.corpus.rows import BadRow

_DECODER = json.JSONDecoder()
_BETWEEN = re.compile(r"[\s,\ufeff]*")
"""What may stand between two values; commas, because arrays are read value by value."""
_NEXT_OBJECT = re.compile(r"\n(?=[ \t]*\{)")
_WRAPPERS = (
    "data",
    "rows",
    "records",
    "essays",
    "texts",
    "documents",
    "posts",
    "dialogues",
    "dialogs",
    "examples",
)
"""Keys under which a file holds its objects."""


def json_objects(path: Path) -> Iterator[dict[str, Any] | BadRow]:
    """The objects of a file in their order. Raises CorpusError for an empty or binary file."""
    return (row for _, row in numbered_objects(path))


def numbered_objects(path: Path) -> Iterator[tuple[int, dict[str, Any] | BadRow]]:
    """Line and object, for every object of a file. Raises CorpusError for an empty or binary file."""
    lines = ((number, line) for number, line in enumerate(checked_lines(path), 1) if line.strip())
    first = next(lines, None)
    if first is None:
        return iter(())
    line = first[1]
    value = _value(line)
    if isinstance(value, list) or _is_table(value) or (value is None and _goes_on(line)):
        text = "".join(checked_lines(path))
        return _over_lines(text)
    return ((number, _of_line(line, number)) for number, line in chain([first], lines))


def _of_line(line: str, number: int) -> dict[str, Any] | BadRow:
    try:
        return _object(json.loads(line), number)
    except (ValueError, RecursionError):
        return BadRow(number, "not valid JSON; write one object per line, in UTF-8")


def _goes_on(line: str) -> bool:
    """Whether a line is the beginning of a JSON value that later lines may complete."""
    try:
        json.loads(line)
    except json.JSONDecodeError as error:
        return line.lstrip("\ufeff \t")[:1] in ("[", "{") and error.pos >= len(line.rstrip()) - 1
    except RecursionError:
        return False
    return False


def _over_lines(text: str) -> Iterator[tuple[int, dict[str, Any] | BadRow]]:
    """The objects of values that go over many lines, without the parts that are no JSON."""
    counted = at = _after_space(text, 0)
    line = 1 + text.count("\n", 0, at)
    inside = False
    while at < len(text):
        line, counted = line + text.count("\n", counted, at), at
        if text[at] == ("]" if inside else "["):
            inside = not inside
            at = _after_space(text, at + 1)
            continue
        try:
            value, end = _DECODER.raw_decode(text, at)
        except (ValueError, RecursionError):
            yield line, BadRow(line, "not valid JSON")
            resumed = _NEXT_OBJECT.search(text, at)
            end = resumed.end() if resumed else len(text)
        else:
            yield from ((line, element) for element in _objects(value, line))
        at = _after_space(text, end)


def _after_space(text: str, at: int) -> int:
    space = _BETWEEN.match(text, at)
    return space.end() if space else at


def _objects(value: Any, line: int) -> Iterator[dict[str, Any] | BadRow]:
    """The objects that a value stands for."""
    if not _is_table(value):
        yield from (_object(element, line) for element in (value if isinstance(value, list) else [value]))
    elif rows := next((value[key] for key in _WRAPPERS if _is_rows(value.get(key))), None):
        yield from (_inner_row(row) for row in rows)
    elif _is_split(value):
        for cells in value["data"]:
            yield dict(zip(map(str, value["columns"]), cells, strict=False))
    else:
        for key in next(iter(value.values())):
            yield {name: column[key] for name, column in value.items()}


def _inner_row(row: dict[str, Any]) -> dict[str, Any]:
    """The row inside one of the Hub's viewer, which numbers and wraps each."""
    inner = row.get("row")
    return inner if isinstance(inner, dict) else row


def _object(value: Any, line: int) -> dict[str, Any] | BadRow:
    return value if isinstance(value, dict) else BadRow(line, "not a JSON object; write one object per line")


def _value(line: str) -> Any:
    """The value of a line; None where it is no JSON."""
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return None


def _is_table(value: Any) -> bool:
    """Whether an object holds many rows: under a key, or as `DataFrame.to_json` writes them."""
    if not isinstance(value, dict) or not value:
        return False
    return any(_is_rows(value.get(key)) for key in _WRAPPERS) or _is_split(value) or _is_columns(value)


def _is_rows(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(element, dict) for element in value)


def _is_split(value: dict[str, Any]) -> bool:
    columns, data = value.get("columns"), value.get("data")
    return isinstance(columns, list) and isinstance(data, list) and all(isinstance(row, list) for row in data)


def _is_columns(value: dict[str, Any]) -> bool:
    columns = list(value.values())
    if not all(isinstance(column, dict) and column for column in columns):
        return False
    keys = list(columns[0])
    return all(key.isdigit() for key in keys) and all(list(column) == keys for column in columns)
