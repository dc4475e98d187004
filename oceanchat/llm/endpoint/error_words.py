"""Read what an endpoint's error says.

Servers word errors in a dozen layouts: OpenAI's object, FastAPI's list, a bare string, a list of one, another
server's error inside. Here they become one record. Never raises; knows nothing of what an error means.
"""

import json
import re
from typing import Any, NamedTuple

from oceanchat.records import storable

MAX_WORDS = 2000
"""Characters kept of a message: enough to find a secret in it before it is cut for the screen."""
_DEPTH = 6
"""Layers of an error inside an error that are looked into."""
_WRAPPERS = ("error", "errors", "detail", "details", "base_resp")
_MESSAGES = ("message", "msg", "error_msg", "error_message", "errmsg", "status_msg", "description", "title")
_STATUSES = ("status_code", "http_code", "status", "code")


class ErrorWords(NamedTuple):
    """One error in the endpoint's own words."""

    message: str
    code: str = ""
    """The API's word for it, such as 'unsupported_parameter'."""
    param: str = ""
    """The request's parameter it is about, where the endpoint names one."""
    status: int | None = None
    """The HTTP status that the body itself names, 400 to 599."""


def error_words(content: Any) -> ErrorWords:
    """The words of an error's body: parsed JSON, or text that is none."""
    if isinstance(content, str):
        return ErrorWords(page_words(content))
    return _words_of(content, _DEPTH) or ErrorWords(_one_line(json.dumps(content, ensure_ascii=False)))


def error_in_reply(body: bytes) -> ErrorWords | None:
    """The error told by the body of a reply with status 200; None where it tells none."""
    try:
        content = json.loads(body)
    except (ValueError, RecursionError):
        return None
    if not isinstance(content, dict):
        return _words_of(content, _DEPTH) if isinstance(content, list) else None
    choices = content.get("choices")
    if isinstance(choices, list) and choices:
        first = choices[0] if isinstance(choices[0], dict) else {}
        for holder in (first, content):
            if holder.get("error"):
                return _words_of(holder["error"], _DEPTH)
        return None
    return _words_of(content, _DEPTH)


def describe_reply(body: bytes) -> str:
    """What a reply that is not a chat completion is, in a few words."""
    text = body.decode("utf-8", "replace").strip()
    if not text:
        return "the reply is empty"
    if text.startswith("<"):
        return f"the reply is an HTML page ({page_words(text)[:100]!r})"
    if text.startswith(("{", "[")):
        return f"the reply is not a complete chat completion ({_one_line(text)[:100]!r})"
    return f"the reply is plain text ({_one_line(text)[:100]!r})"


def page_words(text: str) -> str:
    """The words of a page: an HTML page's title or its text without tags."""
    if text.lstrip().startswith("<"):
        title = re.search(r"<title[^>]*>([^<]+)", text[:MAX_WORDS], re.IGNORECASE)
        text = title.group(1) if title else re.sub(r"<[^>]*>", " ", text[: 4 * MAX_WORDS])
    return _one_line(text)


def _words_of(content: Any, depth: int) -> ErrorWords | None:
    if depth == 0 or not content:
        return None
    if isinstance(content, str):
        return _inside_string(content, depth)
    if isinstance(content, list):
        return next((words for part in content[:3] if (words := _words_of(part, depth - 1))), None)
    if not isinstance(content, dict):
        return None
    inner = next(
        (words for name in _WRAPPERS if (words := _words_of(content.get(name), depth - 1)) is not None), None
    )
    own = next(
        (words for name in _MESSAGES if (words := _words_of(content.get(name), depth - 1)) is not None),
        None,
    )
    words = inner or own
    if words is None:
        return None
    message = words.message + _provider_words(content.get("metadata"))
    return ErrorWords(
        _one_line(message),
        words.code or _code(content),
        words.param or _param(content),
        words.status or next((s for name in _STATUSES if (s := _status(content.get(name)))), None),
    )


def _inside_string(text: str, depth: int) -> ErrorWords:
    """A message, which may itself be another server's error as JSON."""
    if text.lstrip().startswith(("{", "[")) and len(text) <= 4 * MAX_WORDS:
        try:
            words = _words_of(json.loads(text), depth - 1)
        except (ValueError, RecursionError):
            words = None
        if words is not None:
            return words
    return ErrorWords(_one_line(text))


def _provider_words(metadata: Any) -> str:
    """What the server behind a router said, as the router hands it on."""
    raw = metadata.get("raw") if isinstance(metadata, dict) else None
    return f": {_one_line(raw)}" if isinstance(raw, str) and raw else ""


def _code(content: dict[str, Any]) -> str:
    for name in ("code", "type"):
        value = content.get(name)
        if isinstance(value, str) and value and not value.isdigit():
            return storable(value[:100])
    return ""


def _param(content: dict[str, Any]) -> str:
    if isinstance(content.get("param"), str):
        return str(content["param"])[:100]
    location = content.get("loc")
    if isinstance(location, list):
        return ".".join(str(part) for part in location[:8] if part != "body")[:100]
    return ""


def _status(value: Any) -> int | None:
    if isinstance(value, str) and value.isdigit() and len(value) == 3:
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not 400 <= value <= 599:
        return None
    return value


def _one_line(text: str) -> str:
    return " ".join(storable(text[: 4 * MAX_WORDS]).split())[:MAX_WORDS]
