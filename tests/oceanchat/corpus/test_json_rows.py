"""JSON is read in every shape that programs write."""

import json
from pathlib import Path
from typing import Any

import pytest

from oceanchat.corpus.json_rows import json_objects
from oceanchat.corpus.rows import BadRow
from tests.oceanchat.corpus.sources import write

ROWS = [{"text": f"text, [number] {n}", "labels": {"O": "high"}, "turns": [{"a": "b"}]} for n in range(3)]


def objects(path: Path, content: str) -> list[dict[str, Any] | BadRow]:
    return list(json_objects(Path(write(path, content))))


@pytest.mark.parametrize(
    "content",
    [
        "\n".join(map(json.dumps, ROWS)),
        "\n\n" + ",\n".join(map(json.dumps, ROWS)),
        json.dumps(ROWS),
        json.dumps(ROWS, indent=2),
        "\ufeff" + json.dumps(ROWS, indent="\t"),
        "[\n" + ",\n".join(map(json.dumps, ROWS)) + "\n]\n",
        "\n".join(json.dumps(row, indent=1) for row in ROWS),
        json.dumps({"version": 1, "data": ROWS}),
        json.dumps({"version": 1, "essays": ROWS}, indent=4),
        json.dumps({name: {str(n): row[name] for n, row in enumerate(ROWS)} for name in ROWS[0]}),
        json.dumps({"features": [], "rows": [{"row_idx": n, "row": row} for n, row in enumerate(ROWS)]}),
        json.dumps({"columns": list(ROWS[0]), "index": [0, 1, 2], "data": [list(r.values()) for r in ROWS]}),
    ],
)
def test_every_shape_gives_the_same_objects(tmp_path: Path, content: str) -> None:
    assert objects(tmp_path / "f.json", content) == ROWS


def test_what_is_no_object_is_counted_where_it_stands(tmp_path: Path) -> None:
    bad = "not a JSON object; write one object per line"
    lines = ['{"a": 1}', "{", "[1]", '"x"', '{"a": 2}']
    assert objects(tmp_path / "f.jsonl", "\n".join(lines)) == [
        {"a": 1},
        BadRow(2, "not valid JSON; write one object per line, in UTF-8"),
        *(BadRow(line, bad) for line in (3, 4)),
        {"a": 2},
    ]
    array = '[\n{"a": 1},\n{"a": },\n{"a": 2},\n7\n]\n{"a": 3}'
    assert objects(tmp_path / "f.json", array) == [
        {"a": 1},
        BadRow(3, "not valid JSON"),
        {"a": 2},
        BadRow(5, bad),
        {"a": 3},
    ]
    assert objects(tmp_path / "deep.json", "[" * 100_000) == [
        BadRow(1, "not valid JSON; write one object per line, in UTF-8")
    ]
