"""Check and parse replies, asking again if unreadable.

Every stage does this in the same way. Knows nothing of what was asked.
"""

import re
from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

from oceanchat.errors import CallFailed
from oceanchat.llm.chat import ChatAnswer, ChatRequest, RecordingModel

T = TypeVar("T")

_REFUSAL = re.compile(
    r"\W*((i'm|i am) (very |so |truly )?sorry[,.]? (but|i (can|am|won|must)|that request)"
    r"|sorry, (but )?i (can|am|won)|i am unable to|i'm unable to|as an ai\b"
    r"|i can(not|'t) (help|assist|comply|do|write|create|provide) (with )?"
    r"(that|this|your|you|such|the request))",
    re.IGNORECASE,
)


def is_refusal(text: str) -> bool:
    """Whether a reply begins the way a declining assistant does."""
    return _REFUSAL.match(text.replace("\u2019", "'")) is not None


def checked_text(answer: ChatAnswer) -> str:
    """The text of an answer. Raises CallFailed with reason 'content-filter', 'refused' or 'length'."""
    if answer.finish_reason == "content_filter":
        raise CallFailed("content-filter", "the endpoint's content filter withheld the answer")
    if answer.refusal or is_refusal(answer.text):
        raise CallFailed("refused", "the model declined to answer")
    if answer.finish_reason == "length":
        raise CallFailed("length", "the answer was cut off at its completion limit")
    return answer.text


async def ask_until_parsed(
    model: RecordingModel,
    request: ChatRequest,
    parse: Callable[[str], T | None],
    attempts: int,
    used: list[ChatRequest] | None = None,
) -> T | None:
    """What `parse` makes of the reply, asked again under new sample numbers while it returns None.

    None after `attempts` replies. The request whose reply was parsed is added to `used`. Raises CallFailed
    for replies of no use, and what the model raises.
    """
    for attempt in range(attempts):
        sampled = replace(request, sample=request.sample + attempt)
        answer = await model.ask(sampled)
        try:
            parsed = parse(checked_text(answer))
        except CallFailed:
            model.record_outcome(sampled, "rejected")
            raise
        if parsed is not None:
            if used is not None:
                used.append(sampled)
            return parsed
        model.record_outcome(sampled, "retried" if attempt + 1 < attempts else "rejected")
    return None
