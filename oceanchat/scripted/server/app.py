"""ScriptedServer: the scripted model behind a real OpenAI-compatible endpoint, to rehearse a build for free.

Speaks chat completions, models, files and batches, misbehaves as told by Faults, and counts on /counters what
a provider would have billed.
"""

import asyncio
import hashlib
import json
import sys
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

from oceanchat.llm.chat import ChatAnswer, ChatRequest, Message
from oceanchat.llm.completions import render_completion
from oceanchat.scripted.model import ScriptedModel
from oceanchat.scripted.server.batches import ScriptedBatches
from oceanchat.scripted.server.faults import Counters, FaultDice, Faults, retry_after_header
from oceanchat.scripted.server.http import HttpRequest, HttpResponse, Manner, json_response, listen

Answerer = Callable[[ChatRequest], Awaitable[ChatAnswer]]
MODEL = "scripted-http"
_MALFORMED = "Well, that is an interesting thing to think about, all in all."
_STATUSES = {"429": "rate_limit_exceeded", "500": "server_error", "503": "overloaded"}
_MANNERS = {"hang": Manner.HANG, "reset": Manner.RESET, "cut_off": Manner.CUT_OFF}


def scripted() -> Answerer:
    """The scripted model."""
    return ScriptedModel().ask


def fixed(text: str) -> Answerer:
    """A model that always says `text`, with eight digits of the prompt's hash for `{digest}` in it.

    It takes no time, so that the caller is measured alone.
    """

    async def answer(request: ChatRequest) -> ChatAnswer:
        prompt = "\n".join(message.content for message in request.messages)
        digest = hashlib.sha256(prompt.encode("utf-8", "replace")).hexdigest()[:8]
        return ChatAnswer(text.replace("{digest}", digest))

    return answer


class ScriptedServer:
    """One endpoint; hand `handle` to `listen`."""

    def __init__(self, answerer: Answerer, faults: Faults) -> None:
        self.counters = Counters()
        self._answerer = answerer
        self._faults = faults
        self._dice = FaultDice(faults)
        self._batches = ScriptedBatches(self._batch_line, faults, self.counters)

    async def handle(self, request: HttpRequest) -> HttpResponse:
        """Answer one HTTP request."""
        path = request.path.removeprefix("/v1")
        if path == "/counters":
            return json_response(self.counters.as_json())
        if not self._may(request):
            return error_response(
                401, "invalid_api_key", "Incorrect API key provided: not the one that is asked for"
            )
        if path == "/models":
            return json_response({"object": "list", "data": [{"id": MODEL, "object": "model", "created": 0}]})
        if path == "/chat/completions" and request.method == "POST":
            return await self._chat(request)
        found = await self._batches.handle(request, path)
        return found or error_response(404, "not_found", f"no such path: {request.method} {request.path}")

    def _may(self, request: HttpRequest) -> bool:
        given = request.headers.get("authorization", "").removeprefix("Bearer ")
        return self._faults.key is None or given == self._faults.key

    async def _chat(self, request: HttpRequest) -> HttpResponse:
        self.counters.began()
        told = "gone"
        try:
            told, response = await self._reply(request)
            return response
        finally:
            self.counters.ended(told)

    async def _reply(self, request: HttpRequest) -> tuple[str, HttpResponse]:
        faults, counters = self._faults, self.counters
        crowded = faults.limit is not None and counters.in_flight > faults.limit
        fault = "429" if crowded else self._dice.draw()
        if faults.latency and not crowded:
            await asyncio.sleep(faults.latency)
        if faults.quota_after is not None and counters.paid >= faults.quota_after:
            return "quota", error_response(429, "insufficient_quota", "You exceeded your current quota")
        if fault in _STATUSES:
            headers = retry_after_header(faults) if fault != "500" else {}
            return fault, error_response(int(fault), _STATUSES[fault], "on purpose", headers)
        if fault == "hang":
            return fault, HttpResponse(200, b"", manner=Manner.HANG)
        sample = request.headers.get("x-oceanchat-sample", "0")
        status, content = await self._complete(request.body, int(sample) if sample.isdigit() else 0, fault)
        if status == 200:
            counters.pay(hashlib.sha256(request.body + sample.encode()).hexdigest())
        response = HttpResponse(status, content, self._limit_headers())
        if status == 200 and fault in _MANNERS:
            return fault, replace(response, manner=_MANNERS[fault])
        return fault if fault and status == 200 else str(status), response

    def _limit_headers(self) -> dict[str, str]:
        if not self._faults.rate_limit_headers:
            return {}
        return {"x-ratelimit-limit-requests": "10000", "x-ratelimit-remaining-requests": "9999"}

    async def _complete(self, body: bytes, sample: int, fault: str | None) -> tuple[int, bytes]:
        """Status and body for one chat completion."""
        try:
            asked = json.loads(body)
            request = _read_chat(asked, sample)
        except (ValueError, TypeError, KeyError, AttributeError):
            return 400, error_body("invalid_request_error", "the body is no chat completion request")
        if self._faults.poison and any(self._faults.poison in m.content for m in request.messages):
            return 400, error_body("content_filter", "the prompt was filtered")
        answer = _spoilt(await self._answerer(request), fault)
        if not self._faults.no_usage:
            prompt = sum(len(m.content.encode("utf-8", "replace")) for m in request.messages) // 4 + 1
            answer = replace(answer, prompt_tokens=prompt, completion_tokens=len(answer.text) // 4 + 1)
        return 200, render_completion(answer, str(asked.get("model", MODEL)))

    async def _batch_line(self, line: dict[str, Any]) -> tuple[int, Any]:
        """Status and body for one line of a batch file."""
        body = json.dumps(line.get("body")).encode()
        status, content = await self._complete(body, 0, self._dice.draw())
        if status == 200:
            self.counters.pay(hashlib.sha256(body + str(line.get("custom_id")).encode()).hexdigest())
        return status, json.loads(content)


def _read_chat(asked: Any, sample: int) -> ChatRequest:
    messages = tuple(Message(str(m["role"]), str(m["content"])) for m in asked["messages"])
    limit = asked.get("max_completion_tokens") or asked.get("max_tokens") or 1024
    temperature = float(asked.get("temperature", 1.0))
    return ChatRequest(messages, "", int(limit), temperature, float(asked.get("top_p", 1.0)), sample)


def _spoilt(answer: ChatAnswer, fault: str | None) -> ChatAnswer:
    if fault == "malformed":
        return ChatAnswer(_MALFORMED)
    if fault == "empty":
        return ChatAnswer("")
    if fault == "refusal":
        return ChatAnswer("", refusal="I can't help with that.")
    if fault == "length":
        return ChatAnswer(answer.text[: len(answer.text) // 2], finish_reason="length")
    return answer


def error_body(code: str, message: str) -> bytes:
    """An error as the API words it."""
    return json.dumps({"error": {"message": message, "type": code, "param": None, "code": code}}).encode()


def error_response(
    status: int, code: str, message: str, headers: dict[str, str] | None = None
) -> HttpResponse:
    """An error response as the API words it."""
    return HttpResponse(status, error_body(code, message), headers or {})


async def serve(answerer: Answerer, faults: Faults, host: str, port: int) -> None:
    """Serve until cancelled; says on stderr where."""
    server = await listen(ScriptedServer(answerer, faults).handle, host, port)
    bound = server.sockets[0].getsockname()[1]
    print(
        f"scripted endpoint at http://{host}:{bound}/v1 (model '{MODEL}'), counters at /counters",
        file=sys.stderr,
        flush=True,
    )
    async with server:
        await server.serve_forever()
