"""A line of an answer file is a result or says why it is none."""

import json
from pathlib import Path

import pytest

from oceanchat.llm.endpoint.batch_lines import ResultLine
from oceanchat.pipeline.answer_lines import PIECE, Unreadable, lines_of, other_model, read_result
from tests.oceanchat.pipeline.engine import result_line


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (b'{"custom_id": "k", "resp', "torn"),
        (b"{", PIECE),
        (b'"custom_id": "k",', PIECE),
        (b'{"custom_id": "k"},', PIECE),
        (b"<html>", PIECE),
        (b'[{"custom_id": "k"}]', "a list, not one result a line"),
        (b'{"custom_id": "k"}{"custom_id": "l"}', "several results on one line"),
        (b'{"custom_id": "k", "response": ' + b"[" * 60 + b"]" * 60 + b"}", "nested too deeply"),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"custom_id": "k", "response": ' + b"9" * 5000 + b"}", "a number of too many digits"),
        (b'{"id": "k"}', "no result with a custom_id"),
        (b'{"custom_id": "k", "url": "/v1", "body": {}}', "a request, not its result"),
        (b"\xff\xfe", "not UTF-8"),
    ],
)
def test_a_line_that_is_no_result_says_why(text: bytes, why: str) -> None:
    assert read_result(text) == Unreadable(why)


def test_blank_lines_and_byte_order_marks_are_left_out(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    path.write_bytes(b'\xef\xbb\xbf{"a": 1}\r\n\r\n  \n{"b": 2}')
    assert [tuple(line) for line in lines_of(path)] == [
        (b'{"a": 1}', "line 1 of 'r.jsonl'"),
        (b'{"b": 2}', "line 4 of 'r.jsonl'"),
    ]


@pytest.mark.parametrize(
    ("named", "asked", "same"),
    [
        ("m", "m", True),
        (None, "m", True),
        ("/models/Llama-2-70B/", "meta-llama/llama-2-70b", True),
        ("gpt-4o-2024-08-06", "gpt-4o", True),
        ("gpt-4-0613", "gpt-4", True),
        ("llama3:latest", "llama3", True),
        ("gpt-4-turbo", "gpt-4", False),
        ("gpt-4o-mini-2024-07-18", "gpt-4o", False),
        ("gpt-4", "gpt-4o", False),
        ("another", "m", False),
    ],
)
def test_a_model_is_known_by_its_name_without_owner_folder_or_version(
    named: str | None, asked: str, same: bool
) -> None:
    result = read_result(json.dumps(result_line("k", {"model": named})).encode())
    assert isinstance(result, ResultLine)
    assert other_model(result, asked) == (None if same else named)
