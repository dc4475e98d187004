"""What every stage checks of a reply before reading it: refused, cut off, or usable text.

It knows nothing of what was asked.
"""

import re

from oceanchat.errors import CallFailed
from oceanchat.llm.chat import ChatAnswer

_REFUSAL = re.compile(
    r"\W*((i'm|i am) (very |so |truly )?sorry[,.]? (but|i (can|am|won|must)|that request)"
    r"|sorry, (but )?i (can|am|won)|i am unable to|i'm unable to|as an ai\b"
    r"|i can(not|'t) (help|assist|comply|do|write|create|provide) (with )?(that|this|your|you|such|the request))",
    re.IGNORECASE,
)


def is_refusal(text: str) -> bool:
    """Whether a reply begins the way a declining assistant does."""
    return _REFUSAL.match(text.replace("\u2019", "'")) is not None


def usable_text(answer: ChatAnswer) -> str:
    """The text of an answer. Raises CallFailed with reason 'content-filter', 'refused' or 'length'."""
    if answer.finish_reason == "content_filter":
        raise CallFailed("content-filter", "the endpoint's content filter held the answer back")
    if answer.refusal or is_refusal(answer.text):
        raise CallFailed("refused", "the model declined to answer")
    if answer.finish_reason == "length":
        raise CallFailed("length", "the answer was cut off at its completion limit")
    return answer.text
