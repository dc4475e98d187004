"""Check and parse replies, asking again if unreadable.

Every stage does this in the same way. Knows nothing of what was asked.
"""

import html
from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

from oceanchat.errors import CallFailed, UnreadableReply
from oceanchat.llm.answer_text import answer_text, never_stops_thinking
from oceanchat.llm.chat import ChatAnswer, ChatRequest, Message, RecordingModel
from oceanchat.llm.refusals import begins_like_a_refusal
from oceanchat.llm.refusals import is_refusal as is_refusal

T = TypeVar("T")
EXCERPT = 300
"""Characters of an unreadable reply that the next request quotes."""


def checked_text(answer: ChatAnswer) -> str:
    """The text of an answer. Raises CallFailed with reason 'content-filter', 'refused' or 'length'."""
    if is_refusal(answer_text(answer.text)) and answer.finish_reason != "content_filter":
        raise CallFailed("refused", "the model declined to answer")
    return usable_text(answer)


def usable_text(answer: ChatAnswer) -> str:
    """The raw text of an answer that came whole, whatever it says. Raises CallFailed as `checked_text`
    does."""
    if answer.finish_reason == "content_filter":
        raise CallFailed("content-filter", "the endpoint's content filter withheld the answer")
    if answer.refusal:
        raise CallFailed("refused", "the model declined to answer")
    if answer.finish_reason == "length":
        raise CallFailed("length", "the answer was cut off at its completion limit")
    if answer.finish_reason == "error":
        raise CallFailed("broken-off", "the answer broke off because the endpoint failed")
    if never_stops_thinking(answer.text):
        raise CallFailed("length", "the reply holds thoughts and no answer; raise its completion limit")
    return answer.text


async def ask_until_parsed(
    model: RecordingModel,
    request: ChatRequest,
    parse: Callable[[str], T | None],
    attempts: int,
    used: list[ChatRequest] | None = None,
) -> T | None:
    """What `parse` makes of the raw reply, asked again while it returns None or raises UnreadableReply.

    A further request says what could not be read, under a new sample number, so it is never the same one.
    None after `attempts` replies. The request whose reply was parsed is added to `used`. Raises CallFailed
    for replies of no use, and what the model raises.
    """
    asked = request
    for attempt in range(attempts):
        answer = await model.ask(asked)
        try:
            parsed, problem = _parsed(parse, answer)
        except CallFailed:
            model.record_outcome(asked, "rejected")
            raise
        if parsed is not None:
            if used is not None:
                used.append(asked)
            return parsed
        model.record_outcome(asked, "retried" if attempt + 1 < attempts else "rejected")
        asked = replace(
            request,
            messages=with_problem(request.messages, problem, answer.text),
            sample=request.sample + attempt + 1,
        )
    return None


def _parsed(parse: Callable[[str], T | None], answer: ChatAnswer) -> tuple[T | None, str]:
    """What the answer says, or what is wrong with it. Raises CallFailed where asking again is no use."""
    text = usable_text(answer)
    try:
        parsed = parse(text)
        problem = "it is not in the form asked for"
    except UnreadableReply as unreadable:
        parsed, problem = None, str(unreadable)
    if parsed is None and begins_like_a_refusal(answer_text(text)):
        raise CallFailed("refused", "the model declined to answer")
    return parsed, problem


def with_problem(messages: tuple[Message, ...], problem: str, reply: str) -> tuple[Message, ...]:
    """The messages of a second try: the last one also says what could not be read of the first reply."""
    *before, last = messages
    begun = answer_text(reply)[:EXCERPT]
    shown = f" It began:\n<unreadable>{html.escape(begun, quote=False)}</unreadable>\n" if begun else " "
    note = (
        f"\n\nYou have answered this before, and your reply could not be used: {problem}.{shown}"
        f"Reply again, in exactly the form asked for above and with nothing else."
    )
    return (*before, Message(last.role, last.content + note))
