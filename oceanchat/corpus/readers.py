"""Read a corpus's raw rows from any source.

CSV, JSONL, .txt, Parquet or a Hub dataset give one dictionary per row. Rows are streamed and never held.
Text is decoded byte by byte: UTF-8 where the bytes are UTF-8, cp1252 where they are not, latin-1 for the few
that cp1252 leaves out. Knows nothing of traits or of what makes an essay junk.
"""

import codecs
import csv
import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NoReturn

from oceanchat.errors import CorpusError, RecordError
from oceanchat.hub.reading import read_dataset
from oceanchat.parquet import read_parquet

Row = dict[str, Any]
"""Column name in lower case without `#` -> value as found. A row that cannot be parsed is empty."""

TEXT_COLUMNS = ("text", "essay")

MAX_TEXT_BYTES = 4_000_000
"""Bytes above which a .txt file is no essay and is not read."""

_FILES = (".csv", ".tsv", ".jsonl", ".json", ".txt", ".parquet")
_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")
_ESCAPED = re.compile("[\udc80-\udcff]")
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_CONTROL = bytes(set(range(32)) - set(b"\t\n\x0b\f\r")) + b"\x7f"
_PROBE = 4096


def rows_of(source: str) -> Iterator[Row]:
    """The rows of a file, a folder of .txt files, or the Hub dataset OWNER/NAME.

    Raises CorpusError when nothing of that name can be read, and HubError from the Hub.
    """
    path = Path(source)
    try:
        if path.is_dir():
            return _folder_rows(path)
        if path.is_file():
            return _file_rows(path)
        if path.exists():
            refuse(path, "is neither a file nor a folder; give a .csv, .jsonl or .parquet file")
    except OSError as error:
        refuse(path, f"cannot be opened: {error.strerror}; check the name")
    if _HUB_ID.fullmatch(source) and path.suffix.lower() not in _FILES:
        return map(_named, read_dataset(source))
    refuse(
        path,
        "does not exist; give a .csv, .jsonl or .parquet file, a folder of .txt, or OWNER/NAME on the Hub",
    )


def refuse(source: Path | str, why: str) -> NoReturn:
    """Raise CorpusError with one printable line, whatever the name or the file holds."""
    name = str(source) if len(str(source)) <= 200 else f"{str(source)[:200]}..."
    line = f"corpus '{name}' {why}"
    raise CorpusError("".join(char if char.isprintable() else " " for char in line))


def _file_rows(path: Path) -> Iterator[Row]:
    match path.suffix.lower():
        case ".csv" | ".tsv":
            return _csv_rows(path)
        case ".jsonl" | ".json":
            return _json_rows(path)
        case ".txt":
            return iter([_text_file(path.parent, path)])
        case ".parquet":
            return _parquet_rows(path)
        case suffix:
            kind = f"unknown kind '{suffix}'" if suffix else "unknown kind"
            refuse(path, f"is a file of {kind}; give .csv, .jsonl, .parquet or a folder of .txt files")


def _folder_rows(folder: Path) -> Iterator[Row]:
    files = sorted(path for path in folder.rglob("*.txt") if path.is_file())
    if not files:
        refuse(
            folder,
            "is a folder without .txt files; give one text file an essay, or a .csv, .jsonl or .parquet",
        )
    return (_text_file(folder, path) for path in files)


def _text_file(folder: Path, path: Path) -> Row:
    try:
        if _is_binary(path) or path.stat().st_size > MAX_TEXT_BYTES:
            return {}
        return {"id": path.relative_to(folder).as_posix(), "author": path.stem, "text": "".join(_lines(path))}
    except OSError as error:
        refuse(path, f"cannot be read: {error.strerror}; check its permissions")


def _csv_rows(path: Path) -> Iterator[Row]:
    lines = _checked_lines(path)
    first = next(lines, "")
    delimiter = max(",;\t", key=first.count)
    reader = csv.reader(_rejoined(first, lines), delimiter=delimiter)
    try:
        header = [_column(name) for name in next(reader, [])]
        if not set(header) & set(TEXT_COLUMNS):
            named = ", ".join(header)[:80] or "none"
            refuse(path, f"has no column 'TEXT' (its columns: {named}); name the column with the essays TEXT")
        for cells in filter(None, reader):
            yield dict(zip(header, cells, strict=True)) if len(cells) == len(header) else {}
    except csv.Error as error:
        limit = csv.field_size_limit()
        why = f"a field of over {limit} characters" if "field larger" in str(error) else str(error)
        refuse(
            path, f"cannot be read at line {reader.line_num}: {why}; a quotation mark may be left open there"
        )


def _json_rows(path: Path) -> Iterator[Row]:
    for line in _checked_lines(path):
        if line.strip():
            try:
                row = json.loads(line)
            except (ValueError, RecursionError):
                row = None
            yield _named(row) if isinstance(row, dict) else {}


def _parquet_rows(path: Path) -> Iterator[Row]:
    try:
        yield from map(_named, read_parquet(path))
    except RecordError as error:
        refuse(path, f"is no readable Parquet file ({error}); write it again, or use CSV or JSONL")


def _named(row: dict[str, Any]) -> Row:
    return {_column(name): value for name, value in row.items()}


def _column(name: str) -> str:
    return str(name).strip().lstrip("#").strip().casefold()


def _rejoined(first: str, rest: Iterable[str]) -> Iterator[str]:
    yield first
    yield from rest


def _checked_lines(path: Path) -> Iterator[str]:
    """The lines of a file that is not empty and not binary."""
    try:
        if path.stat().st_size == 0:
            refuse(path, "is empty; give a file with essays")
        if _is_binary(path):
            refuse(path, "is a binary file; give text, or a .parquet file under that name")
        yield from _lines(path)
    except OSError as error:
        refuse(path, f"cannot be read: {error.strerror}; check its permissions")


def _is_binary(path: Path) -> bool:
    with path.open("rb") as file:
        start = file.read(_PROBE)
    if start.startswith(_UTF16):
        return False
    controls = len(start) - len(start.translate(None, _CONTROL))
    return b"\0" in start or controls > len(start) // 20


def _lines(path: Path) -> Iterator[str]:
    """Decoded lines with their ends, the mark of the encoding left out."""
    with path.open("rb") as file:
        utf16 = file.read(2) in _UTF16
    encoding, errors = ("utf-16", "replace") if utf16 else ("utf-8-sig", "surrogateescape")
    with path.open(encoding=encoding, errors=errors, newline="") as file:
        for line in file:
            yield _ESCAPED.sub(_windows, line)


def _windows(escaped: re.Match[str]) -> str:
    """The character a byte that is no UTF-8 stands for."""
    byte = escaped.group().encode("utf-8", "surrogateescape")
    return byte.decode("cp1252", "ignore") or byte.decode("latin-1")
