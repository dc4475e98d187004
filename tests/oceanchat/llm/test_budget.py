"""The hard cap holds at the worst case of everything in flight."""

import asyncio
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oceanchat.errors import BuildStopped, ConfigError
from oceanchat.llm.budget import OPENING_CALLS, Budget, CallBounds, Reservation, prompt_bound
from oceanchat.llm.chat import ChatRequest, Message
from oceanchat.llm.costs import cost_report
from oceanchat.llm.endpoint.openai_endpoint import OpenAIEndpoint
from oceanchat.llm.prices import load_prices
from oceanchat.llm.settings import CallSettings
from oceanchat.models import open_session
from oceanchat.store.database import Store
from tests.endpoint import MODEL, Endpoint, ask, prices_file, questions
from tests.processes import PATIENCE

Serve = Callable[..., Endpoint]


@given(st.lists(st.text(), min_size=1, max_size=4))
def test_a_prompt_has_no_more_tokens_than_its_bound(texts: list[str]) -> None:
    request = ChatRequest(tuple(Message("user", text) for text in texts), "label", 10, 0.0)
    # Byte-level tokenizers give at most a token a byte, and chat templates a few more around each message.
    assert prompt_bound(request) >= sum(len(t.encode("utf-8", "surrogatepass")) for t in texts) + 8 * len(
        texts
    )


def cents(folder: Path, cap: float = 1.0) -> Budget:
    """A budget under which an output token costs a cent and a prompt nothing."""
    return Budget(load_prices(prices_file(folder, 0.0, 10_000.0)), cap)


def worst(tokens: int) -> CallBounds:
    return CallBounds("http://x/v1", MODEL, 0, tokens)


async def test_the_cap_counts_what_is_in_flight_and_waits_for_it(tmp_path: Path) -> None:
    budget = cents(tmp_path)
    first = await budget.reserve(worst(60))
    second = asyncio.create_task(budget.reserve(worst(60)))
    await asyncio.sleep(0.01)
    assert not second.done()  # both at their worst would be over the cap
    with pytest.raises(BuildStopped, match=r"\$0.0000 spent, up to \$0.6000 in flight and the next"):
        await budget.reserve(worst(60), wait=False)
    budget.settle(first, Decimal("0.1"), 10)
    reserved = await asyncio.wait_for(second, PATIENCE)
    assert budget.spent == Decimal("0.1")
    budget.settle(reserved, None)
    with pytest.raises(BuildStopped, match=r"--max-usd '1.0' is reached: \$0.7000 spent.*every run from \$0"):
        await budget.reserve(worst(40))  # a run of the same cap has room for it: raising it would spend more
    with pytest.raises(BuildStopped, match=r"may cost \$1.2000; .* with a higher --max-usd$"):
        await budget.reserve(worst(120))


@given(st.lists(st.tuples(st.integers(1, 50), st.integers(0, 100)), max_size=30))
async def test_no_order_of_events_goes_over_the_cap(
    tmp_path_factory: pytest.TempPathFactory, calls: list[tuple[int, int]]
) -> None:
    budget = cents(tmp_path_factory.getbasetemp())
    for limit, share in calls:
        try:
            reservation = await budget.reserve(worst(limit))
        except BuildStopped:
            break
        budget.settle(reservation, reservation.amount * share / 100, limit * share // 100)
        assert budget.spent + budget.in_flight <= 1


async def test_few_requests_leave_until_the_first_answer_shows_what_a_model_bills(tmp_path: Path) -> None:
    budget = cents(tmp_path, cap=0.6)
    sent = [asyncio.create_task(budget.reserve(worst(1))) for _ in range(OPENING_CALLS + 2)]
    await asyncio.sleep(0.01)
    assert sum(task.done() for task in sent) == OPENING_CALLS
    budget.settle(sent[0].result(), Decimal("0.2"), 20)  # it thinks beyond its limit
    assert budget.max_cost(worst(1)) == Decimal("0.2")
    await asyncio.wait_for(sent[4], PATIENCE)  # at 0.2 now; another would be over the cap
    for reservation in await asyncio.gather(*sent[1:4]):
        assert isinstance(reservation, Reservation)
        budget.settle(reservation, Decimal("0.2"), 20)
    with pytest.raises(BuildStopped, match=r"wrote up to 19 tokens beyond the limit.*no cap can bound"):
        await sent[5]


async def test_a_model_that_counts_nothing_is_not_held_back(tmp_path: Path) -> None:
    budget = cents(tmp_path, cap=100.0)
    for _ in range(3):
        reserving = asyncio.gather(*(budget.reserve(worst(1)) for _ in range(OPENING_CALLS)))
        reservations = await asyncio.wait_for(reserving, PATIENCE)
        for reservation in reservations:
            budget.settle(reservation, None, 0)


async def test_a_run_stops_below_its_cap_and_a_higher_one_goes_on(
    store: Store, serve: Serve, tmp_path: Path
) -> None:
    endpoint = serve(latency=0.02)
    path = prices_file(tmp_path, 1000.0, 1000.0)
    capped = endpoint.settings(prices=path, max_usd=0.4, concurrency=8)
    with pytest.raises(BuildStopped, match=r"--max-usd '0\.4' is reached"):
        await ask(capped, store.engine, questions(100))
    spent = cost_report(store, load_prices(path)).total.paid
    assert 0.2 <= spent.usd <= 0.4
    assert endpoint.counters()["paid"] == spent.calls
    _, session = await ask(endpoint.settings(prices=path, max_usd=100), store.engine, questions(100))
    assert session.usage.replayed == spent.calls  # a resumed run does not pay, or count, twice
    assert session.usage.answered == 100 - spent.calls


async def test_a_session_that_ends_at_its_cap_says_what_is_spent_when_all_is_settled(
    store: Store, tmp_path: Path
) -> None:
    settings = CallSettings(prices=prices_file(tmp_path, 0, 10_000), max_usd=1.0)
    with pytest.raises(BuildStopped, match=r"reached: \$0.3000 spent and the next request may cost \$0.8000"):
        async with open_session(settings, store.engine) as session:
            first = await session.budget.reserve(worst(70))
            try:
                await session.budget.reserve(worst(80), wait=False)
            finally:
                session.budget.settle(first, Decimal("0.3"), 30)


async def test_a_cap_needs_a_price(store: Store) -> None:
    async with open_session(
        CallSettings(base_url="http://127.0.0.1:9/v1", max_usd=5), store.engine, OpenAIEndpoint
    ) as session:
        with pytest.raises(
            ConfigError, match=f"model '{MODEL}' at 'http://127.+: its price is unknown.+bundled"
        ):
            session.model(MODEL)


async def test_without_a_price_tokens_count_and_the_cost_is_unknown(store: Store, serve: Serve) -> None:
    endpoint = serve()
    _, session = await ask(endpoint.settings(), store.engine, questions(3))
    assert session.usage.completion_tokens > 0
    assert session.usage.cost == "unknown"
    assert session.usage.as_json()["usd"] is None
    paid = cost_report(store, load_prices()).total.paid
    assert (paid.text, paid.as_json()["usd"]) == ("unknown", None)


async def test_replies_without_token_counts_are_unknown_and_capped_at_their_worst(
    store: Store, serve: Serve, tmp_path: Path
) -> None:
    endpoint = serve(no_usage=True)
    settings = endpoint.settings(prices=prices_file(tmp_path, 1000.0, 1000.0), max_usd=1.0, concurrency=1)
    with pytest.raises(BuildStopped, match="--max-usd"):
        await ask(settings, store.engine, questions(50))
    assert 5 <= endpoint.counters()["paid"] <= 8  # each may have cost 0.13
