"""Hand on models' answers as they come.

An answer is asked for once however many pages wait for it, goes on when all of them are closed, and is stored
when it is whole. One that breaks off is gone; whoever waits asks again. Belongs to one event loop.
"""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Callable
from typing import NamedTuple

from oceanchat.annotation import conversations
from oceanchat.annotation.conversations import Request
from oceanchat.errors import OceanChatError
from oceanchat.llm.chat import ChatRequest
from oceanchat.llm.endpoint.request_errors import ErrorAction, RequestError
from oceanchat.llm.endpoint.streaming import StreamingEndpoint
from oceanchat.llm.settings import CallSettings
from oceanchat.prompts import Message
from oceanchat.store.conversations import StoredTurn
from oceanchat.store.database import Store

_logger = logging.getLogger(__name__)
ANSWER_SECONDS = 600.0
"""Within which a model has to end its answer."""


class AnswerBrokeOff(OceanChatError):
    """A model that did not answer; the annotator is not told which."""

    def __init__(self, *, lasting: bool) -> None:
        """`lasting`: asking again will hardly help."""
        advice = "; if this stays so, tell the lead and go on with Later" if lasting else ""
        what = "cannot answer here" if lasting else "does not answer at the moment"
        super().__init__(f"the model {what}; your message is stored and is sent again{advice}")


class AnswerPart(NamedTuple):
    """A piece of an answer, or the stored answer at its end."""

    piece: str = ""
    stored: StoredTurn | None = None


class _LiveAnswer:
    """One answer on its way."""

    def __init__(self) -> None:
        self.pieces: list[str] = []
        self.stored: StoredTurn | None = None
        self.failed = False
        self.lasting = False
        self.changed = asyncio.Condition()
        self.task: asyncio.Task[None] | None = None

    async def tell(self) -> None:
        async with self.changed:
            self.changed.notify_all()

    async def follow(self) -> AsyncIterator[AnswerPart]:
        """All pieces from the first, however late somebody comes. Raises AnswerBrokeOff."""
        count = 0
        while True:
            async with self.changed:
                while len(self.pieces) == count and self.stored is None and not self.failed:
                    await self.changed.wait()
            if len(self.pieces) > count:
                piece = "".join(self.pieces[count:])
                count = len(self.pieces)
                yield AnswerPart(piece)
            elif self.stored is not None:
                yield AnswerPart(stored=self.stored)
                return
            else:
                raise AnswerBrokeOff(lasting=self.lasting)


class LiveAnswers:
    """The answers that a process is waiting for."""

    def __init__(self, store: Store, settings_of: Callable[[str], CallSettings]) -> None:
        """`settings_of`: an endpoint's URL -> how it is called."""
        self._store, self._settings_of = store, settings_of
        self._endpoints: dict[str, StreamingEndpoint] = {}
        self._live: dict[tuple[int, int], _LiveAnswer] = {}

    def answer(self, request: Request) -> AsyncIterator[AnswerPart]:
        """The answer to a request, piece by piece, and as it is stored. Raises AnswerBrokeOff."""
        key = (request.conversation_id, request.number)
        live = self._live.get(key)
        if live is None:
            live = self._live[key] = _LiveAnswer()
            live.task = asyncio.get_running_loop().create_task(self._ask(request, live))
        return live.follow()

    async def _ask(self, request: Request, live: _LiveAnswer) -> None:
        try:
            endpoint = self._endpoint(request.url)
            async with asyncio.timeout(ANSWER_SECONDS):
                async for piece in endpoint.answer(request.model, _chat_request(request)):
                    live.pieces.append(piece)
                    await live.tell()
            text = "".join(live.pieces)
            live.stored = await asyncio.to_thread(conversations.store_answer, self._store, request, text)
        except TimeoutError:
            live.lasting = True
            _log(request, f"the answer did not end within {ANSWER_SECONDS:g} seconds")
        except (RequestError, OceanChatError) as error:
            live.lasting = isinstance(error, RequestError) and error.action is not ErrorAction.RETRY
            _log(request, str(error))
        finally:
            live.failed = live.stored is None
            del self._live[request.conversation_id, request.number]
            await live.tell()

    def _endpoint(self, url: str) -> StreamingEndpoint:
        if url not in self._endpoints:
            self._endpoints[url] = StreamingEndpoint(self._settings_of(url))
        return self._endpoints[url]

    async def close(self) -> None:
        """Close all sockets."""
        for endpoint in self._endpoints.values():
            await endpoint.close()


def _log(request: Request, problem: str) -> None:
    _logger.warning(f"model '{request.model}' at '{request.url}': {problem}")


def _chat_request(request: Request) -> ChatRequest:
    return ChatRequest(
        tuple(Message(role, content) for role, content in request.messages),
        task="persona",
        max_tokens=request.max_tokens,
        temperature=request.temperature,
        extra_body=json.dumps({"seed": request.seed}),
    )
