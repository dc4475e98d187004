"""The scripted model behind an OpenAI-compatible endpoint.

Serves chat completions, models, files and batches to rehearse a build for free, breaks as Faults say, and
counts on /counters what a provider would have billed.
"""

import asyncio
import hashlib
import json
import socket
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from oceanchat.errors import ConfigError
from oceanchat.llm.chat import ChatAnswer, ChatRequest, Message
from oceanchat.llm.completions import render_completion
from oceanchat.llm.settings import SCRIPTED_HTTP
from oceanchat.nesting import parse_json
from oceanchat.scripted.model import ScriptedModel
from oceanchat.scripted.server.batches import ScriptedBatches
from oceanchat.scripted.server.faults import Counters, FaultDice, Faults, retry_after_header
from oceanchat.scripted.server.responses import (
    ConnectionProtocol,
    CutOffResponse,
    HangingResponse,
    ResetResponse,
)

Answerer = Callable[[ChatRequest], Awaitable[ChatAnswer]]
_MALFORMED = "Well, that is an interesting thing to think about, all in all."
_STATUSES = {"429": "rate_limit_exceeded", "500": "server_error", "503": "overloaded"}
_BROKEN: dict[str | None, type[Response]] = {"reset": ResetResponse, "cut_off": CutOffResponse}
_IDLE_SECONDS = 3600
"""How long a connection may stay idle; the endpoint breaks none but on purpose."""


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


class ScriptedEndpoint:
    """One endpoint; `app` is what a server runs."""

    def __init__(self, answerer: Answerer, faults: Faults) -> None:
        self.counters = Counters()
        self._answerer = answerer
        self._faults = faults
        self._dice = FaultDice(faults)
        batches = ScriptedBatches(self._batch_line, faults, self.counters)
        routes = [
            Route("/chat/completions", self._chat, methods=["POST"]),
            Route("/models", self._models),
            Route("/counters", self._counters),
            *batches.routes(),
        ]
        self.app = Starlette(
            routes=[Mount("/v1", routes=routes), *routes],
            middleware=[] if faults.key is None else [Middleware(RequireKey, faults.key)],
            exception_handlers={HTTPException: _error},
        )

    async def _counters(self, request: Request) -> Response:
        return JSONResponse(self.counters.as_json())

    async def _models(self, request: Request) -> Response:
        return JSONResponse(
            {"object": "list", "data": [{"id": SCRIPTED_HTTP, "object": "model", "created": 0}]}
        )

    async def _chat(self, request: Request) -> Response:
        self.counters.start()
        outcome = "gone"
        try:
            outcome, response = await self._reply(request)
            return response
        finally:
            self.counters.end(outcome)

    async def _reply(self, request: Request) -> tuple[str, Response]:
        faults, counters = self._faults, self.counters
        body = await request.body()
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
            return fault, HangingResponse()
        sample = request.headers.get("x-oceanchat-sample", "0")
        status, content = await self._complete(body, int(sample) if sample.isdigit() else 0, fault)
        if status != 200:
            return str(status), Response(content, status, media_type="application/json")
        counters.pay(hashlib.sha256(body + sample.encode()).hexdigest())
        kind = _BROKEN.get(fault, Response)
        return fault or "200", kind(content, 200, self._limit_headers(), media_type="application/json")

    def _limit_headers(self) -> dict[str, str]:
        if not self._faults.rate_limit_headers:
            return {}
        return {"x-ratelimit-limit-requests": "10000", "x-ratelimit-remaining-requests": "9999"}

    async def _complete(self, body: bytes, sample: int, fault: str | None) -> tuple[int, bytes]:
        """Status and body for one chat completion."""
        try:
            content = parse_json(body)
            request = _read_chat(content, sample)
        except (ValueError, TypeError, KeyError, AttributeError, OverflowError):
            return 400, error_body("invalid_request_error", "the body is not a chat completion request")
        if (name := self._faults.refused_parameter(content)) is not None:
            message = f"Unsupported parameter: '{name}' is not supported with this model."
            return 400, error_body("unsupported_parameter", message, name)
        if self._faults.poison and any(self._faults.poison in m.content for m in request.messages):
            return 400, error_body("content_filter", "the prompt was filtered")
        answer = _spoilt(await self._answerer(request), fault)
        if not self._faults.no_usage:
            prompt = sum(len(m.content.encode("utf-8", "replace")) for m in request.messages) // 4 + 1
            answer = replace(answer, prompt_tokens=prompt, completion_tokens=len(answer.text) // 4 + 1)
        return 200, render_completion(answer, str(content.get("model", SCRIPTED_HTTP)))

    async def _batch_line(self, line: dict[str, Any]) -> tuple[int, Any]:
        """Status and body for one line of a batch file."""
        body = json.dumps(line.get("body")).encode()
        status, content = await self._complete(body, 0, self._dice.draw())
        if status == 200:
            self.counters.pay(hashlib.sha256(body + str(line.get("custom_id")).encode()).hexdigest())
        return status, json.loads(content)


def _read_chat(content: Any, sample: int) -> ChatRequest:
    messages = tuple(Message(str(m["role"]), str(m["content"])) for m in content["messages"])
    limit = content.get("max_completion_tokens") or content.get("max_tokens") or 1024
    temperature = float(content.get("temperature", 1.0))
    return ChatRequest(messages, "", int(limit), temperature, float(content.get("top_p", 1.0)), sample)


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


def error_body(code: str, message: str, param: str | None = None) -> bytes:
    """An error as the API words it."""
    return json.dumps({"error": {"message": message, "type": code, "param": param, "code": code}}).encode()


def error_response(status: int, code: str, message: str, headers: dict[str, str] | None = None) -> Response:
    """An error response as the API words it."""
    return Response(error_body(code, message), status, headers, media_type="application/json")


async def _error(request: Request, error: Exception) -> Response:
    """What a request gets that no route answers."""
    status = error.status_code if isinstance(error, HTTPException) else 500
    if status == 404:
        return error_response(404, "not_found", f"no such path: {request.method} {request.url.path}")
    return error_response(status, "invalid_request_error", f"{request.method} {request.url.path} failed")


class RequireKey:
    """Middleware: 401 for any other key than this one."""

    def __init__(self, app: ASGIApp, key: str) -> None:
        self._app = app
        self._key = key

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; the counters need no key."""
        request = Request(scope)
        key = request.headers.get("authorization", "").removeprefix("Bearer ")
        if key == self._key or request.url.path.endswith("/counters"):
            return await self._app(scope, receive, send)
        response = error_response(401, "invalid_api_key", "Incorrect API key provided")
        await response(scope, receive, send)


async def serve(answerer: Answerer, faults: Faults, host: str, port: int, say: Callable[[str], None]) -> None:
    """Serve until the process is stopped; the address is said first."""
    listener = _listen(host, port)
    config = uvicorn.Config(
        ScriptedEndpoint(answerer, faults).app,
        http=ConnectionProtocol,
        ws="none",
        lifespan="off",
        log_config=None,
        log_level="critical",
        access_log=False,
        server_header=False,
        date_header=False,
        timeout_keep_alive=_IDLE_SECONDS,
        timeout_graceful_shutdown=0,
    )
    say(
        f"scripted endpoint at http://{host}:{listener.getsockname()[1]}/v1 (model '{SCRIPTED_HTTP}'),"
        " counters at /counters"
    )
    say(
        "rehearse with --model scripted-http, whose dialogues are marked as scripted, and in a store of its"
        " own (--store rehearsal.db): an answer counts as that of whatever model was asked for"
    )
    await uvicorn.Server(config).serve(sockets=[listener])


def _listen(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 takes a free one."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=1024)
    except OSError as error:
        raise ConfigError(f"--host '{host}' --port '{port}' cannot be used: {error.strerror}") from None
