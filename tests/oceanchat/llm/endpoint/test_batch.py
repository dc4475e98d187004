"""Requests are gathered into batches and answered, on a real socket."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from oceanchat.errors import BuildStopped
from oceanchat.llm.costs import cost_report
from oceanchat.llm.endpoint.openai_endpoint import OpenAIEndpoint
from oceanchat.llm.prices import load_prices
from oceanchat.models import open_session
from oceanchat.store.database import Store
from tests.endpoint import (
    COUNTED_BATCHES,
    FAST_BATCHES,
    Endpoint,
    ask,
    ask_all,
    prices_file,
    question,
    questions,
)

Serve = Callable[..., Endpoint]


async def test_requests_go_as_one_batch_and_come_back(store: Store, serve: Serve) -> None:
    endpoint = serve(reply="answer {digest}", batch_seconds=0.2)
    answers, session = await ask(endpoint.settings(**COUNTED_BATCHES), store.engine, questions(30))
    assert len({answer.text for answer in answers}) == 30
    counters = endpoint.counters()
    assert (counters["batches"], counters["paid"], counters["calls"]) == (1, 30, 0)
    assert session.usage.answered == 30


async def test_a_batch_build_and_a_live_build_share_the_ledger(store: Store, serve: Serve) -> None:
    endpoint = serve()
    await ask(endpoint.settings(**FAST_BATCHES), store.engine, questions(5))
    _, session = await ask(endpoint.settings(), store.engine, questions(5))
    assert (session.usage.answered, session.usage.replayed) == (0, 5)


async def test_batches_are_split_by_model_and_at_the_limits(store: Store, serve: Serve) -> None:
    endpoint = serve()
    async with open_session(
        endpoint.settings(**COUNTED_BATCHES, batch_max_requests=4), store.engine, OpenAIEndpoint
    ) as session:
        await asyncio.gather(ask_all(session, questions(10)), ask_all(session, questions(3), "another"))
    assert endpoint.counters()["batches"] == 4  # 4 + 4 + 2 and 3


async def test_a_batch_file_stays_under_its_size_limit(store: Store, serve: Serve) -> None:
    endpoint = serve()
    long = [question(f"{number} " + "x" * 900) for number in range(6)]
    await ask(endpoint.settings(**COUNTED_BATCHES, batch_max_bytes=3000), store.engine, long)
    assert endpoint.counters()["batches"] == 3


async def test_a_batch_costs_half(store: Store, serve: Serve, tmp_path: Path) -> None:
    endpoint = serve()
    prices = load_prices(prices_file(tmp_path))
    _, live = await ask(endpoint.settings(prices=prices_file(tmp_path)), store.engine, questions(4))
    others = [question(f"another {number}") for number in range(4)]
    _, batched = await ask(
        endpoint.settings(**FAST_BATCHES, prices=prices_file(tmp_path)), store.engine, others
    )
    assert batched.usage.usd == live.usage.usd / 2 > 0
    assert cost_report(store, prices).total.paid.usd == live.usage.usd + batched.usage.usd


async def test_a_batch_beyond_the_cap_is_not_sent(store: Store, serve: Serve, tmp_path: Path) -> None:
    endpoint = serve()
    settings = endpoint.settings(**FAST_BATCHES, prices=prices_file(tmp_path, 1e5, 1e5), max_usd=15)
    with pytest.raises(BuildStopped, match="--max-usd"):
        await ask(settings, store.engine, questions(5))
    assert endpoint.counters()["paid"] <= 2
