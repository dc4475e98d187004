"""An engine that answers request files: the scripted model, in this process."""

import asyncio
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from oceanchat.llm.chat import ChatRequest, Message
from oceanchat.llm.completions import render_completion
from oceanchat.scripted.model import ScriptedModel


def answer_file(requests: Path, results: Path, model: str | None = None) -> list[dict[str, Any]]:
    """Answer each request of a file in OpenAI's batch format, as `model` or as the one asked."""
    lines = answer_lines([json.loads(line) for line in requests.read_text().splitlines()], model)
    write_lines(results, lines)
    return lines


def answer_lines(requests: Iterable[dict[str, Any]], model: str | None = None) -> list[dict[str, Any]]:
    """The result of each request."""
    return [result_line(request["custom_id"], completion(request["body"], model)) for request in requests]


def completion(body: dict[str, Any], model: str | None = None) -> dict[str, Any]:
    """What the scripted model says to the body of a request."""
    messages = tuple(Message(message["role"], message["content"]) for message in body["messages"])
    request = ChatRequest(messages, "", body["max_tokens"], body["temperature"])
    answer: dict[str, Any] = json.loads(
        render_completion(asyncio.run(ScriptedModel().ask(request)), model or body["model"])
    )
    return answer


def result_line(key: str, body: Any, status: int = 200, error: Any = None) -> dict[str, Any]:
    """A line as `vllm run-batch` writes it."""
    response = {"status_code": status, "request_id": "vllm-batch-1", "body": body}
    return {"id": "vllm-1", "custom_id": key, "response": response, "error": error}


def write_lines(path: Path, lines: Iterable[dict[str, Any]]) -> Path:
    """Write a file of such lines."""
    path.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines))
    return path
