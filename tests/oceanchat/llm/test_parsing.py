"""Replies are checked, parsed and asked for again in one way, and what became of them is recorded."""

import pytest

from oceanchat.errors import CallFailed
from oceanchat.llm.chat import ChatAnswer
from oceanchat.llm.parsing import ask_until_parsed, checked_text, is_refusal
from tests.endpoint import question
from tests.oceanchat.pipeline.replies import one_after_the_other


@pytest.mark.parametrize(
    ("text", "refusal"),
    [
        ("I'm sorry, but I can't help with that.", True),
        ("I\u2019m sorry, I cannot do this.", True),
        ("As an AI, I have no opinion.", True),
        ("Questioner: How was your day?", False),
        ("I'm sorry I came late to the party.", False),
    ],
)
def test_a_refusal_is_known_by_its_beginning(text: str, refusal: bool) -> None:
    assert is_refusal(text) is refusal


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (ChatAnswer("half", finish_reason="length"), "length"),
        (ChatAnswer("", finish_reason="content_filter"), "content-filter"),
        (ChatAnswer("", refusal="no"), "refused"),
        (ChatAnswer("I'm sorry, but I can't help with that."), "refused"),
    ],
)
def test_an_answer_of_no_use_fails_with_its_reason(answer: ChatAnswer, reason: str) -> None:
    with pytest.raises(CallFailed) as caught:
        checked_text(answer)
    assert caught.value.reason == reason


def as_number(reply: str) -> int | None:
    return int(reply) if reply.isdecimal() else None


async def test_an_unreadable_reply_is_asked_for_again_under_a_new_sample_number() -> None:
    model = one_after_the_other("seven", "eight", "9")
    used = []
    request = question("a number", sample=2)
    assert await ask_until_parsed(model, request, as_number, attempts=3, used=used) == 9
    assert [asked.sample for asked in model.asked] == [2, 3, 4]
    assert [asked.sample for asked in used] == [4]
    assert model.outcomes == ["retried", "retried"]


async def test_the_last_unreadable_reply_is_rejected() -> None:
    model = one_after_the_other("seven", "eight")
    assert await ask_until_parsed(model, question("a number"), as_number, attempts=2) is None
    assert model.outcomes == ["retried", "rejected"]


async def test_a_refused_request_is_not_asked_again() -> None:
    model = one_after_the_other(ChatAnswer("", refusal="no"))
    with pytest.raises(CallFailed):
        await ask_until_parsed(model, question("a number"), as_number, attempts=3)
    assert model.outcomes == ["rejected"]
