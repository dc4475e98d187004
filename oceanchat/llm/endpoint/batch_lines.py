"""The lines of batch files: requests and results.

The format is that of OpenAI's Batch API, which engines such as vLLM read and write too. Reading never raises.
"""

import json
from typing import Any, Final, NamedTuple

from oceanchat.llm.endpoint.error_words import error_words

CHAT_ENDPOINT: Final = "/v1/chat/completions"


class ResultLine(NamedTuple):
    """One line of a result file."""

    key: str
    status: int | None
    """HTTP status; None where the request was not worked on."""
    body: Any
    """The response's JSON."""
    code: str
    """The API's word for what went wrong."""
    message: str

    @property
    def raw(self) -> bytes:
        """The response's JSON as it is stored."""
        return json.dumps(self.body, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def request_line(key: str, body: dict[str, Any]) -> bytes:
    """The line that asks for `body` under this key."""
    line = {"custom_id": key, "method": "POST", "url": CHAT_ENDPOINT, "body": body}
    return json.dumps(line, ensure_ascii=False).encode("utf-8", "replace") + b"\n"


def read_line(text: str) -> ResultLine | None:
    """One line of a result file; None where it is not one."""
    try:
        line = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(line, dict) or not isinstance(line.get("custom_id"), str):
        return None
    response = line.get("response")
    response = response if isinstance(response, dict) else {}
    body, status = response.get("body"), response.get("status_code")
    failed = status != 200 or not isinstance(body, dict)
    words = error_words(line.get("error") or body) if failed and (line.get("error") or body) else None
    return ResultLine(
        key=line["custom_id"],
        status=status if isinstance(status, int) else None,
        body=body,
        code=words.code if words else "",
        message=words.message[:300] if words else "",
    )
