"""An endpoint's own words are read, in whatever layout they come."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oceanchat.llm.endpoint.error_words import ErrorWords, describe_reply, error_in_reply, error_words

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["error", "message", "code", "detail", "choices", "loc"]), inner)
    ),
    max_leaves=12,
)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({"error": {"message": "no", "code": "bad", "param": "n"}}, ErrorWords("no", "bad", "n")),
        ({"error": {"code": 402, "message": "more credits"}}, ErrorWords("more credits", "", "", 402)),
        ({"error": "Unexpected endpoint"}, ErrorWords("Unexpected endpoint")),
        ([{"error": {"code": 429, "message": "quota", "status": "X"}}], ErrorWords("quota", "", "", 429)),
        ({"object": "error", "message": "no", "type": "Bad", "code": 400}, ErrorWords("no", "Bad", "", 400)),
        ({"detail": "Not Found"}, ErrorWords("Not Found")),
        (
            {"detail": [{"type": "extra_forbidden", "loc": ["body", "top_p"], "msg": "Extra inputs"}]},
            ErrorWords("Extra inputs", "extra_forbidden", "top_p"),
        ),
        (
            {"object": "error", "message": {"detail": [{"loc": ["body", "top_p"], "msg": "Extra"}]}},
            ErrorWords("Extra", "", "top_p"),
        ),
        (
            {"error": {"message": "Provider returned error", "metadata": {"raw": "top_p is unsupported"}}},
            ErrorWords("Provider returned error: top_p is unsupported"),
        ),
        ({"error": {"message": '{"error": {"message": "inner", "code": "c"}}'}}, ErrorWords("inner", "c")),
        ({"base_resp": {"status_code": 1004, "status_msg": "login fail"}}, ErrorWords("login fail")),
        ("<html><title>Sign in</title><body>x</body></html>", ErrorWords("Sign in")),
        ("404 page not found", ErrorWords("404 page not found")),
    ],
)
def test_every_layout_reads_the_same(content: Any, words: ErrorWords) -> None:
    assert error_words(content) == words


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"choices": [{"message": {}, "finish_reason": "stop"}]}, None),
        ({"choices": [{"message": {}, "error": {"message": "upstream gone"}}]}, "upstream gone"),
        ({"choices": [{}], "error": {"message": "late"}}, "late"),
        ({"choices": None}, None),
        ({"choices": [], "message": "no provider"}, "no provider"),
    ],
)
def test_an_error_inside_an_answer_is_seen(content: Any, message: str | None) -> None:
    words = error_in_reply(json.dumps(content).encode())
    assert (words and words.message) == message


@given(JSON)
def test_any_json_has_words(content: Any) -> None:
    assert isinstance(error_words(content).message, str)
    error_in_reply(json.dumps(content).encode())


@given(st.binary(max_size=60))
def test_any_bytes_are_described(body: bytes) -> None:
    assert error_in_reply(body) is None or body
    assert describe_reply(body).startswith("the reply is ")


def test_depth_and_length_are_bounded() -> None:
    deep: Any = "no"
    for _ in range(500):
        deep = {"error": deep}
    assert len(error_words(deep).message) <= 2000
    assert len(error_words({"error": "x" * 10**6}).message) == 2000
    assert error_in_reply(b"[" * 100_000) is None
