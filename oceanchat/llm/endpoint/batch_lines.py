"""The lines of batch files: requests and results.

The format is that of OpenAI's Batch API, which engines such as vLLM read and write too. Reading never raises.
"""

import json
import re
from typing import Any, Final, NamedTuple

from oceanchat.llm.endpoint.error_words import error_words
from oceanchat.nesting import check_depth

CHAT_ENDPOINT: Final = "/v1/chat/completions"
_STATUS = re.compile(r"\s*(\d{3})(?:\.0+| [A-Za-z -]*)?\s*", re.ASCII)
"""A status as text, with or without its words, such as '200 OK'."""


class ResultLine(NamedTuple):
    """One line of a result file."""

    key: str
    status: int | None
    """HTTP status; None where the request was not worked on, or where what is given is none."""
    body: Any
    """The response's JSON."""
    code: str
    """The API's word for what went wrong."""
    message: str
    odd_status: str = ""
    """What stands in the place of the status and is no HTTP status, as JSON."""

    @property
    def raw(self) -> bytes:
        """The response's JSON as it is stored."""
        return json.dumps(self.body, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def request_line(key: str, body: dict[str, Any]) -> bytes:
    """The line that asks for `body` under this key."""
    line = {"custom_id": key, "method": "POST", "url": CHAT_ENDPOINT, "body": body}
    return json.dumps(line, ensure_ascii=False).encode("utf-8", "replace") + b"\n"


def read_line(text: str) -> ResultLine | None:
    """One line of a result file; None where it is not one.

    Scripts write the status as text or 200.0 or leave it out beside a completion, and objects as their JSON:
    there is one way to understand these.
    """
    line = _parsed(text)
    if not isinstance(line, dict) or not isinstance(line.get("custom_id"), str):
        return None
    response = _object_of(line.get("response"))
    response = response if isinstance(response, dict) else {}
    body, stated = _object_of(response.get("body")), response.get("status_code")
    whole = isinstance(body, dict)
    if stated is None and whole and body.get("choices") and not line.get("error"):
        stated = 200
    status = _status_of(stated)
    error = line.get("error") or body
    words = error_words(error) if (status != 200 or not whole) and error else None
    return ResultLine(
        key=line["custom_id"],
        status=status,
        body=body,
        code=words.code if words else "",
        message=words.message[:300] if words else "",
        odd_status=json.dumps(stated)[:40] if status is None and stated is not None else "",
    )


def _parsed(text: str) -> Any:
    """What the JSON of `text` says; None where it is none, or nested too deeply."""
    try:
        value = json.loads(text)
        check_depth(value)
    except (ValueError, RecursionError):
        return None
    return value


def _object_of(value: Any) -> Any:
    """An object that is given as its JSON; any other value as it is."""
    parsed = _parsed(value) if isinstance(value, str) and value.lstrip().startswith("{") else None
    return value if parsed is None else parsed


def _status_of(value: Any) -> int | None:
    """The HTTP status that a number or text stands for; None where it stands for none."""
    if isinstance(value, str) and (match := _STATUS.fullmatch(value)):
        value = int(match[1])
    if isinstance(value, bool) or not isinstance(value, int | float) or not 100 <= value <= 599:
        return None
    return int(value) if value == int(value) else None
