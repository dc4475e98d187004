"""An endpoint where some models or tasks are broken, as a process of its own on a real socket.

`python -m tests.broken_endpoint PORT '{"check": "404"}'`: what is broken is named by its
task or, with 'model:' before it, by its model; all else is what the scripted model says. With 'some-' before
the fault it hits some prompts.
"""

import hashlib
import json
import sys
import urllib.request
from collections import Counter
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from oceanchat.llm.chat import Message
from oceanchat.prompts import read_tags
from oceanchat.scripted.model import reply_to
from tests.forks import Fork
from tests.processes import free_port, wait_until

TEXTS = {
    "prose": "The sentence is a lie. It is a lie.",
    "neutral": "Reason: nothing\nLabel: neutral",
    "none": "Reason: nothing\nResult: none",
    "short": "Questioner: So?\nSelf-discloser: Yes.",
    "declines": "I'm sorry, but I can't help with that.",
    "blank": "",
}
"""What a broken task replies."""
CONTEXT = "This model's maximum context length is 2048 tokens. However, you requested 2900 tokens."


class BrokenEndpoint:
    """Such a process, and what it has seen."""

    def __init__(self, **broken: str) -> None:
        port = free_port()
        self.url = f"http://127.0.0.1:{port}/v1"
        module = [sys.executable, "-m", __name__, str(port), json.dumps(broken)]
        self.process = Fork(module)
        try:
            wait_until(self._answers, self.process)
        except AssertionError:
            self.close()
            raise

    def _answers(self) -> bool:
        try:
            self.calls()
        except OSError:
            return False
        return True

    def calls(self) -> dict[str, int]:
        """Calls by task and by model."""
        with urllib.request.urlopen(f"{self.url}/counters") as response:
            counted: dict[str, int] = json.load(response)
        return counted

    def close(self) -> None:
        self.process.kill()
        self.process.wait()


def completion(text: str, finish: str) -> Response:
    choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": finish}
    usage = {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120}
    return JSONResponse({"object": "chat.completion", "choices": [choice], "usage": usage})


def app(broken: dict[str, str]) -> Starlette:
    calls: Counter[str] = Counter()

    async def chat(request: Request) -> Response:
        body: dict[str, Any] = await request.json()
        messages = tuple(Message(m["role"], m["content"]) for m in body["messages"])
        task, model = read_tags(messages)["task"], f"model:{body['model']}"
        calls.update((task, model))
        fault = broken.get(task) or broken.get(model)
        if fault is not None and fault.startswith("some-"):
            prompt = "".join(m.content for m in messages).encode()
            fault = fault.removeprefix("some-") if hashlib.sha256(prompt).digest()[0] < 96 else None
        if fault is not None and fault.isdigit():
            error = {"message": f"{body['model']} is refused on purpose", "type": "x", "code": None}
            return JSONResponse({"error": error}, int(fault))
        if fault == "context":
            error = {"message": CONTEXT, "type": "BadRequestError", "param": None, "code": 400}
            return JSONResponse({"object": "error", **error}, 400)
        if fault == "length":
            return completion("", "length")
        return completion(reply_to(messages, 0) if fault is None else TEXTS[fault], "stop")

    async def counters(request: Request) -> Response:
        return JSONResponse(dict(calls))

    async def models(request: Request) -> Response:
        return JSONResponse({"object": "list", "data": [{"id": "llama-small"}, {"id": "llama-large"}]})

    return Starlette(
        routes=[
            Route("/v1/chat/completions", chat, methods=["POST"]),
            Route("/v1/counters", counters),
            Route("/v1/models", models),
        ]
    )


if __name__ == "__main__":
    uvicorn.run(app(json.loads(sys.argv[2])), host="127.0.0.1", port=int(sys.argv[1]), log_level="critical")
