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
from tests.oceanchat.release.factories import make_dialogue, make_dialogues

LABEL = HumanLabel(
    annotator="annotator-1", trait_shown=True, coherent=False, valid=False, decides=True, comment="x"
)
HUMAN = HumanLabel(
    annotator="annotator-1",
    trait_shown=True,
    coherent=False,
    valid=False,
    decides=False,
    comment="\u201cno\u201d \U0001f642",
)
ROWS = [
    *(released_row(dialogue, "train", "text", (HUMAN,)) for dialogue in make_dialogues(2)),
    released_row(make_dialogue(9, verdict=None, facet=None, seed_topic=None), "test", "omit"),
]


def test_rows_read_back_as_they_were_written(tmp_path: Path) -> None:
    rows = [released_row(make_dialogue(number), "train", "text", (LABEL,)) for number in range(3)]
    rejected = [rejected_row(make_dialogue(9, state="gate:length"), "gate:length", "too long", "hash")]
    write_rows(rows, tmp_path / "train.parquet")
    write_rejected(rejected, tmp_path / "rejected.parquet")
    assert read_rows(tmp_path / "train.parquet") == rows
    assert read_rejected(tmp_path / "rejected.parquet") == rejected


def test_equal_rows_give_equal_bytes(tmp_path: Path) -> None:
    for name in ("one.parquet", "two.parquet"):
        write_rows(ROWS, tmp_path / name)
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
    with pytest.raises(ReleaseError, match="holds a row that is not a dialogue"):
        read_rows(path)


def test_rows_come_back_whatever_they_lack_and_whatever_characters_they_hold(tmp_path: Path) -> None:
    write_rows(ROWS, tmp_path / "rows.parquet")
    assert read_rows(tmp_path / "rows.parquet") == ROWS


def test_rejected_rows_keep_state_and_reason(tmp_path: Path) -> None:
    rows = [rejected_row(make_dialogue(1, state="gate:copied"), "gate:copied", "why", "hash")]
    write_rejected(rows, tmp_path / "rejected.parquet")
    assert read_rejected(tmp_path / "rejected.parquet") == rows


@pytest.mark.parametrize("data", [b"", b"PAR1 is not enough PAR1", b"\x00" * 100])
def test_a_file_that_is_no_parquet_is_one_line(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "x.parquet").write_bytes(data)
    with pytest.raises(ReleaseError, match="cannot be read as Parquet"):
        read_rows(tmp_path / "x.parquet")


def test_a_table_of_something_else_is_one_line(tmp_path: Path) -> None:
    write_rejected([], tmp_path / "rejected.parquet")
    assert read_rejected(tmp_path / "rejected.parquet") == []
    write_rejected([rejected_row(make_dialogue(1), "off-trait", "", "text")], tmp_path / "rejected.parquet")
    with pytest.raises(ReleaseError, match="holds a row that is not a dialogue"):
        read_rows(tmp_path / "rejected.parquet")


def test_features_name_every_column_with_its_type() -> None:
    features = {feature["name"]: feature for feature in feature_types(REJECTED_SCHEMA)}
    assert list(features)[-2:] == ["state", "reason"]
    assert features["words"]["dtype"] == "float64"
    assert features["flags"]["list"] == "string"
    assert [inner["name"] for inner in features["messages"]["list"]] == ["role", "content"]
