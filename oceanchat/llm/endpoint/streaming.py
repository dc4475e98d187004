"""Stream one model's answers, piece by piece.

For people who wait in front of a page: no retries, no ledger. An answer counts when the endpoint says that it
has ended; what breaks off before is an error. An endpoint that answers whole all the same gives one piece.
"""

import contextlib
from collections.abc import AsyncGenerator, AsyncIterator

import httpx2
import openai

from oceanchat.llm.chat import ChatRequest
from oceanchat.llm.completions import ERROR, how_it_ended, read_completion
from oceanchat.llm.endpoint.client import Connection
from oceanchat.llm.endpoint.request_errors import ErrorAction, RequestError, classify, classify_reply
from oceanchat.llm.endpoint.request_form import RequestForm
from oceanchat.llm.settings import CallSettings
from oceanchat.llm.throttle import Throttle

MAX_CHARACTERS = 100_000
"""Of an answer; an endpoint that goes on and on is not listened to for ever."""


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
        ended, characters = False, 0
        try:
            stream = await self._connection.client.post(
                "/chat/completions",
                cast_to=openai.types.chat.ChatCompletionChunk,
                body={**body, "stream": True},
                stream=True,
                stream_cls=openai.AsyncStream[openai.types.chat.ChatCompletionChunk],
            )
            async with stream:
                if "text/event-stream" not in stream.response.headers.get("content-type", ""):
                    yield self._whole(await stream.response.aread())
                    return
                async for chunk in stream:
                    for choice in chunk.choices or ():
                        if choice.delta and choice.delta.content:
                            characters += len(choice.delta.content)
                            yield self._connection.redact_text(choice.delta.content)
                        if choice.finish_reason is not None:
                            ended = how_it_ended(choice.finish_reason) != ERROR
                    if characters > MAX_CHARACTERS:
                        raise _endless()
        except openai.OpenAIError as error:
            raise classify(error) from None
        # What is no chunk of an answer is not checked by the client and lacks the attributes of one.
        except (httpx2.HTTPError, ValueError, AttributeError, TypeError) as error:
            raise _broken_off(f"{type(error).__name__}: {error}") from None
        if not ended:
            raise _broken_off("the answer broke off")

    def _whole(self, body: bytes) -> str:
        """The text of an answer that came in one piece."""
        problem, answer = classify_reply(body), read_completion(body)
        if problem is not None or answer is None:
            raise problem or _broken_off("the reply is no answer")
        return self._connection.redact_text(answer.text)

    async def close(self) -> None:
        """Close the sockets."""
        await self._connection.close()


def _broken_off(message: str) -> RequestError:
    return RequestError(ErrorAction.RETRY, "broken-off", message, maybe_billed=True)


def _endless() -> RequestError:
    message = f"the answer has over {MAX_CHARACTERS:,} characters; the endpoint does not heed max_tokens"
    return RequestError(ErrorAction.FAIL_ROW, "endless", message, maybe_billed=True)
