"""Read the rows of Excel workbooks.

The first sheet that has a header counts. openpyxl is an extra, loaded only where a workbook is read.
"""

import zipfile
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from oceanchat.corpus.rows import refuse
from oceanchat.corpus.tables import HEADER_WITHIN, IsHeader, TableRecord
from oceanchat.extras import load_optional


def workbook_records(path: Path, is_header: IsHeader) -> Iterator[TableRecord]:
    """The records of a workbook's sheet. Raises CorpusError for a file that is no workbook."""
    openpyxl = load_optional("openpyxl", "excel")
    try:
        book = openpyxl.load_workbook(path, read_only=True, data_only=True)
        sheets = book.worksheets
        chosen = next((sheet for sheet in sheets if _has_header(sheet, is_header)), sheets[0])
        yield from _records(chosen)
        book.close()
    except Exception as error:  # a damaged workbook makes openpyxl raise whatever its parts raise
        damaged = isinstance(error, zipfile.BadZipFile | KeyError | IndexError)
        reason = "it is not a workbook" if damaged else type(error).__name__
        refuse(path, f"cannot be read as Excel ({reason}); save it as .xlsx again, or as CSV UTF-8")


def _has_header(sheet: Any, is_header: IsHeader) -> bool:
    return any(is_header(record.cells) for record in islice(_records(sheet), HEADER_WITHIN))


def _records(sheet: Any) -> Iterator[TableRecord]:
    """The rows that hold anything."""
    sheet.reset_dimensions()  # some programs write a size that is too small
    for line, cells in enumerate(sheet.iter_rows(values_only=True), 1):
        if any(cell is not None for cell in cells):
            yield TableRecord(line, cells)
