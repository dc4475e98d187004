"""The endpoint's routes, keys and limits.

An OpenAI-compatible endpoint on starlette: models, chat completions, health and metrics. The models are
another thread's; here requests are read, answers awaited, and clients that leave are noticed.
"""

import asyncio
import contextlib
import hmac
import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, NamedTuple

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from oceanchat.errors import ConfigError, TrainingError
from preact.dialogues.conversation import prompt_ids
from preact.serving.answering import Answering, Order, Piece, QueueFull
from preact.serving.batch import BatchRow, Drawn
from preact.serving.chat_calls import ChatCall, Refused, read_call
from preact.serving.counting import ServerCounts
from preact.serving.replies import DONE, Envelope, error_content, event
from preact.serving.roster import Portrait, Roster
from preact.systems.local import seed_of
from preact.systems.system import Conversation

_UNBOUNDED = 10**9


@dataclass(frozen=True)
class Limits:
    """What one request, and all together, may take."""

    batch: int = 16
    """Conversations a batch."""
    queue: int = 256
    """Requests that may wait."""
    tokens: int = 1024
    """Tokens an answer."""
    seconds: float = 600.0
    """Seconds a request, waiting included."""
    body: int = 4 * 2**20
    """Bytes a request."""


class PreparedCall(NamedTuple):
    """A request that can be answered."""

    call: ChatCall
    portrait: Portrait
    row: BatchRow
    envelope: Envelope


class PersonaEndpoint:
    """One endpoint; `app` is what a server runs."""

    def __init__(self, roster: Roster, limits: Limits, key: str | None = None) -> None:
        self.counts = ServerCounts()
        self._roster, self._limits = roster, limits
        self._answering = Answering(roster, self.counts, limits.batch, limits.queue)
        self.app = Starlette(
            routes=[
                Route("/v1/chat/completions", self._chat, methods=["POST"]),
                Route("/v1/models", self._models),
                Route("/v1/models/{model:path}", self._model),
                Route("/health", self._health),
                Route("/metrics", self._metrics),
            ],
            middleware=[Middleware(Counting, self.counts), Middleware(BearerKey, key)],
            exception_handlers={Refused: _refusal, HTTPException: _http_error, Exception: _failure},
            lifespan=self._lifespan,
        )

    @contextlib.asynccontextmanager
    async def _lifespan(self, app: Starlette) -> AsyncIterator[None]:
        try:
            yield
        finally:
            await run_in_threadpool(self._answering.stop)

    async def _health(self, request: Request) -> Response:
        alive = self._answering.alive
        return JSONResponse({"status": "ok" if alive else "stopping"}, 200 if alive else 503)

    async def _metrics(self, request: Request) -> Response:
        return PlainTextResponse(self.counts.exposition(), media_type="text/plain; version=0.0.4")

    async def _models(self, request: Request) -> Response:
        return JSONResponse({"object": "list", "data": [self._entry(n) for n in self._roster.names()]})

    async def _model(self, request: Request) -> Response:
        name = request.path_params["model"]
        _portrait(self._roster, name)
        return JSONResponse(self._entry(name))

    def _entry(self, name: str) -> dict[str, Any]:
        entry = {"id": name, "object": "model", "created": 0, "owned_by": "preact"}
        return entry | {"description": self._roster.describe(name)}

    async def _chat(self, request: Request) -> Response:
        try:
            async with asyncio.timeout(self._limits.seconds):
                body = await self._body(request)
        except TimeoutError:
            raise Refused(
                408, "timeout", "the request's body did not arrive in time; send it again"
            ) from None
        prepared = await run_in_threadpool(self._prepare, body)
        pieces: asyncio.Queue[Piece] = asyncio.Queue()
        order = self._order(prepared, pieces)
        try:
            self._answering.submit(order)
        except QueueFull:
            raise Refused(429, "rate_limit_exceeded", "too many requests wait; ask again later") from None
        if prepared.call.stream:
            stream = self._stream(prepared, order, pieces)
            return StreamingResponse(stream, media_type="text/event-stream")
        return await self._whole(request, prepared, order, pieces)

    async def _body(self, request: Request) -> bytes:
        parts, size = [], 0
        async for part in request.stream():
            size += len(part)
            if size > self._limits.body:
                raise Refused(
                    413,
                    "request_too_large",
                    f"the request is larger than {self._limits.body} bytes; send less",
                )
            parts.append(part)
        return b"".join(parts)

    def _prepare(self, body: bytes) -> PreparedCall:
        """Read a request as far as it can be refused. Raises Refused."""
        call = read_call(body)
        portrait = _portrait(self._roster, call.model)
        sampling = call.sampling()
        if sampling.max_tokens > self._limits.tokens:
            raise Refused(
                400,
                "invalid_request_error",
                f"{sampling.max_tokens} tokens are asked for; an answer has at most {self._limits.tokens}",
                "max_tokens",
            )
        system, turns = call.conversation()
        run = self._roster.runs[portrait.lane[0]]
        text = "\n\n".join(filter(None, [portrait.system, system]))
        try:
            ids = prompt_ids(run.tokenizer, turns, context=_UNBOUNDED, system=text)
        except TrainingError as error:
            raise Refused(400, "invalid_request_error", str(error), "messages") from None
        room = getattr(run.model.config, "max_position_embeddings", None) or _UNBOUNDED
        if not ids or len(ids) + sampling.max_tokens > room:
            raise Refused(
                400,
                "context_length_exceeded",
                f"the prompt has {len(ids)} tokens and {sampling.max_tokens} are asked for; the backbone"
                f" takes {room} together: shorten the messages or lower max_tokens",
                "messages",
            )
        # The seed of `preact chat --seed` at the same turn, so that both say the same.
        number = secrets.randbits(31) if call.seed is None else call.seed + len(turns)
        seed = seed_of(Conversation(portrait.persona, turns, number))
        top = (call.top_logprobs or 0) if call.logprobs else None
        row = BatchRow(ids, portrait.weights, sampling, seed, top)
        return PreparedCall(
            call, portrait, row, Envelope(call.model, run.tokenizer, len(ids), bool(call.logprobs))
        )

    def _order(self, prepared: PreparedCall, pieces: "asyncio.Queue[Piece]") -> Order:
        loop = asyncio.get_running_loop()

        def send(piece: Piece) -> None:
            # The loop may have ended before its thread is told.
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(pieces.put_nowait, piece)

        stops = tuple(prepared.call.stop)
        return Order(prepared.portrait.lane, prepared.row, send, stops, self._limits.seconds)

    async def _whole(
        self, request: Request, prepared: PreparedCall, order: Order, pieces: "asyncio.Queue[Piece]"
    ) -> Response:
        collecting = asyncio.create_task(_collect(pieces))
        leaving = asyncio.create_task(_left(request))
        try:
            await asyncio.wait({collecting, leaving}, return_when=asyncio.FIRST_COMPLETED)
            if not collecting.done():
                raise ClientDisconnect
            text, tokens, finish = await collecting
            return JSONResponse(prepared.envelope.whole(text, tokens, finish))
        except ClientDisconnect:
            self.counts.cancelled += 1
            return Response(status_code=499)
        finally:
            order.cancelled = True
            collecting.cancel()
            leaving.cancel()

    async def _stream(
        self, prepared: PreparedCall, order: Order, pieces: "asyncio.Queue[Piece]"
    ) -> AsyncIterator[str]:
        envelope, call = prepared.envelope, prepared.call
        count, ended = 0, False
        try:
            yield event(envelope.chunk({"role": "assistant", "content": ""}, (), None))
            while not ended:
                piece = await pieces.get()
                count += len(piece.tokens)
                ended = piece.ending is not None
                if piece.ending in ("timeout", "failed"):
                    yield event(error_content(_broken(piece.ending)))
                    return
                if piece.text or (call.logprobs and piece.tokens):
                    yield event(envelope.chunk({"content": piece.text}, piece.tokens, None))
                if piece.ending:
                    yield event(envelope.chunk({}, (), piece.ending))
            if call.stream_options and call.stream_options.include_usage:
                yield event(envelope.last_chunk(count))
            yield DONE
        finally:
            order.cancelled = True
            self.counts.cancelled += not ended


async def _collect(pieces: "asyncio.Queue[Piece]") -> tuple[str, list[Drawn], str]:
    text = ""
    tokens: list[Drawn] = []
    while True:
        piece = await pieces.get()
        text += piece.text
        tokens += piece.tokens
        if piece.ending in ("timeout", "failed"):
            raise _broken(piece.ending)
        if piece.ending:
            return text, tokens, piece.ending


async def _left(request: Request) -> None:
    """Wait for the client to go."""
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _portrait(roster: Roster, name: str) -> Portrait:
    try:
        return roster.portrait(name)
    except ConfigError as error:
        raise Refused(
            404, "model_not_found", f"{error}; /v1/models lists the trait-levels", "model"
        ) from None


def _broken(ending: str) -> Refused:
    if ending == "timeout":
        return Refused(504, "timeout", "the answer took too long; ask for fewer tokens, or later")
    return Refused(503, "server_error", "the answer broke off; the server's log says why")


async def _refusal(request: Request, error: Exception) -> Response:
    assert isinstance(error, Refused)
    headers = {"Retry-After": "1"} if error.status == 429 else {}
    return JSONResponse(error_content(error), error.status, headers)


async def _http_error(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    message = (
        f"{request.method} {request.url.path[:200]} is not served; see /v1/models and /v1/chat/completions"
    )
    return JSONResponse(error_content(Refused(status, "not_found", message)), status)


async def _failure(request: Request, error: Exception) -> Response:
    refused = Refused(500, "server_error", "the server failed at this request; its log says why")
    return JSONResponse(error_content(refused), 500)


class BearerKey:
    """Middleware: 401 for any other key than this one; without one any key is accepted."""

    def __init__(self, app: ASGIApp, key: str | None) -> None:
        self._app, self._key = app, key

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; health needs no key."""
        if scope["type"] == "http" and self._key is not None and scope["path"] != "/health":
            given = Request(scope).headers.get("authorization", "").removeprefix("Bearer ")
            if not hmac.compare_digest(given.encode(), self._key.encode()):
                refused = Refused(
                    401, "invalid_api_key", "the API key is wrong; send the server's as bearer key"
                )
                await JSONResponse(error_content(refused), 401)(scope, receive, send)
                return
        await self._app(scope, receive, send)


class Counting:
    """Middleware: count answers by status."""

    def __init__(self, app: ASGIApp, counts: ServerCounts) -> None:
        self._app, self._counts = app, counts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""

        async def counted(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._counts.requests[message["status"]] += 1
            await send(message)

        await self._app(scope, receive, counted if scope["type"] == "http" else send)
