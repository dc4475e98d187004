"""Requests go into files in equal shares, and an old file never survives."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oceanchat.llm.offline import AbsentRequest
from oceanchat.pipeline.request_files import earlier_files, shard_paths, write_requests
from tests.endpoint import question


def absent(count: int) -> list[AbsentRequest]:
    return [AbsentRequest(f"{n:064x}", "http://e/v1", "m", question(f"question {n}")) for n in range(count)]


@given(count=st.integers(0, 30), shards=st.integers(1, 9))
def test_shards_hold_all_requests_in_order_and_in_equal_shares(
    tmp_path_factory: pytest.TempPathFactory, count: int, shards: int
) -> None:
    paths = shard_paths(tmp_path_factory.mktemp("shards") / "requests.jsonl", shards)
    write_requests(absent(count), paths)
    written = [path.read_text().splitlines() for path in paths]
    keys = [json.loads(line)["custom_id"] for lines in written for line in lines]
    assert keys == [request.key for request in absent(count)]
    assert max(map(len, written)) - min(map(len, written)) <= 1


def test_a_request_is_a_line_of_the_batch_format(tmp_path: Path) -> None:
    write_requests(absent(1), [tmp_path / "r.jsonl"])
    assert json.loads((tmp_path / "r.jsonl").read_text()) == {
        "custom_id": "0" * 64,
        "method": "POST",
        "url": "/v1/chat/completions",
        "body": {
            "model": "m",
            "messages": [{"role": "user", "content": "question 0"}],
            "max_tokens": 100,
            "temperature": 0.0,
            "top_p": 1.0,
        },
    }


def test_files_are_named_by_their_number(tmp_path: Path) -> None:
    assert [path.name for path in shard_paths(tmp_path / "r.jsonl", 2)] == [
        "r-1-of-2.jsonl",
        "r-2-of-2.jsonl",
    ]
    assert shard_paths(tmp_path / "r.jsonl", 1) == [tmp_path / "r.jsonl"]


def test_files_of_another_number_of_shards_are_known(tmp_path: Path) -> None:
    for paths in (shard_paths(tmp_path / "r.jsonl", number) for number in (1, 2, 3)):
        write_requests(absent(2), paths)
    for name in ("results-1-of-2.jsonl", "r-1-of-2.json", "rr-1-of-2.jsonl"):
        (tmp_path / name).write_text("another's")
    names = [path.name for path in earlier_files(tmp_path / "r.jsonl", 3)]
    assert names == ["r-1-of-2.jsonl", "r-2-of-2.jsonl", "r.jsonl"]
    assert [path.name for path in earlier_files(tmp_path / "r.jsonl", 1)][-1] == "r-3-of-3.jsonl"
    write_requests([], shard_paths(tmp_path / "r.jsonl", 2))
    assert [path.name for path in earlier_files(tmp_path / "r.jsonl", 3)] == ["r.jsonl"]


def test_where_one_file_cannot_be_written_all_stay_as_they_were(tmp_path: Path) -> None:
    old = tmp_path / "old.jsonl"
    old.write_text("old")
    with pytest.raises(OSError, match="No such file"):
        write_requests(absent(2), [old, tmp_path / "nowhere" / "new.jsonl"])
    assert old.read_text() == "old" and list(tmp_path.iterdir()) == [old]
