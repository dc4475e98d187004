"""The rehearsal endpoint speaks the real protocol to the real client and counts what would be billed."""

import asyncio
import json
import urllib.request
from collections.abc import Callable

import openai
import pytest

from oceanchat.facets import FACETS
from oceanchat.llm.chat import ChatRequest
from oceanchat.llm.endpoint.openai_endpoint import OpenAIEndpoint
from oceanchat.models import open_session
from oceanchat.prompts import open_prompts
from oceanchat.scripted.server.faults import FaultDice, Faults
from oceanchat.store.database import Store
from oceanchat.traits import Trait
from tests.endpoint import Endpoint

Serve = Callable[..., Endpoint]
ASKED = {"model": "scripted-http", "messages": [{"role": "user", "content": "hello"}]}


def client(endpoint: Endpoint) -> openai.OpenAI:
    return openai.OpenAI(base_url=endpoint.url, api_key="none", max_retries=0)


def test_the_client_reads_completions_and_models(serve: Serve) -> None:
    with client(serve(reply="hi {digest}")) as asker:
        answer = asker.chat.completions.create(
            model="scripted-http", messages=[{"role": "user", "content": "hello"}]
        )
        assert answer.choices[0].message.content == "hi 2cf24dba"
        assert answer.usage is not None and answer.usage.total_tokens > 0
        assert [model.id for model in asker.models.list()] == ["scripted-http"]


def test_the_same_request_is_counted_as_paid_twice(serve: Serve) -> None:
    endpoint = serve()
    with client(endpoint) as asker:
        for text in ("one", "two", "one"):
            asker.chat.completions.create(model="m", messages=[{"role": "user", "content": text}])
    counters = endpoint.counters()
    assert (counters["calls"], counters["paid"], counters["paid_twice"]) == (3, 3, 1)
    assert counters["by_status"] == {"200": 3}


@pytest.mark.parametrize(
    "body",
    [
        b'{"model": "m", "messages": "not a list"}',
        b"[" * 100_000,
        b'{"messages": [{"role": "user", "content": ' + b"[" * 500 + b"]" * 500 + b"}]}",
        b'{"messages": [], "temperature": 1' + b"0" * 400 + b"}",
    ],
)
def test_a_body_that_is_no_request_is_400(serve: Serve, body: bytes) -> None:
    endpoint = serve()
    request = urllib.request.Request(
        f"{endpoint.url}/chat/completions", body, {"content-type": "application/json"}
    )
    with pytest.raises(urllib.error.HTTPError) as answer:
        urllib.request.urlopen(request)
    with answer.value as response:
        assert response.code == 400 and b"invalid_request_error" in response.read()


async def test_the_scripted_model_says_the_same_over_http_as_inside(serve: Serve, store: Store) -> None:
    trait = Trait("O")
    facets = "\n".join(f"{facet.id}: {facet.description}" for facet in FACETS[trait])
    sentence = "I love to lose myself in paintings and music for hours."
    messages = open_prompts(None)["label"].fill(
        trait=trait.label, definition=trait.definition, facets=facets, sentence=sentence
    )
    request = ChatRequest(messages, "label", 300, 0.0)
    async with open_session(serve(reply=None).settings(), store.engine, OpenAIEndpoint) as session:
        over_http = await session.model("scripted-http").ask(request)
        inside = await session.model("scripted").ask(request)
    assert over_http.text == inside.text
    assert "Label:" in inside.text


def test_unknown_paths_are_404(serve: Serve) -> None:
    with pytest.raises(urllib.error.HTTPError, match="404") as answer:
        urllib.request.urlopen(f"{serve().url}/embeddings")
    answer.value.close()


@pytest.mark.parametrize("headers", [True, False])
def test_rate_limit_headers_are_there_when_wanted(serve: Serve, headers: bool) -> None:
    endpoint = serve(**{"rate_limit_headers" if headers else "no_rate_limit_headers": True})
    with client(endpoint) as asker:
        answer = asker.chat.completions.with_raw_response.create(
            model="m", messages=[{"role": "user", "content": "hello"}]
        )
    assert ("x-ratelimit-limit-requests" in answer.headers) == headers


def test_a_batch_is_listed_watched_and_cancelled(serve: Serve) -> None:
    endpoint = serve(batch_seconds=60)
    line = {"custom_id": "k", "method": "POST", "url": "/v1/chat/completions", "body": ASKED}
    with client(endpoint) as asker:
        ids = []
        for number in range(3):
            file = asker.files.create(file=("b.jsonl", json.dumps(line).encode()), purpose="batch")
            batch = asker.batches.create(
                input_file_id=file.id,
                endpoint="/v1/chat/completions",
                completion_window="24h",
                metadata={"number": str(number)},
            )
            ids.append(batch.id)
        assert [batch.id for batch in asker.batches.list(limit=2)] == ids[::-1]  # two pages
        assert asker.batches.retrieve(ids[0]).status == "in_progress"
        assert asker.batches.cancel(ids[0]).status == "cancelled"


def test_faults_come_in_their_shares_and_the_same_each_time() -> None:
    faults = Faults(rate_429=0.1, rate_500=0.05, seed=3)
    drawn = [dice.draw() for dice in [FaultDice(faults)] for _ in range(4000)]
    again = [dice.draw() for dice in [FaultDice(faults)] for _ in range(4000)]
    assert drawn == again
    assert 320 < drawn.count("429") < 480
    assert 140 < drawn.count("500") < 260


async def test_the_most_in_flight_is_counted(serve: Serve) -> None:
    endpoint = serve(latency=0.2)
    async with openai.AsyncOpenAI(base_url=endpoint.url, api_key="none") as asker:
        await asyncio.gather(
            *(
                asker.chat.completions.create(model="m", messages=[{"role": "user", "content": str(n)}])
                for n in range(9)
            )
        )
    assert endpoint.counters()["most_in_flight"] == 9
