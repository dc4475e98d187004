"""Write answers as chat completions.

Whole ones, chunks of streams, log-probabilities, usage and errors in the API's shapes. It knows nothing of
HTTP or of how answers come about.
"""

import json
import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from preact.serving.batch import Drawn
from preact.serving.chat_calls import Refused


@dataclass(frozen=True)
class Envelope:
    """What all parts of one answer have in common."""

    model: str
    tokenizer: Any
    prompt_tokens: int
    logprobs: bool
    id: str = field(default_factory=lambda: f"chatcmpl-{secrets.token_hex(12)}")
    created: int = field(default_factory=lambda: int(time.time()))

    def whole(self, text: str, tokens: Sequence[Drawn], finish: str) -> dict[str, Any]:
        """The completion."""
        choice = {
            "index": 0,
            "message": {"role": "assistant", "content": text, "refusal": None},
            "logprobs": self._logprobs(tokens),
            "finish_reason": finish,
        }
        return self._frame("chat.completion") | {"choices": [choice], "usage": self.usage(len(tokens))}

    def chunk(self, delta: dict[str, str], tokens: Sequence[Drawn], finish: str | None) -> dict[str, Any]:
        """One event of a stream."""
        choice = {
            "index": 0,
            "delta": delta,
            "logprobs": self._logprobs(tokens) if tokens else None,
            "finish_reason": finish,
        }
        return self._frame("chat.completion.chunk") | {"choices": [choice]}

    def last_chunk(self, tokens: int) -> dict[str, Any]:
        """The event that tells a stream's usage."""
        return self._frame("chat.completion.chunk") | {"choices": [], "usage": self.usage(tokens)}

    def usage(self, tokens: int) -> dict[str, int]:
        """Tokens read and written; the end of turn counts as one."""
        return {
            "prompt_tokens": self.prompt_tokens,
            "completion_tokens": tokens,
            "total_tokens": self.prompt_tokens + tokens,
        }

    def _frame(self, kind: str) -> dict[str, Any]:
        return {"id": self.id, "object": kind, "created": self.created, "model": self.model}

    def _logprobs(self, tokens: Sequence[Drawn]) -> dict[str, Any] | None:
        if not self.logprobs:
            return None
        content = [
            self._token(token.id, token.logprob)
            | {"top_logprobs": [self._token(other, logprob) for other, logprob in token.likeliest]}
            for token in tokens
        ]
        return {"content": content, "refusal": None}

    def _token(self, token: int, logprob: float) -> dict[str, Any]:
        text = self.tokenizer.decode([token])
        # JSON knows no infinity; the API writes -9999 for what cannot come.
        return {
            "token": text,
            "logprob": max(logprob, -9999.0),
            "bytes": list(text.encode("utf-8", "replace")),
        }


def event(content: dict[str, Any]) -> str:
    """A server-sent event."""
    return f"data: {json.dumps(content, ensure_ascii=False, separators=(',', ':'))}\n\n"


DONE = "data: [DONE]\n\n"


def error_content(refused: Refused) -> dict[str, Any]:
    """An error in the API's shape."""
    kind = "server_error" if refused.status >= 500 else "invalid_request_error"
    error = {"message": refused.message, "type": kind, "param": refused.param, "code": refused.code}
    return {"error": error}
