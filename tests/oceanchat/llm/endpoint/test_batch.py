"""The Batch API, against the rehearsal endpoint's files and batches on a real socket."""

import asyncio
import json
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oceanchat.errors import BuildStopped, CallFailed
from oceanchat.llm.chat import ChatAnswer
from oceanchat.llm.costs import cost_report
from oceanchat.llm.endpoint import batch_status as batch_watch
from oceanchat.llm.endpoint.batch_api import read_line
from oceanchat.llm.endpoint.openai_endpoint import OpenAIEndpoint
from oceanchat.llm.prices import load_prices
from oceanchat.models import open_session
from oceanchat.store import ledger as ledger_rows
from oceanchat.store.database import Store
from tests.endpoint import Endpoint, ask, ask_all, prices_file, question, questions

Serve = Callable[..., Endpoint]
FAST = {"batch": True, "batch_poll_seconds": 0.05, "batch_gather_seconds": 0.1}


async def test_requests_go_as_one_batch_and_come_back(store: Store, serve: Serve) -> None:
    endpoint = serve(reply="answer {digest}", batch_seconds=0.2)
    answers, session = await ask(endpoint.settings(**FAST), store.engine, questions(30))
    assert len({answer.text for answer in answers}) == 30
    counters = endpoint.counters()
    assert (counters["batches"], counters["paid"], counters["calls"]) == (1, 30, 0)
    assert session.usage.answered == 30


async def test_a_batch_build_and_a_live_build_share_the_ledger(store: Store, serve: Serve) -> None:
    endpoint = serve()
    await ask(endpoint.settings(**FAST), store.engine, questions(5))
    _, session = await ask(endpoint.settings(), store.engine, questions(5))
    assert (session.usage.answered, session.usage.replayed) == (0, 5)


async def test_batches_are_split_by_model_and_at_the_limits(store: Store, serve: Serve) -> None:
    endpoint = serve()
    async with open_session(
        endpoint.settings(**FAST, batch_max_requests=4), store.engine, OpenAIEndpoint
    ) as session:
        await asyncio.gather(ask_all(session, questions(10)), ask_all(session, questions(3), "another"))
    assert endpoint.counters()["batches"] == 4  # 4 + 4 + 2 and 3


async def test_a_batch_file_stays_under_its_size_limit(store: Store, serve: Serve) -> None:
    endpoint = serve()
    long = [question(f"{number} " + "x" * 900) for number in range(6)]
    await ask(endpoint.settings(**FAST, batch_max_bytes=3000), store.engine, long)
    assert endpoint.counters()["batches"] == 3


async def test_an_expired_batch_keeps_what_it_finished(store: Store, serve: Serve) -> None:
    endpoint = serve(reply="answer {digest}", batch_expired=0.4)
    answers, _ = await ask(endpoint.settings(**FAST), store.engine, questions(20))
    finished = [answer for answer in answers if isinstance(answer, ChatAnswer)]
    failed = [answer.reason for answer in answers if isinstance(answer, CallFailed)]
    assert len(finished) >= 18 and set(failed) <= {"batch-expired"}
    assert endpoint.counters()["batches"] > 1
    assert endpoint.counters()["paid_twice"] == 0


async def test_one_filtered_line_fails_alone(store: Store, serve: Serve) -> None:
    endpoint = serve(poison="question 3")
    answers, _ = await ask(endpoint.settings(**FAST), store.engine, questions(6))
    assert [getattr(answer, "reason", "") for answer in answers] == ["", "", "", "content-filter", "", ""]


async def test_a_batch_costs_half(store: Store, serve: Serve, tmp_path: Path) -> None:
    endpoint = serve()
    prices = load_prices(prices_file(tmp_path))
    _, live = await ask(endpoint.settings(prices=prices_file(tmp_path)), store.engine, questions(4))
    others = [question(f"another {number}") for number in range(4)]
    _, batched = await ask(endpoint.settings(**FAST, prices=prices_file(tmp_path)), store.engine, others)
    assert batched.usage.usd == live.usage.usd / 2 > 0
    assert cost_report(store, prices).total.paid.usd == live.usage.usd + batched.usage.usd


async def test_a_cancelled_batch_stops_the_build(store: Store, serve: Serve) -> None:
    endpoint = serve(batch_seconds=30)
    settings = endpoint.settings(**FAST)

    async def cancel() -> None:
        while not any(row["state"] == "submitted" for row in batch_watch.known_batches(store)):
            await asyncio.sleep(0.02)
        row = batch_watch.batch_named(batch_watch.known_batches(store), "batch_1")
        assert (await batch_watch.cancel(settings, row)).status == "cancelled"

    with pytest.raises(BuildStopped, match="batch 'batch_1' was cancelled"):
        await asyncio.gather(ask(settings, store.engine, questions(3)), cancel())
    with store.reading() as connection:
        assert ledger_rows.in_flight(connection) == 0


async def test_a_batch_beyond_the_cap_is_not_sent(store: Store, serve: Serve, tmp_path: Path) -> None:
    endpoint = serve()
    settings = endpoint.settings(**FAST, prices=prices_file(tmp_path, 1e6, 1e6), max_usd=150)
    with pytest.raises(BuildStopped, match="--max-usd"):
        await ask(settings, store.engine, questions(5))
    assert endpoint.counters()["paid"] <= 2


async def test_what_was_never_submitted_is_asked_for_again(
    store: Store, serve: Serve, tmp_path: Path
) -> None:
    endpoint = serve(batch_seconds=0.1)
    await ask(endpoint.settings(**FAST), store.engine, questions(3))
    with sqlite3.connect(store.url) as connection:  # as a kill between the two records would have left it
        connection.execute("update ledger_batches set state = 'preparing', remote_id = null, batch = 'gone'")
        connection.execute("update ledger_calls set state = 'in_flight', body = null, batch = 'gone'")
        connection.execute("update ledger_runs set ended_at = 1")
    answers, _ = await ask(endpoint.settings(**FAST), store.engine, questions(3))
    assert all(isinstance(answer, ChatAnswer) for answer in answers)
    assert endpoint.counters()["batches"] == 2


async def test_a_batch_whose_id_was_lost_is_found_by_its_metadata(store: Store, serve: Serve) -> None:
    endpoint = serve(batch_seconds=0.1)
    await ask(endpoint.settings(**FAST), store.engine, questions(3))
    with sqlite3.connect(store.url) as connection:
        (batch,) = connection.execute("select batch from ledger_batches").fetchone()
        connection.execute("update ledger_batches set state = 'preparing', remote_id = null")
        connection.execute("update ledger_calls set state = 'in_flight', body = null, batch = ?", (batch,))
        connection.execute("update ledger_runs set ended_at = 1")
    answers, _ = await ask(endpoint.settings(**FAST), store.engine, questions(3))
    assert all(isinstance(answer, ChatAnswer) for answer in answers)
    assert endpoint.counters()["batches"] == 1
    assert endpoint.counters()["paid_twice"] == 0


@given(st.text() | st.recursive(st.none() | st.integers() | st.text(), st.lists).map(str))
def test_any_line_of_a_result_file_is_a_record_or_nothing(text: str) -> None:
    read_line(text)


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "custom_id": st.text() | st.integers(),
            "response": st.none()
            | st.text()
            | st.dictionaries(st.sampled_from(["status_code", "body"]), st.text()),
            "error": st.none() | st.text() | st.dictionaries(st.sampled_from(["code", "message"]), st.text()),
        },
    )
)
def test_any_json_object_is_a_result_line_or_nothing(line: dict[str, object]) -> None:
    result = read_line(json.dumps(line))
    assert (result is None) == (not isinstance(line.get("custom_id"), str))
