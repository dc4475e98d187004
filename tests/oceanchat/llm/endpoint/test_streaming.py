"""Answers come piece by piece, and count only when they are whole."""

from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from typing import Any, cast

import pytest

from oceanchat.llm.chat import ChatRequest, Message
from oceanchat.llm.endpoint.request_errors import RequestError
from oceanchat.llm.endpoint.streaming import StreamingEndpoint
from oceanchat.llm.settings import CallSettings
from tests.odd_endpoint import OddEndpoint
from tests.processes import free_port
from tests.streaming_model import Script, streaming_model

REQUEST = ChatRequest((Message("user", "How are you?"),), "persona", 9, 0.5, extra_body='{"seed": 4}')


async def hello(body: dict[str, Any]) -> AsyncIterator[str | None]:
    for piece in ("Fine", "", ", sk-secret-secret-1", None):
        yield piece


async def cut_off(body: dict[str, Any]) -> AsyncIterator[str | None]:
    yield "Fi"


async def test_pieces_come_in_order_and_what_was_asked_is_sent() -> None:
    async with streaming_model(hello) as model:
        settings = CallSettings.model_validate({"base_url": model.url, "api_key": "sk-secret-secret-1"})
        endpoint = StreamingEndpoint(settings)
        pieces = [piece async for piece in endpoint.answer("base", REQUEST)]
        await endpoint.close()
    assert pieces == ["Fine", ", ***"]
    (body,) = model.bodies
    assert body["stream"] is True and body["seed"] == 4 and body["model"] == "base"
    assert (body["max_tokens"], body["temperature"]) == (9, 0.5)


async def test_an_answer_that_breaks_off_and_an_endpoint_that_is_away_are_errors() -> None:
    async with streaming_model(cut_off) as model:
        endpoint = StreamingEndpoint(CallSettings(base_url=model.url))
        pieces = []
        with pytest.raises(RequestError, match="broke off"):
            async with aclosing(endpoint.answer("base", REQUEST)) as answer:  # type: ignore[type-var]
                async for piece in answer:
                    pieces.append(piece)
        await endpoint.close()
    assert pieces == ["Fi"]
    endpoint = StreamingEndpoint(CallSettings(base_url=f"http://127.0.0.1:{free_port()}/v1"))
    with pytest.raises(RequestError):
        [piece async for piece in endpoint.answer("base", REQUEST)]
    await endpoint.close()


async def endless(body: dict[str, Any]) -> AsyncIterator[str | None]:
    while True:
        yield "and on " * 5000


async def no_text(body: dict[str, Any]) -> AsyncIterator[str | None]:
    yield cast("str", {"text": "Fine"})
    yield None


@pytest.mark.parametrize(("script", "problem"), [(endless, "does not heed max_tokens"), (no_text, "'dict'")])
async def test_answers_without_end_or_sense_are_errors(script: Script, problem: str) -> None:
    async with streaming_model(script) as model:
        endpoint = StreamingEndpoint(CallSettings(base_url=model.url))
        with pytest.raises(RequestError, match=problem):
            [piece async for piece in endpoint.answer("base", REQUEST)]
        await endpoint.close()


async def test_what_a_model_refuses_of_the_form_is_written_otherwise(
    odd: Callable[[str], OddEndpoint],
) -> None:
    reasoning = odd("reasoning")
    endpoint = StreamingEndpoint(reasoning.settings())
    assert [piece async for piece in endpoint.answer("base", REQUEST)]  # whole: it cannot stream
    assert reasoning.counters()["calls"] == 3
    await endpoint.close()
