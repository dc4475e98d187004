"""Read tables of text from files.

They are CSV, Excel or Parquet. Every cell is read as text, so that nothing is converted on the way. What the
columns mean is not known here.
"""

import csv
import io
import re
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from oceanchat.errors import InputError
from oceanchat.extras import load_optional

MISSING = frozenset({"", "na", "n/a", "#n/a", "nan", "null", "none", "<na>"})
"""Spellings of a value that is not there, in lower case."""
_MARKS = ((b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
_ENCODINGS = ("utf-8-sig", "cp1252")
"""Encodings without such a mark, in the order they are tried; Latin-1 text reads alike as the last."""
_SHOWN = 400
"""Characters of a list of columns that a message shows."""
_TOO_LONG = re.compile(r"in line \d+, saw (\d+)")


class TableForm(NamedTuple):
    """What a table must have, in words for the messages about it."""

    what: str
    """What the file is called, such as 'label file'."""
    columns: tuple[str, ...]
    """The columns it must have, in lower case."""
    needs: str
    """What it needs, as the end of a sentence: 'it needs item, annotator and value'."""


def read_text_table(path: Path, form: TableForm) -> pd.DataFrame:
    """All rows that are not blank, as stripped text; columns in lower case, the index is the line or row.

    Raises InputError where the file cannot be read, lacks one of the form's columns or has a column twice,
    and ConfigError where its format needs a package that is not installed.
    """
    try:
        data = path.read_bytes()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise InputError(f"{form.what} '{path}' cannot be read: {reason}") from None
    read = {".xlsx": _excel, ".parquet": _parquet}.get(path.suffix.lower(), _text)
    frame = read(path, data, form)
    return frame.fillna("").apply(lambda column: column.str.strip())


def _text(path: Path, data: bytes, form: TableForm) -> pd.DataFrame:
    text = _decoded(path, data, form)
    if text.lstrip().startswith(("[", "{")):
        raise InputError(f"{form.what} '{path}' is JSON; export it as CSV: {form.needs}")
    head = text.partition("\n")[0]
    separator = max(",;\t", key=head.count)
    try:
        names = _names(next(csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True), []))
        _check_names(names, path, form)
        frame = _csv(text, separator, len(names))
    except (csv.Error, pd.errors.ParserError) as error:
        raise InputError(f"{form.what} '{path}' is not valid CSV: {error}") from None
    fields = frame.notna().sum(axis=1).to_numpy()
    frame = frame.fillna("")
    line_breaks = frame.apply(lambda column: column.str.count(r"\r\n|\r|\n")).sum(axis=1)
    frame.index = pd.Index((line_breaks + 1).cumsum(), name="line")
    filled = frame.apply(lambda column: column.str.strip() != "").any(axis=1)
    for line in frame.index[filled & (fields != len(names))]:
        raise InputError(
            f"{form.what} '{path}' line {line} has {fields[frame.index.get_loc(line)]} fields, the header"
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


def _decoded(path: Path, data: bytes, form: TableForm) -> str:
    marked = next((encoding for mark, encoding in _MARKS if data.startswith(mark)), None)
    for encoding in _ENCODINGS if marked is None else (marked,):
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" in text:
            break
        return text
    raise InputError(f"{form.what} '{path}' is not text; export it as CSV UTF-8")


def _excel(path: Path, data: bytes, form: TableForm) -> pd.DataFrame:
    load_optional("openpyxl", "excel")
    try:
        frame = pd.read_excel(
            io.BytesIO(data), header=None, dtype=str, keep_default_na=False, engine="openpyxl"
        )
    except Exception as error:  # a damaged workbook makes openpyxl raise whatever its parts raise
        reason = "it is not a workbook" if isinstance(error, zipfile.BadZipFile) else type(error).__name__
        raise InputError(f"{form.what} '{path}' cannot be read as Excel ({reason}); save it as CSV") from None
    frame = frame.fillna("")
    names = _names(list(frame.iloc[0]) if len(frame) else [])
    _check_names(names, path, form)
    frame = frame.set_axis(names, axis=1).iloc[1:]
    frame.index = pd.Index(frame.index + 1, name="row")
    return frame[frame.apply(lambda column: column.str.strip() != "").any(axis=1)]


def _parquet(path: Path, data: bytes, form: TableForm) -> pd.DataFrame:
    load_optional("pyarrow", "release")
    try:
        frame = pd.read_parquet(io.BytesIO(data), dtype_backend="pyarrow").astype("string")
    except Exception as error:  # pyarrow raises many kinds for a damaged file
        raise InputError(
            f"{form.what} '{path}' cannot be read as Parquet ({type(error).__name__}); save it as CSV"
        ) from None
    names = _names(list(frame.columns))
    _check_names(names, path, form)
    frame = frame.set_axis(names, axis=1)
    frame.index = pd.RangeIndex(1, len(frame) + 1, name="row")
    return frame


def columns_listed(names: Sequence[object]) -> str:
    """The columns of a table for a message; of a line that is no header, only its beginning."""
    every = ", ".join(map(str, names)) or "nothing"
    return every if len(every) <= _SHOWN else f"{every[:_SHOWN]} ..."


def _names(cells: Sequence[object]) -> list[str]:
    return [str(cell).strip().lower() for cell in cells]


def _check_names(names: Sequence[str], path: Path, form: TableForm) -> None:
    missing = [name for name in form.columns if name not in names]
    if missing:
        columns = columns_listed(names)
        raise InputError(
            f"{form.what} '{path}' lacks the column '{missing[0]}' (it has: {columns}); {form.needs}"
        )
    twice = next((name for name in names if name and names.count(name) > 1), None)
    if twice is not None:
        raise InputError(f"{form.what} '{path}' has the column '{twice}' twice; rename one")
