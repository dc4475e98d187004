"""Rows come back as they were written, and a broken file or a missing package is one line."""

import io
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from oceanchat.errors import ConfigError, RecordError
from oceanchat.parquet import ROWS_AT_ONCE, Kind, read_parquet, write_parquet

ROWS = [{"id": number, "text": f"row {number}", "tags": ["a"] * (number % 3)} for number in range(600)]
KINDS: dict[str, Kind] = {"id": int, "text": str, "tags": [str]}


def test_rows_come_back_in_order_however_many_there_are(tmp_path: Path) -> None:
    assert len(ROWS) > 2 * ROWS_AT_ONCE
    with (tmp_path / "rows.parquet").open("wb") as file:
        write_parquet(ROWS, file, KINDS)
    assert list(read_parquet(tmp_path / "rows.parquet")) == ROWS


@pytest.mark.parametrize("data", [b"", b"PAR1 is not enough PAR1", b"\x00" * 100])
def test_a_file_that_is_no_parquet_is_one_line(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "x.parquet").write_bytes(data)
    with pytest.raises(RecordError) as caught:
        list(read_parquet(tmp_path / "x.parquet"))
    assert str(caught.value) and "\n" not in str(caught.value)


def test_without_pyarrow_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    (tmp_path / "x.parquet").write_bytes(b"")
    with pytest.raises(ConfigError, match=r"'pyarrow'.*'ocean-chat\[release\]'"):
        write_parquet(ROWS, io.BytesIO(), KINDS)
    with pytest.raises(ConfigError, match=r"'pyarrow'.*'ocean-chat\[release\]'"):
        list(read_parquet(tmp_path / "x.parquet"))


def test_columns_have_their_kinds_without_values_too(tmp_path: Path) -> None:
    kinds: dict[str, Kind] = {"free": str, "share": float, "right": bool, "turns": [{"role": str, "n": int}]}
    rows = [{"free": {"a": [1]}, "turns": [{"role": "x"}]}, {"free": None, "share": 1, "turns": []}]
    with (tmp_path / "rows.parquet").open("wb") as file:
        write_parquet(rows, file, kinds)
    assert list(read_parquet(tmp_path / "rows.parquet")) == [
        {"free": '{"a": [1]}', "share": None, "right": None, "turns": [{"role": "x", "n": None}]},
        {"free": None, "share": 1.0, "right": None, "turns": []},
    ]
    assert "null" not in str(pq.read_schema(tmp_path / "rows.parquet"))
