"""Anybody's labels from files or DataFrames.

The files are CSV, Excel or Parquet. Columns: item, annotator, value and, if wanted, stratum, in any order and
case. Also reads what
`oceanchat export validations` writes: there a `purpose` column tells the labels that count from the repeats,
gold items and adjudications. The values become numbers only where all of them are.
"""

import math
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from oceanchat.counting import counted
from oceanchat.errors import InputError
from oceanchat.statistics.agreement import Rating
from oceanchat.statistics.coefficients import Value
from oceanchat.statistics.text_table import MISSING, TableForm, columns_listed, read_text_table

_COLUMNS = ("item", "annotator", "value")
_OPTIONAL = ("stratum", "purpose")
_FORM = TableForm(
    "label file",
    _COLUMNS,
    "it needs a row for each label, with item, annotator, value and, if wanted, stratum",
)
_COUNTED = "label"
"""The purpose of the rows that count, where a file tells purposes apart."""


class LabelFile(NamedTuple):
    """The labels of a file, and what a reader should know about them."""

    ratings: list[Rating]
    remarks: tuple[str, ...]
    """What was left out or looks like one thing written in two ways; one line each."""


def read_labels(path: Path) -> list[Rating]:
    """The labels of a file; see `read_label_file`."""
    return read_label_file(path).ratings


def read_label_file(path: Path) -> LabelFile:
    """The labels of a file; rows without a value (empty, NA, NaN, None and the like) are missing labels.

    Raises InputError where the file cannot be read, lacks a column, has a label twice or none at all, and
    ConfigError where its format needs a package that is not installed.
    """
    return _labels(_frame(path), f"label file '{path}'")


def labels_of_frame(frame: pd.DataFrame) -> LabelFile:
    """The labels of a DataFrame, read by the same rules as a file's.

    Raises InputError where it lacks a column, has a label twice or none at all.
    """
    name = "DataFrame of labels"
    cells = frame.set_axis([str(column).strip().lower() for column in frame.columns], axis=1)
    missing = [column for column in _COLUMNS if column not in cells]
    if missing:
        columns = columns_listed(list(frame.columns))
        raise InputError(f"{name} lacks the column '{missing[0]}' (it has: {columns}); {_FORM.needs}")
    cells = cells[[column for column in (*_COLUMNS, *_OPTIONAL) if column in cells]]
    texts = cells.astype("string").fillna("").apply(lambda column: column.str.strip())
    texts.index = pd.RangeIndex(1, len(texts) + 1, name="row")
    return _labels(texts.assign(**{column: "" for column in _OPTIONAL if column not in texts}), name)


def _labels(every: pd.DataFrame, name: str) -> LabelFile:
    """The labels among rows of text; `name` is the table's in messages."""
    frame = every[every["purpose"].isin(("", _COUNTED))]
    _check_rows(frame, name)
    missing = frame["value"].str.lower().isin(MISSING)
    labels = frame[~missing]
    if labels.empty:
        raise InputError(f"{name} has no label ({counted(len(every), 'row')}); write one a row")
    values: list[Value] = list(labels["value"])
    numbers = [_number(value) for value in labels["value"]]
    if None not in numbers:
        values = [number for number in numbers if number is not None]
    remarks = [
        *_left_out(every["purpose"]),
        *_read_as_missing(frame.loc[missing, "value"]),
        *_alike(labels["value"], all_numbers=None not in numbers),
    ]
    ratings = list(map(Rating, labels["item"], labels["annotator"], values, labels["stratum"]))
    return LabelFile(ratings, tuple(remarks))


def _left_out(purposes: Iterable[str]) -> list[str]:
    """Rows that a study keeps beside its labels, such as repeats."""
    others = Counter(purpose for purpose in purposes if purpose not in ("", _COUNTED))
    listed = ", ".join(f"{count} '{purpose}'" for purpose, count in sorted(others.items()))
    return [f"rows of another purpose than 'label' left out: {listed}"] if others else []


def _read_as_missing(values: Iterable[str]) -> list[str]:
    """Missing labels; a word among them may have been meant as an answer."""
    spellings = Counter(values)
    if not spellings:
        return []
    listed = ", ".join(
        f"{count} '{value}'" if value else f"{count} empty" for value, count in spellings.items()
    )
    words = any(spellings)
    advice = "; if one of these is an answer, write it in another word" if words else ""
    count = spellings.total()
    return [f"{count} row{'s' * (count != 1)} read as missing label{'s' * (count != 1)} ({listed}){advice}"]


def _alike(values: Iterable[str], *, all_numbers: bool) -> list[str]:
    """Values that differ only in capitals or in how a number is written: likely one answer."""
    same: dict[object, set[str]] = {}
    for value in set(values):
        number = _number(value)
        same.setdefault(value.casefold() if number is None else number, set()).add(value)
    groups = sorted(sorted(group) for group in same.values() if len(group) > 1)
    if not groups:
        return []
    listed = "; ".join(", ".join(f"'{value}'" for value in group) for group in groups)
    if all_numbers:
        return [f"read as the same number: {listed}"]
    return [f"counted as different answers, though they differ only in capitals or number format: {listed}"]


def _check_rows(frame: pd.DataFrame, name: str) -> None:
    """Raise InputError for a row without item or annotator, or with a label that another row has too."""
    unit = frame.index.name
    for number, item, annotator in zip(frame.index, frame["item"], frame["annotator"], strict=True):
        if not item or not annotator:
            raise InputError(f"{name} {unit} {number} has no item or no annotator; fill both")
    twice = frame.duplicated(["item", "annotator"])
    if twice.any():
        number = twice.idxmax()
        item, annotator = frame.loc[number, ["item", "annotator"]]
        first = frame.index[(frame["item"] == item) & (frame["annotator"] == annotator)][0]
        raise InputError(
            f"{name} has two labels of annotator '{annotator}' on item '{item}' "
            f"({unit}s {first} and {number}); keep one"
        )


def _frame(path: Path) -> pd.DataFrame:
    """All rows that are not blank, under the known columns; the index is the line or row."""
    frame = read_text_table(path, _FORM)
    frame = frame[[name for name in (*_COLUMNS, *_OPTIONAL) if name in frame]]
    return frame.assign(**{name: "" for name in _OPTIONAL if name not in frame})


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) and "_" not in text else None
