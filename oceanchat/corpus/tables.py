"""Turn the records of a table into rows.

The header is the first of the first records that names a column we look for. Cells that are missing at a
row's end are empty, empty ones beyond the header are dropped; what fits no better is a bad row.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain, islice
from pathlib import Path
from typing import NamedTuple, TypeVar

from oceanchat.corpus.rows import BadRow, Row, column_name, refuse

T = TypeVar("T")
IsHeader = Callable[[Sequence[object]], bool]
"""Whether the cells of a record are the names of columns."""

HEADER_WITHIN = 10
"""Records among which the header is looked for."""


class TableRecord(NamedTuple):
    """The cells of one row of a table."""

    line: int
    """Where it begins, from 1."""
    cells: Sequence[object]
    loose: bool = False
    """Read from its first line alone, with stray quotation marks; right only if the cells fit the header."""


def table_rows(
    records: Iterable[TableRecord | BadRow], source: Path, is_header: IsHeader, missing: str
) -> Iterator[Row | BadRow]:
    """The rows below the header. Raises CorpusError, with `missing`, when there is no header."""
    left = iter(records)
    above: list[TableRecord | BadRow] = []
    for record in islice(left, HEADER_WITHIN):
        if isinstance(record, TableRecord) and is_header(record.cells):
            return _rows_below(record, left, is_header)
        above.append(record)
    cells = next((record.cells for record in above if isinstance(record, TableRecord)), [])
    named = ", ".join(map(column_name, cells))[:80] or "none"
    refuse(source, f"has no column {missing.format(named=named)}")


def _rows_below(
    header: TableRecord, records: Iterable[TableRecord | BadRow], is_header: IsHeader
) -> Iterator[Row | BadRow]:
    names = _without_empty_end([column_name(_text(cell)) for cell in header.cells])
    needed = next(index for index, name in enumerate(names) if is_header([name])) + 1
    left = iter(records)
    first = list(islice(left, HEADER_WITHIN))
    if _numbered_by_r(first, len(names)):
        names, needed = ["", *names], needed + 1
    for record in chain(first, left):
        if isinstance(record, BadRow):
            yield record
            continue
        cells = list(record.cells)
        beyond = _without_empty_end(cells[len(names) :])
        short = len(names) - len(cells)
        if beyond:
            yield BadRow(record.line, f"{len(names) + len(beyond)} cells where the header has {len(names)}")
        elif len(cells) < needed or (record.loose and short > 0):
            yield BadRow(record.line, f"{len(cells)} cells where the header has {len(names)}")
        else:
            row: Row = {}
            for name, cell in zip(names, cells + [""] * short, strict=False):
                row.setdefault(name, cell)  # of columns with one name the first counts
            yield row


def _numbered_by_r(records: Sequence[TableRecord | BadRow], width: int) -> bool:
    """Whether rows begin with a number that the header does not name, as R's write.table leaves them."""
    rows = [record.cells for record in records if isinstance(record, TableRecord)]
    return bool(rows) and all(
        len(cells) == width + 1 and _text(cells[0]) == str(number) for number, cells in enumerate(rows, 1)
    )


def _text(cell: object) -> str:
    return "" if cell is None else str(cell)


def _without_empty_end(cells: Sequence[T]) -> list[T]:
    last = max((index for index, cell in enumerate(cells) if _text(cell).strip()), default=-1)
    return list(cells[: last + 1])
