"""Mapped rows are what was written, and leave no file behind."""

from pathlib import Path

import pyarrow
import pytest

from preact.dialogues.mapped import ROWS_AT_ONCE, MappedRows

SCHEMA = pyarrow.schema([("number", pyarrow.int64()), ("words", pyarrow.list_(pyarrow.string()))])


@pytest.mark.parametrize("count", [0, 1, ROWS_AT_ONCE, 2 * ROWS_AT_ONCE + 1])
def test_rows_are_read_by_number(count: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    rows = [{"number": number, "words": [str(number)] * (number % 3)} for number in range(count)]
    mapped = MappedRows(SCHEMA, iter(rows), lambda row: (row["number"], row["words"]))
    assert len(mapped) == count and list(tmp_path.iterdir()) == []
    for number in {0, count // 2, count - 1} - {-1} if count else ():
        assert mapped.read(number) == (number, [str(number)] * (number % 3))


def test_what_ends_the_reading_leaves_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with pytest.raises(ZeroDivisionError):
        MappedRows(SCHEMA, ({"number": 1 // n, "words": []} for n in (1, 0)), dict)
    assert list(tmp_path.iterdir()) == []
