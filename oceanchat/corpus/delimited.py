"""Read the records of CSV and TSV files.

The delimiter is the one under which a header appears, or what a `sep=` line names. A record that does not
parse costs itself alone: its later lines are read again as records of their own, so that a quotation mark
left open swallows nothing. Which column holds what is not known here.
"""

import csv
import mmap
import re
from collections import deque
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

from oceanchat.corpus.decoding import checked_lines
from oceanchat.corpus.rows import MAX_TEXT, BadRow, refuse
from oceanchat.corpus.tables import HEADER_WITHIN, IsHeader, TableRecord

_DELIMITERS = ",;\t|"
_SEP = re.compile(r"\"?sep=(.|\\t)\"?\s*", re.IGNORECASE)
_SAMPLE_LINES = 50
_MOST_REPEATED = 400_000_000
"""Characters read again after records that did not parse, above which the file is refused."""
_BACKSLASHED = re.compile(r'\\([\\"])')

csv.field_size_limit(MAX_TEXT)  # the module's own limit of 131,072 refuses all comments of one author


def delimited_records(path: Path, is_header: IsHeader) -> Iterator[TableRecord | BadRow]:
    """The records of a file, the header among them. Raises CorpusError for what is no text."""
    first = next(checked_lines(path), "")
    named = _SEP.fullmatch(first)
    delimiter = named[1].replace("\\t", "\t") if named else _delimiter(path, is_header)
    skipped = 1 if named else 0
    backslashed = _has_backslashed_quotes(path) and (
        _stray(path, delimiter, skipped, backslashed=True)
        < _stray(path, delimiter, skipped, backslashed=False)
    )
    return _open(path, delimiter, skipped, backslashed).records()


def _open(path: Path, delimiter: str, skipped: int, backslashed: bool) -> "_Records":
    lines: Iterable[str] = islice(checked_lines(path), skipped, None)
    if backslashed:
        lines = (_BACKSLASHED.sub(lambda match: '""' if match[1] == '"' else "\\", line) for line in lines)
    return _Records(path, lines, delimiter, skipped)


def _delimiter(path: Path, is_header: IsHeader) -> str:
    """The delimiter under which the first records hold a header, or else the most cells."""
    sample = list(islice(checked_lines(path), _SAMPLE_LINES))

    def evidence(delimiter: str) -> tuple[bool, int]:
        records = list(islice(csv.reader(sample, delimiter=delimiter), HEADER_WITHIN))
        header = next((cells for cells in records if is_header(cells)), None)
        return header is not None, len(header or next(filter(None, records), []))

    try:
        return max(_DELIMITERS, key=evidence)
    except csv.Error:
        return max(_DELIMITERS, key=sample[0].count)


def _has_backslashed_quotes(path: Path) -> bool:
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        return content.find(b'\\"') >= 0 or content.find(b'\\\0"') >= 0


def _stray(path: Path, delimiter: str, skipped: int, *, backslashed: bool) -> int:
    """How many records do not parse."""
    records = _open(path, delimiter, skipped, backslashed).records()
    return sum(isinstance(record, BadRow) or record.loose for record in records)


class _Records:
    """Records of lines, and an iterator over these lines that can go back."""

    def __init__(self, path: Path, lines: Iterable[str], delimiter: str, number: int) -> None:
        self._path = path
        self._lines = iter(lines)
        self._delimiter = delimiter
        self._number = number
        """Lines taken so far."""
        self._returned: deque[str] = deque()
        """Lines to be taken once more."""
        self._taken: list[str] = []
        """Lines of the record that is being read."""
        self._repeated = 0
        """Characters that were returned."""

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._returned.popleft() if self._returned else next(self._lines)
        self._number += 1
        self._taken.append(line)
        return line

    def records(self) -> Iterator[TableRecord | BadRow]:
        """Every record, a broken one by its first line."""
        reader = csv.reader(self, delimiter=self._delimiter, strict=True)
        while True:
            self._taken.clear()
            begin = self._number + 1
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                yield self._broken(begin, str(error))
            else:
                if cells:
                    yield TableRecord(begin, cells)

    def _broken(self, line: int, why: str) -> TableRecord | BadRow:
        """The first line of a record that does not parse, read loosely; the others are returned."""
        alone, *rest = self._taken
        self._returned.extendleft(reversed(rest))
        self._number -= len(rest)
        self._repeated += sum(map(len, rest))
        if self._repeated > _MOST_REPEATED:
            refuse(
                self._path, f"has too many quotation marks left open, such as at line {line}; write it again"
            )
        if "larger than" in why:
            return BadRow(line, f"a cell of over {MAX_TEXT:,} characters, or a quotation mark left open")
        try:
            return TableRecord(line, next(csv.reader([alone], delimiter=self._delimiter), []), loose=True)
        except csv.Error as error:
            return BadRow(line, str(error))
