"""Write answers as completions.

Chat completions, whole and as chunks of streams, text completions, log-probabilities, usage and errors in the
API's shapes; those of prompts in vLLM's. It knows nothing of HTTP or of how answers come about.
"""

import itertools
import json
import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from preact.serving.batch import Drawn
from preact.serving.chat_calls import Refused
from preact.serving.prompt_scores import PromptToken

LEAST = -9999.0
"""JSON knows no infinity; the API writes this for what cannot come."""


class Answer(NamedTuple):
    """A whole answer."""

    text: str
    tokens: Sequence[Drawn]
    finish: str
    prompt: Sequence[PromptToken | None] = ()


@dataclass(frozen=True)
class Envelope:
    """What all parts of one answer have in common."""

    model: str
    tokenizer: Any
    prompt_tokens: int
    logprobs: bool
    id: str = field(default_factory=lambda: f"chatcmpl-{secrets.token_hex(12)}")
    created: int = field(default_factory=lambda: int(time.time()))

    def whole(self, answer: Answer) -> dict[str, Any]:
        """The completion."""
        choice = {
            "index": 0,
            "message": {"role": "assistant", "content": answer.text, "refusal": None},
            "logprobs": self._logprobs(answer.tokens),
            "finish_reason": answer.finish,
        }
        usage = self.usage(len(answer.tokens))
        whole = self._frame("chat.completion") | {"choices": [choice], "usage": usage}
        return whole | ({"prompt_logprobs": self._prompt(answer.prompt)} if answer.prompt else {})

    def text(self, answer: Answer, prompt: Sequence[int], *, echo: bool, top: int | None) -> dict[str, Any]:
        """The text completion; `top` is how many of the likeliest tokens to report, None for none at all."""
        first = [Drawn(prompt[0], 0.0)] if echo else []
        read = [Drawn(t.id, t.logprob, t.likeliest) for t in answer.prompt if t is not None] if echo else []
        given = self.tokenizer.decode(prompt) if echo else ""
        choice = {
            "index": 0,
            "text": given + answer.text,
            "logprobs": None if top is None else self._aligned([*first, *read, *answer.tokens], echo, top),
            "finish_reason": answer.finish,
        }
        if answer.prompt:
            choice["prompt_logprobs"] = self._prompt(answer.prompt)
        frame = self._frame("text_completion") | {"choices": [choice]}
        return frame | {"usage": self.usage(len(answer.tokens))}

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
        return {
            "token": text,
            "logprob": max(logprob, LEAST),
            "bytes": list(text.encode("utf-8", "replace")),
        }

    def _prompt(self, tokens: Sequence[PromptToken | None]) -> list[dict[str, Any] | None]:
        """One entry a token: itself first, then the likeliest ones, by id."""
        return [None if token is None else self._expected(token) for token in tokens]

    def _expected(self, token: PromptToken) -> dict[str, Any]:
        ranked = [(t, value, n) for n, (t, value) in enumerate(token.likeliest, 1) if t != token.id]
        return {
            str(t): {"logprob": max(value, LEAST), "rank": rank, "decoded_token": self.tokenizer.decode([t])}
            for t, value, rank in [(token.id, token.logprob, token.rank), *ranked]
        }

    def _aligned(self, tokens: Sequence[Drawn], echo: bool, top: int) -> dict[str, Any]:
        """The four lists of text completions; the first token of an echoed prompt has no log-probability."""
        texts = [self.tokenizer.decode([token.id]) for token in tokens]
        likeliest = [
            {self.tokenizer.decode([t]): max(value, LEAST) for t, value in token.likeliest[:top]}
            for token in tokens
        ]
        unknown = 1 if echo else 0
        return {
            "tokens": texts,
            "token_logprobs": [None] * unknown + [max(t.logprob, LEAST) for t in tokens[unknown:]],
            "top_logprobs": [None] * unknown + likeliest[unknown:] if top else None,
            "text_offset": [0, *itertools.accumulate(map(len, texts))][: len(texts)],
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
