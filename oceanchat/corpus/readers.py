"""Read a corpus's raw rows from any source.

CSV, JSON, .txt, Excel, Parquet or a Hub dataset give one dictionary per row. Rows are streamed and, but for
JSON arrays, never held. Knows nothing of traits or of what makes an essay junk.
"""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from oceanchat.corpus.decoding import is_binary, lines
from oceanchat.corpus.delimited import delimited_records
from oceanchat.corpus.json_rows import json_objects
from oceanchat.corpus.rows import MAX_TEXT, BadRow, Row, column_name, refuse
from oceanchat.corpus.tables import IsHeader, table_rows
from oceanchat.corpus.workbooks import workbook_records
from oceanchat.errors import RecordError
from oceanchat.hub.reading import read_dataset
from oceanchat.parquet import read_parquet
from oceanchat.suggestions import did_you_mean

FILE_STEM = "file stem"
"""The column of a .txt file's name without its ending, which may or may not name an author."""

_FILES = (".csv", ".tsv", ".jsonl", ".ndjson", ".json", ".txt", ".xlsx", ".xlsm", ".parquet")
_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")
_KINDS = ".csv, .jsonl, .xlsx or .parquet"


def rows_of(source: str, is_header: IsHeader, missing: str) -> Iterator[Row | BadRow]:
    """The rows of a file, a folder of .txt files, or the Hub dataset OWNER/NAME.

    `is_header` knows the header of a table, `missing` says what a table without one lacks. Raises CorpusError
    when nothing of that name can be read, and HubError from the Hub.
    """
    path = Path(source)
    try:
        if path.is_dir():
            return _folder_rows(path)
        if path.is_file():
            return _file_rows(path, is_header, missing)
        if path.exists():
            refuse(path, f"is neither a file nor a folder; give a {_KINDS} file")
    except OSError as error:
        refuse(path, f"cannot be opened: {error.strerror}; check the name")
    if _HUB_ID.fullmatch(source) and path.suffix.lower() not in _FILES:
        return _named(read_dataset(source))
    advice = f"give a {_KINDS} file, a folder of .txt, or OWNER/NAME on the Hub"
    refuse(path, f"does not exist; {did_you_mean(path.name, _beside(path), advice)}")


def _beside(path: Path) -> list[str]:
    """Names of the files that could have been meant: those in the same folder that can be read."""
    try:
        return [each.name for each in path.parent.iterdir() if each.suffix.lower() in _FILES]
    except OSError:
        return []


def _file_rows(path: Path, is_header: IsHeader, missing: str) -> Iterator[Row | BadRow]:
    match path.suffix.lower():
        case ".csv" | ".tsv":
            return table_rows(delimited_records(path, is_header), path, is_header, missing)
        case ".jsonl" | ".ndjson" | ".json":
            return _named(json_objects(path))
        case ".txt":
            return iter([_text_file(path.parent, path)])
        case ".xlsx" | ".xlsm":
            return table_rows(workbook_records(path, is_header), path, is_header, missing)
        case ".xls":
            refuse(path, "is an Excel file of the old kind; save it as .xlsx, or as CSV UTF-8")
        case ".parquet":
            return _parquet_rows(path)
        case suffix:
            kind = f"unknown kind '{suffix}'" if suffix else "unknown kind"
            refuse(path, f"is a file of {kind}; give {_KINDS} or a folder of .txt files")


def _folder_rows(folder: Path) -> Iterator[Row | BadRow]:
    files = sorted(path for path in folder.rglob("*.txt") if path.is_file())
    if not files:
        refuse(folder, f"is a folder without .txt files; give one text file per essay, or a {_KINDS} file")
    return (_text_file(folder, path) for path in files)


def _text_file(folder: Path, path: Path) -> Row | BadRow:
    name = path.relative_to(folder).as_posix()
    try:
        if is_binary(path) or path.stat().st_size > MAX_TEXT:
            return BadRow(0, f"'{name}' is binary or larger than {MAX_TEXT // 1_000_000} MB")
        return {"id": name, FILE_STEM: path.stem, "text": "".join(lines(path))}
    except OSError as error:
        refuse(path, f"cannot be read: {error.strerror}; check its permissions")


def _parquet_rows(path: Path) -> Iterator[Row | BadRow]:
    try:
        yield from _named(read_parquet(path))
    except RecordError as error:
        refuse(path, f"is not a readable Parquet file ({error}); write it again, or use CSV or JSONL")


def _named(rows: Iterable[dict[str, Any] | BadRow]) -> Iterator[Row | BadRow]:
    for row in rows:
        yield row if isinstance(row, BadRow) else {column_name(name): value for name, value in row.items()}
