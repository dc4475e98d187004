"""Anybody's labels from CSV, Excel or Parquet files.

Columns: item, annotator, value and, if wanted, stratum, in any order and case. Also reads what
`oceanchat export validations` writes: there a `purpose` column tells the labels that count from the repeats,
gold items and adjudications. Every cell is read as text, so that nothing is converted on the way; the values
become numbers only where all of them are.
"""

import csv
import io
import math
import re
import zipfile
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from oceanchat.errors import InputError
from oceanchat.extras import load_optional
from oceanchat.statistics.agreement import Rating
from oceanchat.statistics.coefficients import Value

_COLUMNS = ("item", "annotator", "value")
_OPTIONAL = ("stratum", "purpose")
_MISSING = frozenset({"", "na", "n/a", "#n/a", "nan", "null", "none", "<na>"})
"""Spellings of a value that is not there, in lower case."""
_COUNTED = "label"
"""The purpose of the rows that count, where a file tells purposes apart."""
_MARKS = ((b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
_ENCODINGS = ("utf-8-sig", "cp1252")
"""Encodings without such a mark, in the order they are tried; Latin-1 text reads alike as the last."""
_TOO_LONG = re.compile(r"in line \d+, saw (\d+)")


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
    every = _frame(path)
    frame = every[every["purpose"].isin(("", _COUNTED))]
    _check_rows(frame, path)
    missing = frame["value"].str.lower().isin(_MISSING)
    labels = frame[~missing]
    if labels.empty:
        raise InputError(f"label file '{path}' has no label ({len(every)} rows); write one a row")
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
    return [f"{spellings.total()} rows read as missing labels ({listed}){advice}"]


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


def _check_rows(frame: pd.DataFrame, path: Path) -> None:
    """Raise InputError for a row without item or annotator, or with a label that another row has too."""
    unit = frame.index.name
    for number, item, annotator in zip(frame.index, frame["item"], frame["annotator"], strict=True):
        if not item or not annotator:
            raise InputError(f"label file '{path}' {unit} {number} has no item or no annotator; fill both")
    twice = frame.duplicated(["item", "annotator"])
    if twice.any():
        number = twice.idxmax()
        item, annotator = frame.loc[number, ["item", "annotator"]]
        first = frame.index[(frame["item"] == item) & (frame["annotator"] == annotator)][0]
        raise InputError(
            f"label file '{path}' has two labels of annotator '{annotator}' on item '{item}' "
            f"({unit}s {first} and {number}); keep one"
        )


def _frame(path: Path) -> pd.DataFrame:
    """All rows that are not blank, as stripped text under the known columns; the index is the line or row."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError(f"label file '{path}' cannot be read: {error.strerror or error}") from None
    read = {".xlsx": _excel, ".parquet": _parquet}.get(path.suffix.lower(), _text)
    frame = read(path, data)
    frame = frame[[name for name in (*_COLUMNS, *_OPTIONAL) if name in frame]]
    frame = frame.fillna("").apply(lambda column: column.str.strip())
    return frame.assign(**{name: "" for name in _OPTIONAL if name not in frame})


def _text(path: Path, data: bytes) -> pd.DataFrame:
    text = _decoded(path, data)
    head = text.partition("\n")[0]
    separator = max(",;\t", key=head.count)
    try:
        names = _names(next(csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True), []))
        _check_names(names, path)
        frame = _csv(text, separator, len(names))
    except (csv.Error, pd.errors.ParserError) as error:
        raise InputError(f"label file '{path}' is not valid CSV: {error}") from None
    fields = frame.notna().sum(axis=1).to_numpy()
    frame = frame.fillna("")
    line_breaks = frame.apply(lambda column: column.str.count(r"\r\n|\r|\n")).sum(axis=1)
    frame.index = pd.Index((line_breaks + 1).cumsum(), name="line")
    filled = frame.apply(lambda column: column.str.strip() != "").any(axis=1)
    for line in frame.index[filled & (fields != len(names))]:
        raise InputError(
            f"label file '{path}' line {line} has {fields[frame.index.get_loc(line)]} fields, the header"
            f" {len(names)}; put values that hold the separator in quotes"
        )
    return frame.iloc[:, : len(names)].set_axis(names, axis=1)[filled].iloc[1:]


def _csv(text: str, separator: str, width: int) -> pd.DataFrame:
    """Every record, the header and blank ones included; a field that is not there is NaN."""
    try:
        return pd.read_csv(
            io.StringIO(text, newline=""),
            header=None,
            names=range(width),
            index_col=False,
            sep=separator,
            dtype=str,
            keep_default_na=False,
            skip_blank_lines=False,
            engine="python",  # the strict reader: the fast one mends broken quotes in silence
        )
    except pd.errors.ParserError as error:
        longer = _TOO_LONG.search(str(error))
        if longer is None:
            raise
        return _csv(text, separator, int(longer[1]))  # wide enough to tell in which line the fields are


def _decoded(path: Path, data: bytes) -> str:
    marked = next((encoding for mark, encoding in _MARKS if data.startswith(mark)), None)
    for encoding in _ENCODINGS if marked is None else (marked,):
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" in text:
            break
        return text
    raise InputError(f"label file '{path}' is not text; export it as CSV UTF-8")


def _excel(path: Path, data: bytes) -> pd.DataFrame:
    load_optional("openpyxl", "excel")
    try:
        frame = pd.read_excel(
            io.BytesIO(data), header=None, dtype=str, keep_default_na=False, engine="openpyxl"
        )
    except Exception as error:  # a damaged workbook makes openpyxl raise whatever its parts raise
        reason = "it is not a workbook" if isinstance(error, zipfile.BadZipFile) else type(error).__name__
        raise InputError(f"label file '{path}' cannot be read as Excel ({reason}); save it as CSV") from None
    frame = frame.fillna("")
    names = _names(list(frame.iloc[0]) if len(frame) else [])
    _check_names(names, path)
    frame = frame.set_axis(names, axis=1).iloc[1:]
    frame.index = pd.Index(frame.index + 1, name="row")
    return frame[frame.apply(lambda column: column.str.strip() != "").any(axis=1)]


def _parquet(path: Path, data: bytes) -> pd.DataFrame:
    load_optional("pyarrow", "release")
    try:
        frame = pd.read_parquet(io.BytesIO(data), dtype_backend="pyarrow").astype("string")
    except Exception as error:  # pyarrow raises many kinds for a damaged file
        raise InputError(
            f"label file '{path}' cannot be read as Parquet ({type(error).__name__}); save it as CSV"
        ) from None
    names = _names(list(frame.columns))
    _check_names(names, path)
    frame = frame.set_axis(names, axis=1)
    frame.index = pd.RangeIndex(1, len(frame) + 1, name="row")
    return frame


def _names(cells: Sequence[object]) -> list[str]:
    return [str(cell).strip().lower() for cell in cells]


def _check_names(names: Sequence[str], path: Path) -> None:
    missing = [name for name in _COLUMNS if name not in names]
    if missing:
        raise InputError(
            f"label file '{path}' lacks the column '{missing[0]}' (it has: {', '.join(names) or 'nothing'});"
            " it needs item, annotator, value and, if wanted, stratum"
        )
    twice = next((name for name in names if name and names.count(name) > 1), None)
    if twice is not None:
        raise InputError(f"label file '{path}' has the column '{twice}' twice; rename one")


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) and "_" not in text else None
