"""Rows go through their files unchanged; what is no such file is refused in one line."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from oceanchat.errors import ReleaseError
from oceanchat.release.rows import HumanLabel, rejected_row, released_row
from oceanchat.release.schema import (
    REJECTED_SCHEMA,
    SCHEMA,
    feature_types,
    read_rejected,
    read_rows,
    write_rejected,
    write_rows,
)
from tests.oceanchat.release.factories import make_dialogue

LABEL = HumanLabel(
    annotator="annotator-1", trait_shown=True, coherent=False, valid=False, decides=True, comment="x"
)


def test_rows_read_back_as_they_were_written(tmp_path: Path) -> None:
    rows = [released_row(make_dialogue(number), "train", "text", (LABEL,)) for number in range(3)]
    rejected = [rejected_row(make_dialogue(9, state="gate:length"), "gate:length", "too long", "hash")]
    write_rows(rows, tmp_path / "train.parquet")
    write_rejected(rejected, tmp_path / "rejected.parquet")
    assert read_rows(tmp_path / "train.parquet") == rows
    assert read_rejected(tmp_path / "rejected.parquet") == rejected


def test_equal_rows_give_equal_bytes(tmp_path: Path) -> None:
    for name in ("one.parquet", "two.parquet"):
        write_rows([released_row(make_dialogue(1), "train", "text")], tmp_path / name)
    assert (tmp_path / "one.parquet").read_bytes() == (tmp_path / "two.parquet").read_bytes()


def test_features_name_every_column_of_a_row() -> None:
    row = released_row(make_dialogue(1), "train", "text")
    features = feature_types(SCHEMA)
    assert [feature["name"] for feature in features] == list(type(row).model_fields)
    assert [feature["name"] for feature in feature_types(REJECTED_SCHEMA)][-2:] == ["state", "reason"]
    assert {"name": "words", "dtype": "float64"} in features
    assert {"name": "flags", "list": "string"} in features


def test_a_file_of_something_else_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "train.parquet"
    path.write_bytes(b"no table")
    with pytest.raises(ReleaseError, match="cannot be read as Parquet"):
        read_rows(path)
    pq.write_table(pa.table({"id": ["x"]}), path)
    with pytest.raises(ReleaseError, match="holds a row that is no dialogue"):
        read_rows(path)
