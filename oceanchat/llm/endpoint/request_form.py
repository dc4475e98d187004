"""Shape requests as one model takes them.

What a model refuses is learnt from its own words and left out of, or renamed in, every later request, live or
in a batch. A form never takes back what it has learnt and looks at no other request, so what is sent in the
end does not depend on the order or the number of requests in flight. Knows nothing of HTTP.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from oceanchat.llm.chat import ChatRequest, Message
from oceanchat.llm.endpoint.error_words import ErrorWords

OLD_LIMIT, NEW_LIMIT = "max_tokens", "max_completion_tokens"
SAMPLING = ("temperature", "top_p")
_NAMES = {
    OLD_LIMIT: re.compile(r"(?<![a-z_])max_?tokens(?![a-z_])", re.IGNORECASE),
    "temperature": re.compile(r"(?<![a-z_])temperature(?![a-z_])", re.IGNORECASE),
    "top_p": re.compile(r"(?<![a-z_])top[_ -]?p(?![a-z_])", re.IGNORECASE),
}
_UNKNOWN = re.compile(
    r"unsupported|not[ _]supported|(not|n't) support|unknown|unrecogni[sz]ed|unexpected|not permitted"
    r"|(not|n't) allowed|(not|n't) accept|extra[ _](input|field|param|forbidden)|deprecated|no longer"
    r"|invalid param|removed",
    re.IGNORECASE,
)
"""A parameter is refused whatever its value."""
_WRONG_VALUE = re.compile(
    r"invalid|must be|should be|must not|cannot|can't|can not|only|out of range|not available|not applicable"
    r"|incompatible|not compatible|greater than|less than|default",
    re.IGNORECASE,
)
"""A parameter is refused with the value it has."""
_TOO_MUCH = re.compile(
    r"too (large|long|big|many|high)|at most|maximum|exceed|less than|greater than|at least|context|must be",
    re.IGNORECASE,
)
"""A completion limit is refused for its size, not for its name."""
_NEWER_NAME = re.compile(rf"use\W+{NEW_LIMIT}|{NEW_LIMIT}\W+instead", re.IGNORECASE)
_EITHER = re.compile(r"\bboth\b|only one|together|at the same time|simultaneously", re.IGNORECASE)
_NO_SYSTEM = re.compile(
    r"\bsystem\b.{0,80}\b(role|message|prompt|instruction)|\b(role|message|prompt|instruction)s?\b.{0,80}"
    r"\bsystem\b",
    re.IGNORECASE | re.DOTALL,
)
_OTHER_ROLES = re.compile(
    r"roles must alternate|developer instruction|only user and assistant|'user' (or|and) 'assistant'"
    r"|must alternate between|first message must be from the user",
    re.IGNORECASE,
)
_ONLY_STREAMED = re.compile(
    r"only supports? (the )?stream|stream(ing)?( mode)? (is required|must be (true|enabled|set to true))"
    r"|requires? stream|must (be|use) stream|enable the stream|non-?stream(ing)? \w* ?(is )?not supported",
    re.IGNORECASE,
)
_FILTERS = ("content_filter", "content_policy", "context_length_exceeded")
_REFUSING = frozenset({400, 405, 406, 415, 422, 424, 500, 501})
"""HTTP statuses under which servers refuse a parameter."""


@dataclass(frozen=True, slots=True)
class RequestForm:
    """How requests to one model are written."""

    limit_name: str = OLD_LIMIT
    """The name of the completion limit."""
    left_out: frozenset[tuple[str, float]] = frozenset()
    """Sampling parameters that are not sent, each with the value that was refused."""
    no_system: bool = False
    """Whether the system part is put in front of the first user message."""
    streamed: bool = False
    """Whether replies are asked for in parts."""

    def body(self, model: str, request: ChatRequest) -> dict[str, Any]:
        """The request as the API wants it."""
        messages = without_system(request.messages) if self.no_system else request.messages
        body: dict[str, Any] = {
            "model": model,
            "messages": [{"role": message.role, "content": message.content} for message in messages],
            self.limit_name: request.max_tokens,
        }
        for name in SAMPLING:
            value = getattr(request, name)
            if (name, value) not in self.left_out:
                body[name] = value
        if self.streamed:
            body |= {"stream": True, "stream_options": {"include_usage": True}}
        if request.extra_body:
            body |= json.loads(request.extra_body)
            return {name: value for name, value in body.items() if value is not None}
        return body

    def after(self, status: int | None, words: ErrorWords, request: ChatRequest) -> "RequestForm | None":
        """This form without what the endpoint refused of `request`; None where it refused nothing known."""
        if (status is not None and status not in _REFUSING) or words.code in _FILTERS:
            return None
        text = f"{words.message} {words.code}"
        if not self.streamed and _ONLY_STREAMED.search(text):
            return replace(self, streamed=True)
        if not (_UNKNOWN.search(text) or _WRONG_VALUE.search(text) or _OTHER_ROLES.search(text)):
            return None
        if not self.no_system and _refuses_system(words, request):
            return replace(self, no_system=True)
        name = self._refused_name(words, request)
        if name == OLD_LIMIT:
            return replace(self, limit_name=NEW_LIMIT)
        if name is not None:
            return replace(self, left_out=self.left_out | {(name, getattr(request, name))})
        return None

    def merged(self, other: "RequestForm") -> "RequestForm":
        """What either has learnt."""
        return RequestForm(
            NEW_LIMIT if NEW_LIMIT in (self.limit_name, other.limit_name) else OLD_LIMIT,
            self.left_out | other.left_out,
            self.no_system or other.no_system,
            self.streamed or other.streamed,
        )

    def differences(self) -> tuple[str, ...]:
        """What is sent otherwise than asked, for people."""
        changes = [f"{NEW_LIMIT} in place of {OLD_LIMIT}"] if self.limit_name != OLD_LIMIT else []
        changes += [f"no {name} where it would be {value:g}" for name, value in sorted(self.left_out)]
        changes += ["the system part in the first user message"] if self.no_system else []
        changes += ["replies asked for in parts"] if self.streamed else []
        return tuple(changes)

    def _refused_name(self, words: ErrorWords, request: ChatRequest) -> str | None:
        """The parameter of ours that the error is about."""
        sent = [name for name in SAMPLING if (name, getattr(request, name)) not in self.left_out]
        if self.limit_name == OLD_LIMIT and _refuses_limit_name(words):
            sent.append(OLD_LIMIT)
        param = [name for name in sent if _NAMES[name].search(words.param)]
        if param:
            return param[0]
        if words.param and "message" not in words.param and not words.param[0].isdigit():
            return None  # the endpoint names another parameter
        mentions = {name: match.start() for name in sent if (match := _NAMES[name].search(words.message))}
        if {*SAMPLING} <= {*mentions} and _EITHER.search(words.message):
            return "top_p"
        return min(mentions, key=mentions.__getitem__, default=None)


def _refuses_limit_name(words: ErrorWords) -> bool:
    text = f"{words.message} {words.code}"
    if _NEWER_NAME.search(text):
        return True
    return _UNKNOWN.search(text) is not None and _TOO_MUCH.search(words.message) is None


def _refuses_system(words: ErrorWords, request: ChatRequest) -> bool:
    if all(message.role != "system" for message in request.messages):
        return False
    if any(name.search(words.param) for name in _NAMES.values()):
        return False
    text = f"{words.param} {words.message}"
    return _NO_SYSTEM.search(text) is not None or _OTHER_ROLES.search(text) is not None


def without_system(messages: Sequence[Message]) -> tuple[Message, ...]:
    """`messages` with the system parts in front of the first user message."""
    system = [message.content for message in messages if message.role == "system"]
    rest = [message for message in messages if message.role != "system"]
    if not system:
        return tuple(rest)
    if not rest or rest[0].role != "user":
        return (Message("user", "\n\n".join(system)), *rest)
    return (Message("user", "\n\n".join([*system, rest[0].content])), *rest[1:])
