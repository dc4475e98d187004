"""Ratings are exported one row each, in the same columns whatever the format."""

import csv
import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from oceanchat.annotation import labels
from oceanchat.errors import AnnotationError, InputError
from oceanchat.store.database import Store
from oceanchat.store.export import ExportFilter, export
from oceanchat.store.ratings import COLUMNS
from tests.oceanchat.annotation.talks import FULL, SYSTEMS, evaluated, hold, next_cell
from tests.stores import open_for_test


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_for_test(tmp_path / "store.db")


def test_a_rating_is_a_row_with_what_was_asked_and_answered(store: Store, tmp_path: Path) -> None:
    ann = evaluated(store, ("Ann",), systems=SYSTEMS[:1])[0]
    with pytest.raises(InputError, match="no such ratings yet"):
        export(store, "ratings", "csv", tmp_path / "none.csv")
    item = next_cell(store, ann)
    hold(store, ann, item)
    low = FULL | {"naturalness": "3", "comment": 'Stilted, "odd"\nhere.'}
    labels.save(store, ann, item.token, low, 0.0)
    for ending in ("csv", "jsonl", "parquet"):
        export(store, "ratings", None, tmp_path / f"ratings.{ending}")
    with (tmp_path / "ratings.csv").open(newline="", encoding="utf-8") as file:
        (row,) = csv.DictReader(file)
    line = json.loads((tmp_path / "ratings.jsonl").read_text())
    assert tuple(row) == tuple(line) == COLUMNS
    assert {name: str(value) for name, value in line.items()} == row
    (typed,) = pq.read_table(tmp_path / "ratings.parquet").to_pylist()
    assert typed == line
    assert (row["system"], row["trait"], row["level"], row["unit"]) == ("preact", "O", "high", "shared")
    assert (row["question_id"], row["question"], row["model"]) == (
        "o-high-01",
        "How was day 0?",
        "preact:o-high",
    )
    assert (line["alignment"], line["naturalness"], line["coherence"]) == (1, 3, 5)
    assert row["annotator"] == f"annotator-{ann.id}" and row["comment"] == low["comment"]
    assert len(set(row["answer_hashes"].split())) == 5 and len(row["prompt_hash"]) == 64
    with pytest.raises(AnnotationError, match="evaluation '7' is not in this store; it has: 1"):
        export(store, "ratings", "csv", tmp_path / "none.csv", ExportFilter(sample=7))
