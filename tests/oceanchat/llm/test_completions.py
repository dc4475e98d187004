"""Any body reads as an answer or as none; an answer survives being written and read."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oceanchat.llm.chat import ChatAnswer
from oceanchat.llm.completions import how_it_ended, read_completion, render_completion

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
MESSAGE = st.fixed_dictionaries({}, optional={"content": JSON, "refusal": JSON})
CHOICE = st.fixed_dictionaries({}, optional={"message": MESSAGE | JSON, "finish_reason": JSON})
USAGE = st.fixed_dictionaries({}, optional={"prompt_tokens": JSON, "completion_tokens": JSON})
BODY = st.fixed_dictionaries(
    {}, optional={"choices": st.lists(CHOICE | JSON, max_size=2) | JSON, "usage": USAGE | JSON}
)


@given(st.binary() | BODY.map(lambda body: json.dumps(body).encode()))
def test_any_body_is_an_answer_or_none(body: bytes) -> None:
    answer = read_completion(body)
    if answer is not None:
        assert isinstance(answer.text, str) and answer.finish_reason
        assert answer.prompt_tokens is None or answer.prompt_tokens >= 0


TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
"""A NUL is replaced when a reply is read, since PostgreSQL keeps none."""


@given(TEXT, st.none() | st.text(min_size=1).filter(str.isascii))
def test_an_answer_survives_the_wire(text: str, refusal: str | None) -> None:
    answer = ChatAnswer(text, "length", refusal, 12, 34)
    assert read_completion(render_completion(answer, "m")) == answer


def test_token_counts_that_are_not_told_stay_unknown() -> None:
    answer = read_completion(render_completion(ChatAnswer("hi"), "m"))
    assert answer is not None
    assert (answer.prompt_tokens, answer.completion_tokens) == (None, None)


def test_content_in_parts_is_joined() -> None:
    parts = [{"type": "text", "text": "one "}, {"type": "text", "text": "two"}, {"type": "image"}]
    body = json.dumps({"choices": [{"message": {"content": parts}}]}).encode()
    answer = read_completion(body)
    assert answer is not None and answer.text == "one two"


@pytest.mark.parametrize(
    ("reason", "ending"),
    [
        (None, "stop"),
        ("", "stop"),
        ("eos", "stop"),
        ("STOP", "stop"),
        ("FinishReason.STOP", "stop"),
        ("end_turn", "stop"),
        ("length", "length"),
        ("MAX_TOKENS", "length"),
        ("max-tokens", "length"),
        ("SAFETY", "content_filter"),
        ("content_filter", "content_filter"),
        ("error", "error"),
        ("network_error", "error"),
        ("insufficient_system_resource", "error"),
        ("tool_calls", "error"),
        ("abort", "error"),
        (7, "stop"),
    ],
)
def test_only_known_endings_make_an_answer(reason: object, ending: str) -> None:
    assert how_it_ended(reason) == ending


@pytest.mark.parametrize(
    ("events", "answer"),
    [
        ('data: {"choices": [{"delta": {"content": "a"}, "finish_reason": "stop"}]}\n\n', ("a", "stop")),
        (': wait\n\ndata: {"choices": [{"delta": {"content": "a"}}]}\n\ndata: [DONE]\n', ("a", "stop")),
        ('data: {"choices": [{"delta": {"content": "a"}}]}\n\n', None),
        ('data: {"choices": [{"delta": {"con', None),
        ('event: x\ndata: {"error": {"message": "gone"}}\n\n', None),
    ],
)
def test_a_stream_is_an_answer_when_it_is_whole(events: str, answer: tuple[str, str] | None) -> None:
    read = read_completion(events.encode())
    assert (read and (read.text, read.finish_reason)) == answer
