"""Read and write the bodies of chat completions.

Knows the OpenAI wire format and nothing of HTTP. Reading never raises: a body that is not a completion reads
as None, so that the caller decides what that means. Writing is for models that live in this process.
"""

import json
import re
from typing import Any

from oceanchat.llm.chat import ChatAnswer
from oceanchat.llm.token_counts import count_tokens
from oceanchat.records import storable

STOP, LENGTH, CONTENT_FILTER, ERROR = "stop", "length", "content_filter", "error"
"""What `finish_reason` becomes: the answer is whole, cut off, held back, or broken off by a failure."""
_WHOLE = frozenset(
    {
        *("stop", "eos", "eos_token", "end", "end_turn", "end_of_text", "end_of_turn", "end_of_sequence"),
        *("stop_sequence", "stop_token", "stop_str", "complete", "completed", "done", "finish", "finished"),
        *("normal", "success"),
    }
)
_CUT = frozenset(
    {
        *("length", "max_tokens", "max_length", "max_output_tokens", "max_completion_tokens"),
        *("max_new_tokens", "model_length", "token_limit", "model_context_window_exceeded"),
    }
)
_HELD_BACK = frozenset(
    {
        *("content_filter", "content_filtered", "content_filtering", "filtered", "safety", "blocklist"),
        *("prohibited_content", "recitation", "refusal", "sensitive", "guardrail_intervened", "spii"),
    }
)
_THOUGHTS = ("thinking", "redacted_thinking", "reasoning")
"""Types of the parts of a message that are no answer."""


def read_completion(body: bytes) -> ChatAnswer | None:
    """The answer inside `body`, or None where `body` is not a chat completion.

    An answer that a failure broke off, or that ended in a way nobody knows, has finish_reason 'error'.
    """
    completion = _completion(body)
    choice = _first_choice(completion)
    if choice is None:
        return None
    message = choice.get("message")
    message = message if isinstance(message, dict) else {}
    tokens = count_tokens(completion.get("usage"))
    refusal = message.get("refusal")
    failed = choice.get("error") or completion.get("error")
    return ChatAnswer(
        text=_text_of(message.get("content")),
        finish_reason=ERROR if failed else how_it_ended(choice.get("finish_reason")),
        refusal=refusal if isinstance(refusal, str) and refusal else None,
        prompt_tokens=tokens.prompt,
        completion_tokens=tokens.completion,
        cached_tokens=tokens.cached,
    )


def how_it_ended(reason: Any) -> str:
    """STOP, LENGTH, CONTENT_FILTER or ERROR for what an endpoint calls the end; without a word it is STOP."""
    if not isinstance(reason, str) or not reason:
        return STOP
    word = re.sub(r"[^a-z]+", "_", reason.rpartition(".")[2].lower()).strip("_")
    if word in _WHOLE:
        return STOP
    if word in _CUT:
        return LENGTH
    return CONTENT_FILTER if word in _HELD_BACK else ERROR


def raw_finish_reason(body: bytes) -> str:
    """What the endpoint itself called the end of an answer."""
    choice = _first_choice(_completion(body)) or {}
    return " ".join(str(choice.get("finish_reason")).split())[:40]


def _completion(body: bytes) -> Any:
    """The JSON of a body, or of the events of one that was streamed although nobody asked for that."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return _from_events(body) if body.lstrip().startswith((b"data:", b"event:", b": ")) else None


def _from_events(body: bytes) -> Any:
    """One completion of a stream's events; None where the stream broke off."""
    text, finish, usage = [], None, None
    for line in re.split(r"[\r\n]+", body.decode("utf-8", "replace")):
        data = line.removeprefix("data:").strip()
        if not line.startswith("data:") or data == "[DONE]":
            continue
        try:
            event = json.loads(data)
        except (ValueError, RecursionError):
            return None
        if isinstance(event, dict) and event.get("error"):
            return event
        choice = _first_choice(event)
        if choice is not None:
            delta = choice.get("delta")
            text.append(_text_of(delta.get("content")) if isinstance(delta, dict) else "")
            finish = choice.get("finish_reason") or finish
        usage = (event.get("usage") if isinstance(event, dict) else None) or usage
    if finish is None and b"[DONE]" not in body:
        return None
    return {"choices": [{"message": {"content": "".join(text)}, "finish_reason": finish}], "usage": usage}


def _first_choice(completion: Any) -> dict[str, Any] | None:
    choices = completion.get("choices") if isinstance(completion, dict) else None
    if not isinstance(choices, list) or not choices or not isinstance(choices[0], dict):
        return None
    return choices[0]


def _text_of(content: Any) -> str:
    if isinstance(content, str):
        return storable(content)
    if isinstance(content, list):
        spoken = (part for part in content if isinstance(part, dict) and part.get("type") not in _THOUGHTS)
        parts = (part.get("text") for part in spoken)
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
