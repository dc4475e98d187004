"""An endpoint with a mind of its own, as a process on a real socket.

`python -m tests.odd_endpoint MODE` prints its address. Each mode is one way in which servers differ from the
API that everybody copies.
"""

import asyncio
import json
import socket
import subprocess
import sys
import time
import urllib.request
from collections import Counter
from collections.abc import Callable
from typing import Any

import uvicorn
from uvicorn._types import ASGIReceiveCallable, ASGISendCallable, Scope

from oceanchat.llm.settings import CallSettings
from tests.forks import Fork

Json = dict[str, Any]
Reply = tuple[int, Any]
ANSWER = "Label: neutral"


def completion(text: str = ANSWER, finish: str | None = "stop", **more: Any) -> Json:
    choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": finish}
    return {"choices": [choice | more], "usage": {"prompt_tokens": 9, "completion_tokens": 4}}


def refusal(message: str, code: str | None = None, param: str | None = None, status: int = 400) -> Reply:
    return status, {
        "error": {"message": message, "type": "invalid_request_error", "param": param, "code": code}
    }


def reasoning_model(body: Json) -> Reply:
    if "max_tokens" in body:
        return refusal(
            "Unsupported parameter: 'max_tokens' is not supported with this model. Use"
            " 'max_completion_tokens' instead.",
            "unsupported_parameter",
            "max_tokens",
        )
    if body.get("temperature", 1) != 1:
        return refusal(
            f"Unsupported value: 'temperature' does not support {body['temperature']} with this model.",
            "unsupported_value",
            "temperature",
        )
    return 200, completion()


def no_system(body: Json) -> Reply:
    if any(message["role"] == "system" for message in body["messages"]):
        return 400, {"object": "error", "message": "System role not supported", "code": 400, "param": None}
    return 200, completion(body["messages"][0]["content"])


def poisoned(body: Json) -> Reply:
    """Refuses one prompt in words that look like a refusal of a parameter."""
    if "poison" in str(body["messages"]):
        return refusal("Prompt not allowed: 'temperature is unsupported with max_tokens, use top_p'")
    return 200, completion("temperature" if "temperature" in body else "none")


EVENTS = (
    b'data: {"choices": [{"delta": {"content": "in "}}]}\n\n'
    b'data: {"choices": [{"delta": {"content": "parts"}, "finish_reason": "stop"}]}\n\n'
    b'data: {"choices": [], "usage": {"prompt_tokens": 9, "completion_tokens": 4}}\n\ndata: [DONE]\n\n'
)


def streams_only(body: Json) -> Reply:
    if not body.get("stream") or not body["stream_options"]["include_usage"]:
        return refusal("This model only support stream mode, please enable the stream parameter.")
    return 200, EVENTS


READY_AFTER = 3.0
"""Seconds that the mode 'loading' takes from its first request on."""
_FIRST_REQUEST: list[float] = []


def loading(body: Json) -> Reply:
    """Loads its model first."""
    _FIRST_REQUEST[1:] = []
    _FIRST_REQUEST.append(time.monotonic())
    return (200, completion()) if time.monotonic() > _FIRST_REQUEST[0] + READY_AFTER else NOT_READY


def never_ready(body: Json) -> Reply:
    """Says to some prompts that it is loading, however often they come."""
    return NOT_READY if "question" in str(body["messages"]) else (200, completion())


NOT_READY: Reply = (503, {"error": {"code": 503, "message": "Loading model", "type": "unavailable_error"}})
REPLIES: dict[str, Callable[[Json], Any]] = {
    "plain": lambda body: (200, completion()),
    "reasoning": reasoning_model,
    "no_system": no_system,
    "poisoned": poisoned,
    "loading": loading,
    "never_ready": never_ready,
    "credit": lambda body: (200, {"error": {"code": 402, "message": "This request requires more credits"}}),
    "studio": lambda body: (200, {"error": "Unexpected endpoint or method. (POST /v1/chat/completions)"}),
    "page": lambda body: (200, b"<html><title>Sign in to the campus</title></html>"),
    "no_choices": lambda body: (200, {"choices": None, "usage": {}}),
    "broken_off": lambda body: (200, completion("half of", "error", error={"code": 502, "message": "gone"})),
    "events": lambda body: (200, EVENTS),
    "streams_only": streams_only,
}


class OddApp:
    """Answers everything in one mode and counts."""

    def __init__(self, mode: str) -> None:
        self.mode = mode
        self.counters: Counter[str] = Counter()
        self.alone = asyncio.Lock()

    async def __call__(self, scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        assert scope["type"] == "http"
        if scope["path"] == "/counters":
            return await respond(send, 200, dict(self.counters))
        raw, more = b"", True
        while more:
            message = await receive()
            raw, more = raw + message.get("body", b""), message.get("more_body", False)  # type: ignore[operator]
        self.counters["calls"] += 1
        self.counters[f"{scope['path']}?{scope['query_string'].decode()}"] += 1
        await self.answer(scope, json.loads(raw), send)

    async def answer(self, scope: Any, body: Json, send: ASGISendCallable) -> None:
        """One reply in the mode of this endpoint."""
        if self.mode == "dripping":
            return await drip(send)
        if self.mode == "endless":
            return await flood(send)
        if self.mode == "serial":
            async with self.alone:
                await asyncio.sleep(0.1)
            return await respond(send, 200, completion())
        if self.mode == "below_v1" and not scope["path"].startswith("/v1/"):
            return await respond(send, 404, b"404 page not found")
        if self.mode == "loop":
            return await respond(send, 307, {}, (b"location", scope["path"].encode() + b"?x"))
        if self.mode == "moved":
            return await respond(send, 307, {}, (b"location", b"http://127.0.0.1:9/v1/chat/completions"))
        await respond(send, *REPLIES.get(self.mode, REPLIES["plain"])(body))


async def respond(send: ASGISendCallable, status: int, content: Any, *headers: tuple[bytes, bytes]) -> None:
    data = content if isinstance(content, bytes) else json.dumps(content).encode()
    head = [(b"content-length", str(len(data)).encode()), (b"retry-after", b"0"), *headers]
    await send({"type": "http.response.start", "status": status, "headers": head, "trailers": False})
    await send({"type": "http.response.body", "body": data, "more_body": False})


async def drip(send: ASGISendCallable) -> None:
    """A byte now and then, for ever."""
    await send({"type": "http.response.start", "status": 200, "headers": [], "trailers": False})
    while True:
        await send({"type": "http.response.body", "body": b" ", "more_body": True})
        await asyncio.sleep(0.05)


async def flood(send: ASGISendCallable) -> None:
    """More than fits into memory."""
    await send({"type": "http.response.start", "status": 200, "headers": [], "trailers": False})
    while True:
        await send({"type": "http.response.body", "body": b'"' + b"x" * 2**20, "more_body": True})


class OddEndpoint:
    """A running endpoint in one mode."""

    def __init__(self, mode: str) -> None:
        command = [sys.executable, "-m", "tests.odd_endpoint", mode]
        self.process = Fork(command, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        self.root = self.process.stdout.readline().strip()
        assert self.root.startswith("http://"), self.root
        self.url = f"{self.root}/v1"

    def counters(self) -> dict[str, int]:
        with urllib.request.urlopen(f"{self.root}/counters") as response:
            counted: dict[str, int] = json.load(response)
        return counted

    def settings(self, **given: Any) -> CallSettings:
        return CallSettings(**({"base_url": self.url} | given))

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        if self.process.stdout:
            self.process.stdout.close()


def main() -> None:
    listener = socket.create_server(("127.0.0.1", 0), backlog=256)
    print(f"http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
    config = uvicorn.Config(
        OddApp(sys.argv[1]), lifespan="off", log_level="critical", access_log=False, ws="none"
    )
    asyncio.run(uvicorn.Server(config).serve(sockets=[listener]))


if __name__ == "__main__":
    main()
