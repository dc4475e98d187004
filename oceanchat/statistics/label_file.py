"""Read anybody's labels from a CSV file with the columns item, annotator, value and perhaps stratum.

Also reads what `oceanchat export validations` writes: there a `purpose` column tells the labels that count
from the repeats, gold items and adjudications. Numbers stay words when one value is a word.
"""

import csv
import math
from collections.abc import Mapping, Sequence
from pathlib import Path

from oceanchat.errors import InputError
from oceanchat.statistics.agreement import Rating

_COLUMNS = ("item", "annotator", "value")
_MISSING = frozenset({"", "na", "n/a", "nan", "null"})
_COUNTED = "label"
"""The purpose of the rows that count, where a file tells purposes apart."""


def read_labels(path: Path) -> list[Rating]:
    """The labels of a file; rows without a value (empty, NA, NaN, null) are missing labels.

    Raises InputError where the file cannot be read, lacks a column, or has a label twice.
    """
    rows = _rows(path)
    where: dict[tuple[str, str], int] = {}
    kept: list[tuple[str, str, str, str]] = []
    for line, row in rows:
        item, annotator, value = (row[name].strip() for name in _COLUMNS)
        if row.get("purpose", _COUNTED).strip() not in ("", _COUNTED):
            continue
        if not item or not annotator:
            raise InputError(f"label file '{path}' line {line} has no item or no annotator; fill both")
        if (item, annotator) in where:
            raise InputError(
                f"label file '{path}' has two labels of annotator '{annotator}' on item '{item}' "
                f"(lines {where[item, annotator]} and {line}); keep one"
            )
        where[item, annotator] = line
        if value.lower() not in _MISSING:
            kept.append((item, annotator, value, row.get("stratum", "").strip()))
    numbers = [_number(value) for _, _, value, _ in kept]
    scale = [number for number in numbers if number is not None]
    if len(scale) == len(kept):
        return [Rating(i, a, number, s) for (i, a, _, s), number in zip(kept, scale, strict=True)]
    return [Rating(*label) for label in kept]


def _rows(path: Path) -> Sequence[tuple[int, Mapping[str, str]]]:
    """(line number, row) pairs with column names in lower case."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            head = file.readline()
            if "\0" in head:
                raise InputError(f"label file '{path}' is not text; export it as CSV")
            file.seek(0)
            reader = csv.reader(file, delimiter=max(",;\t", key=head.count), strict=True)
            names = [name.strip().lower() for name in next(reader, [])]
            _check_names(names, path)
            rows = []
            for fields in reader:
                if not any(field.strip() for field in fields):
                    continue
                if len(fields) != len(names):
                    raise InputError(
                        f"label file '{path}' line {reader.line_num} has {len(fields)} fields, the header"
                        f" {len(names)}; put values that hold the separator in quotes"
                    )
                rows.append((reader.line_num, dict(zip(names, fields, strict=True))))
            return rows
    except OSError as error:
        raise InputError(f"label file '{path}' cannot be read: {error.strerror or error}") from None
    except UnicodeDecodeError:
        raise InputError(f"label file '{path}' is not UTF-8; save it as CSV UTF-8") from None
    except csv.Error as error:
        raise InputError(f"label file '{path}' is no CSV: {error}") from None


def _check_names(names: Sequence[str], path: Path) -> None:
    missing = [name for name in _COLUMNS if name not in names]
    if missing:
        raise InputError(
            f"label file '{path}' lacks the column '{missing[0]}' (it has: {', '.join(names) or 'nothing'});"
            " it needs item, annotator, value and, if wanted, stratum"
        )
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise InputError(f"label file '{path}' has the column '{twice}' twice; rename one")


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) and "_" not in text else None
