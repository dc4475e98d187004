"""Replies are checked, parsed and asked for again in one way, and what became of them is recorded."""

import pytest

from oceanchat.errors import CallFailed, UnreadableReply
from oceanchat.llm.chat import ChatAnswer
from oceanchat.llm.parsing import ask_until_parsed, checked_text
from tests.endpoint import question
from tests.oceanchat.pipeline.listed_replies import one_after_the_other


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (ChatAnswer("half", finish_reason="length"), "length"),
        (ChatAnswer("half", finish_reason="error"), "broken-off"),
        (ChatAnswer("", finish_reason="content_filter"), "content-filter"),
        (ChatAnswer("", refusal="no"), "refused"),
        (ChatAnswer("I'm sorry, but I can't help with that."), "refused"),
        (ChatAnswer("<think>I wonder"), "length"),
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


def as_even_number(reply: str) -> int:
    if not reply.isdecimal() or int(reply) % 2:
        raise UnreadableReply(f"'{reply}' is no even number")
    return int(reply)


async def test_a_second_try_says_what_could_not_be_read_of_the_first() -> None:
    model = one_after_the_other("<think>7?</think>7 & more", "", "8")
    assert await ask_until_parsed(model, question("a number"), as_even_number, attempts=3) == 8
    first, second, third = (request.messages[-1].content for request in model.asked)
    assert first == "a number" and second.startswith("a number\n\n") and third.startswith("a number\n\n")
    assert "no even number" in second and "<unreadable>7 &amp; more</unreadable>" in second
    assert "<unreadable>" not in third
    assert len({(request.messages, request.sample) for request in model.asked}) == 3


async def test_a_reply_that_can_be_read_is_no_refusal_however_it_begins() -> None:
    model = one_after_the_other("Sorry, but I can't find better than 4")
    assert await ask_until_parsed(model, question("a number"), lambda reply: reply[-1], attempts=1) == "4"
    with pytest.raises(CallFailed) as caught:
        await ask_until_parsed(one_after_the_other("Sorry, but I can't."), question("a number"), as_number, 3)
    assert caught.value.reason == "refused"
