"""Stream one model's answers, piece by piece.

For people who wait in front of a page: no retries, no ledger. An answer counts when the endpoint says that it
has ended; what breaks off before is an error.
"""

import contextlib
from collections.abc import AsyncGenerator, AsyncIterator

import httpx2
import openai

from oceanchat.llm.chat import ChatRequest
from oceanchat.llm.endpoint.client import Connection
from oceanchat.llm.endpoint.request_errors import ErrorAction, RequestError, classify
from oceanchat.llm.endpoint.request_form import RequestForm
from oceanchat.llm.settings import CallSettings
from oceanchat.llm.throttle import Throttle


class StreamingEndpoint:
    """The models behind one endpoint, of one event loop."""

    def __init__(self, settings: CallSettings) -> None:
        self._connection = Connection(settings, Throttle(settings.concurrency))
        self._forms: dict[str, RequestForm] = {}

    async def answer(self, model: str, request: ChatRequest) -> AsyncIterator[str]:
        """The pieces of one answer as they come. Raises RequestError, whose message holds no secret.

        What a model refuses of a request's form is written otherwise, as in a build.
        """
        form = self._forms.get(model, RequestForm())
        while True:
            try:
                async with contextlib.aclosing(self._pieces(form.body(model, request))) as pieces:
                    async for piece in pieces:
                        yield piece
                self._forms[model] = form
                return
            except RequestError as error:
                better = form.after(error.words.status, error.words, request)
                if better is None:
                    error.message = self._connection.shown_error(error.message)
                    raise
                form = better

    async def _pieces(self, body: dict[str, object]) -> AsyncGenerator[str]:
        ended = False
        try:
            stream = await self._connection.client.post(
                "/chat/completions",
                cast_to=openai.types.chat.ChatCompletionChunk,
                body={**body, "stream": True},
                stream=True,
                stream_cls=openai.AsyncStream[openai.types.chat.ChatCompletionChunk],
            )
            async with stream:
                async for chunk in stream:
                    for choice in chunk.choices or ():
                        if choice.delta and choice.delta.content:
                            yield self._connection.redact_text(choice.delta.content)
                        ended = ended or choice.finish_reason is not None
        except openai.OpenAIError as error:
            raise classify(error) from None
        except (httpx2.HTTPError, ValueError) as error:
            name = type(error).__name__
            raise RequestError(
                ErrorAction.RETRY, "broken-off", f"{name}: {error}", maybe_billed=True
            ) from None
        if not ended:
            raise RequestError(ErrorAction.RETRY, "broken-off", "the answer broke off", maybe_billed=True)

    async def close(self) -> None:
        """Close the sockets."""
        await self._connection.close()
