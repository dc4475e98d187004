"""The endpoint's routes and limits.

An OpenAI-compatible endpoint on starlette: models, chat and text completions, health and metrics. The models
are another thread's; here requests are read, answers awaited, and clients that leave are noticed.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from preact.serving.answering import Answering, Order, Piece, QueueFull
from preact.serving.batch import Drawn
from preact.serving.chat_calls import Refused
from preact.serving.counting import ServerCounts
from preact.serving.guards import BearerKey, Counting, failure, http_error, refusal
from preact.serving.preparing import Limits, PreparedCall, portrait_of, prepare_chat, prepare_text
from preact.serving.prompt_scores import PromptToken
from preact.serving.replies import DONE, Answer, error_content, event
from preact.serving.roster import Roster

LATE = 5.0
"""Seconds after its time that an answer is given up although the models' thread says nothing: it hangs."""
GONE = 499
"""The status, which nobody reads, of a request whose client has left."""

Prepare = Callable[[Roster, Limits, bytes], PreparedCall]


class PersonaEndpoint:
    """One endpoint; `app` is what a server runs."""

    def __init__(self, roster: Roster, limits: Limits, key: str | None = None) -> None:
        self.counts = ServerCounts()
        self._roster, self._limits = roster, limits
        self._answering = Answering(roster, self.counts, limits.batch, limits.queue)
        self.app = Starlette(
            routes=[
                Route("/v1/chat/completions", self._chat, methods=["POST"]),
                Route("/v1/completions", self._text, methods=["POST"]),
                Route("/v1/models", self._models),
                Route("/v1/models/{model:path}", self._model),
                Route("/health", self._health),
                Route("/metrics", self._metrics),
            ],
            middleware=[Middleware(Counting, self.counts), Middleware(BearerKey, key)],
            exception_handlers={Refused: refusal, HTTPException: http_error, Exception: failure},
            lifespan=self._lifespan,
        )

    @contextlib.asynccontextmanager
    async def _lifespan(self, app: Starlette) -> AsyncIterator[None]:
        try:
            yield
        finally:
            await run_in_threadpool(self._answering.stop)

    async def _health(self, request: Request) -> Response:
        status = "ok" if self._answering.alive else "stopping"
        if status == "ok" and self._answering.busy_seconds > self._limits.seconds:
            status = "stuck"
        return JSONResponse({"status": status}, 200 if status == "ok" else 503)

    async def _metrics(self, request: Request) -> Response:
        return PlainTextResponse(self.counts.exposition(), media_type="text/plain; version=0.0.4")

    async def _models(self, request: Request) -> Response:
        return JSONResponse({"object": "list", "data": [self._entry(n) for n in self._roster.names()]})

    async def _model(self, request: Request) -> Response:
        name = request.path_params["model"]
        portrait_of(self._roster, name)
        return JSONResponse(self._entry(name))

    def _entry(self, name: str) -> dict[str, Any]:
        entry = {"id": name, "object": "model", "created": 0, "owned_by": "preact"}
        return entry | {"description": self._roster.describe(name)}

    async def _chat(self, request: Request) -> Response:
        return await self._answer(request, prepare_chat)

    async def _text(self, request: Request) -> Response:
        return await self._answer(request, prepare_text)

    async def _answer(self, request: Request, prepare: Prepare) -> Response:
        try:
            async with asyncio.timeout(self._limits.seconds):
                body = await self._body(request)
        except TimeoutError:
            raise Refused(
                408, "timeout", "the request's body did not arrive in time; send it again"
            ) from None
        except ClientDisconnect:
            return Response(status_code=GONE)
        prepared = await run_in_threadpool(prepare, self._roster, self._limits, body)
        pieces: asyncio.Queue[Piece] = asyncio.Queue()
        order = self._order(prepared, pieces)
        try:
            self._answering.submit(order)
        except QueueFull:
            raise Refused(429, "rate_limit_exceeded", "too many requests wait; ask again later") from None
        if prepared.stream:
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

    def _order(self, prepared: PreparedCall, pieces: "asyncio.Queue[Piece]") -> Order:
        loop = asyncio.get_running_loop()

        def send(piece: Piece) -> None:
            # The loop may have ended before its thread is told.
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(pieces.put_nowait, piece)

        return Order(prepared.portrait.lane, prepared.row, send, prepared.stops, self._limits.seconds)

    async def _whole(
        self, request: Request, prepared: PreparedCall, order: Order, pieces: "asyncio.Queue[Piece]"
    ) -> Response:
        collecting = asyncio.create_task(_collect(pieces, order))
        leaving = asyncio.create_task(_left(request))
        try:
            await asyncio.wait({collecting, leaving}, return_when=asyncio.FIRST_COMPLETED)
            if not collecting.done():
                raise ClientDisconnect
            return JSONResponse(prepared.whole(await collecting))
        except ClientDisconnect:
            self.counts.cancelled += 1
            return Response(status_code=GONE)
        finally:
            order.cancelled = True
            collecting.cancel()
            leaving.cancel()

    async def _stream(
        self, prepared: PreparedCall, order: Order, pieces: "asyncio.Queue[Piece]"
    ) -> AsyncIterator[str]:
        envelope, until = prepared.envelope, _last_moment(order)
        count, ended = 0, False
        try:
            yield event(envelope.chunk({"role": "assistant", "content": ""}, (), None))
            while not ended:
                piece = await _next(pieces, until)
                count += len(piece.tokens)
                ended = piece.ending is not None
                if piece.ending in ("timeout", "failed"):
                    yield event(error_content(_broken(piece.ending)))
                    return
                if piece.text or (envelope.logprobs and piece.tokens):
                    yield event(envelope.chunk({"content": piece.text}, piece.tokens, None))
                if piece.ending:
                    yield event(envelope.chunk({}, (), piece.ending))
            if prepared.usage:
                yield event(envelope.last_chunk(count))
            yield DONE
        finally:
            order.cancelled = True
            self.counts.cancelled += not ended


async def _collect(pieces: "asyncio.Queue[Piece]", order: Order) -> Answer:
    text, until = "", _last_moment(order)
    tokens: list[Drawn] = []
    prompt: tuple[PromptToken | None, ...] = ()
    while True:
        piece = await _next(pieces, until)
        text += piece.text
        tokens += piece.tokens
        prompt = piece.prompt or prompt
        if piece.ending in ("timeout", "failed"):
            raise _broken(piece.ending)
        if piece.ending:
            return Answer(text, tokens, piece.ending, prompt)


def _last_moment(order: Order) -> float:
    """When an answer is given up, by the loop's clock."""
    return asyncio.get_running_loop().time() + order.seconds + LATE


async def _next(pieces: "asyncio.Queue[Piece]", until: float) -> Piece:
    """What comes next; a timeout where nothing does, since a model that hangs cannot say so itself."""
    try:
        async with asyncio.timeout_at(until):
            return await pieces.get()
    except TimeoutError:
        return Piece("", ending="timeout")


async def _left(request: Request) -> None:
    """Wait for the client to go."""
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _broken(ending: str) -> Refused:
    if ending == "timeout":
        return Refused(504, "timeout", "the answer took too long; ask for fewer tokens, or later")
    return Refused(503, "server_error", "the answer broke off; the server's log says why")
