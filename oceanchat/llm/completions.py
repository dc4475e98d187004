"""Read and write the bodies of chat completions.

Knows the OpenAI wire format and nothing of HTTP. Reading never raises: a body that is not a completion reads
as None, so that the caller decides what that means. Writing is for models that live in this process.
"""

import json
from typing import Any

from oceanchat.llm.chat import ChatAnswer
from oceanchat.llm.token_counts import count_tokens
from oceanchat.records import storable


def read_completion(body: bytes) -> ChatAnswer | None:
    """The answer inside `body`, or None where `body` is not a chat completion."""
    try:
        completion = json.loads(body)
    except (ValueError, RecursionError):
        return None
    choice = _first_choice(completion)
    if choice is None:
        return None
    message = choice.get("message")
    message = message if isinstance(message, dict) else {}
    tokens = count_tokens(completion.get("usage"))
    refusal = message.get("refusal")
    finish = choice.get("finish_reason")
    return ChatAnswer(
        text=_text_of(message.get("content")),
        finish_reason=finish if isinstance(finish, str) and finish else "stop",
        refusal=refusal if isinstance(refusal, str) and refusal else None,
        prompt_tokens=tokens.prompt,
        completion_tokens=tokens.completion,
        cached_tokens=tokens.cached,
    )


def _first_choice(completion: Any) -> dict[str, Any] | None:
    choices = completion.get("choices") if isinstance(completion, dict) else None
    if not isinstance(choices, list) or not choices or not isinstance(choices[0], dict):
        return None
    return choices[0]


def _text_of(content: Any) -> str:
    if isinstance(content, str):
        return storable(content)
    if isinstance(content, list):
        parts = (part.get("text") for part in content if isinstance(part, dict))
        return storable("".join(part for part in parts if isinstance(part, str)))
    return ""


def render_completion(answer: ChatAnswer, model: str) -> bytes:
    """`answer` as the body of a chat completion."""
    completion: dict[str, Any] = {
        "object": "chat.completion",
        "model": model,
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": answer.text, "refusal": answer.refusal},
                "finish_reason": answer.finish_reason,
            }
        ],
    }
    if answer.prompt_tokens is not None and answer.completion_tokens is not None:
        completion["usage"] = {
            "prompt_tokens": answer.prompt_tokens,
            "completion_tokens": answer.completion_tokens,
            "total_tokens": answer.prompt_tokens + answer.completion_tokens,
        }
    return json.dumps(completion, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
