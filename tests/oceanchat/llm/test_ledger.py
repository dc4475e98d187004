"""Every paid answer is kept once and found again by its request."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import select

from oceanchat.errors import BuildStopped, CallFailed, StoreError
from oceanchat.llm.chat import ChatAnswer
from oceanchat.llm.endpoint.openai_endpoint import OpenAIEndpoint
from oceanchat.llm.settings import CallSettings
from oceanchat.models import open_session
from oceanchat.store import ledger as ledger_rows
from oceanchat.store import ledger_sums
from oceanchat.store.database import Store, open_store
from tests.endpoint import MODEL, Endpoint, ask, ask_all, question, questions

Serve = Callable[..., Endpoint]


async def test_a_second_run_asks_nothing(store: Store, serve: Serve) -> None:
    endpoint = serve()
    first, _ = await ask(endpoint.settings(), store.engine, questions(30))
    again, session = await ask(endpoint.settings(), store.engine, questions(30))
    assert [answer.text for answer in again] == [answer.text for answer in first]
    assert all(answer.replayed for answer in again)
    assert (session.usage.answered, session.usage.replayed) == (0, 30)
    assert endpoint.counters()["calls"] == 30


async def test_equal_requests_in_flight_are_one(store: Store, serve: Serve) -> None:
    endpoint = serve(latency=0.1)
    answers, session = await ask(endpoint.settings(), store.engine, [question("the same")] * 10)
    assert len({answer.text for answer in answers}) == 1
    assert endpoint.counters()["calls"] == 1
    assert (session.usage.answered, session.usage.replayed) == (1, 9)


async def test_whatever_decides_the_answer_makes_another_request(store: Store, serve: Serve) -> None:
    endpoint = serve()
    same, other_account = question("hello"), question("hello", trait_level="N-", task="check")
    await ask(endpoint.settings(), store.engine, [same, other_account, question("hello", sample=1)])
    assert endpoint.counters()["calls"] == 2


async def test_the_raw_body_is_kept_byte_for_byte(store: Store, serve: Serve) -> None:
    endpoint = serve(reply="caf\u00e9 \u2603 <b>")
    await ask(endpoint.settings(), store.engine, questions(1))
    with store.reading() as connection:
        body = connection.execute(select(ledger_rows.ledger_calls.c.body)).scalar_one()
    assert b'"usage"' in body and "caf\u00e9 \u2603 <b>".encode() in body


async def test_a_failure_is_kept_and_fails_again_without_a_call(store: Store, serve: Serve) -> None:
    endpoint = serve(poison="question 1")
    await ask(endpoint.settings(), store.engine, questions(3))
    answers, session = await ask(endpoint.settings(), store.engine, questions(3))
    assert [getattr(answer, "reason", "answered") for answer in answers] == [
        "answered",
        "content-filter",
        "answered",
    ]
    assert "oceanchat retry" in str(answers[1])
    assert (session.usage.answered, session.usage.failed) == (0, 1)
    assert endpoint.counters()["calls"] == 3


async def test_offline_answers_from_the_ledger_and_names_what_is_missing(store: Store, serve: Serve) -> None:
    endpoint = serve()
    await ask(endpoint.settings(), store.engine, questions(5))
    endpoint.close()
    answers, _ = await ask(endpoint.settings(offline=True), store.engine, questions(5))
    assert [answer.text for answer in answers] == ["Label: neutral"] * 5
    with pytest.raises(BuildStopped, match=r"no answer for the 'label' request about O\+ .*question 5"):
        await ask(endpoint.settings(offline=True), store.engine, questions(7))


async def test_who_asked_may_go_and_the_answer_is_kept(store: Store, serve: Serve) -> None:
    endpoint = serve(latency=0.3)
    async with open_session(endpoint.settings(), store.engine, OpenAIEndpoint) as session:
        asker = asyncio.create_task(session.model(MODEL).ask(question("impatient")))
        while not endpoint.counters()["calls"]:
            await asyncio.sleep(0.02)
        asker.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asker
    _, session = await ask(endpoint.settings(), store.engine, [question("impatient")])
    assert session.usage.replayed == 1
    assert endpoint.counters()["calls"] == 1


async def test_what_became_of_an_answer_is_noted_for_the_accounts(store: Store, serve: Serve) -> None:
    endpoint = serve()
    async with open_session(endpoint.settings(), store.engine, OpenAIEndpoint) as session:
        await ask_all(session, [question("unclear"), question("unclear", sample=1)])
        session.model(MODEL).record_outcome(question("unclear"), "retried")
    with store.reading() as connection:
        outcomes = sorted(str(row["outcome"]) for row in ledger_sums.spending(connection))
    assert outcomes == ["None", "retried"]


async def test_the_intent_is_on_disk_before_the_request_leaves(store: Store, serve: Serve) -> None:
    endpoint = serve(latency=0.3)
    async with open_session(endpoint.settings(), store.engine, OpenAIEndpoint) as session:
        asker = asyncio.create_task(session.model(MODEL).ask(question("slow")))
        while not endpoint.counters()["calls"]:
            await asyncio.sleep(0.02)
        with store.reading() as connection:
            assert ledger_rows.in_flight(connection) == 1
        await asker
        with store.reading() as connection:
            assert ledger_rows.in_flight(connection) == 0


async def test_a_scripted_model_goes_through_the_ledger_too(store: Store) -> None:
    request = question("<task>theme</task> <seed_topic>I paint every evening.</seed_topic>", task="theme")
    async with open_session(CallSettings(), store.engine, OpenAIEndpoint) as session:
        first = await session.model("scripted").ask(request)
    async with open_session(CallSettings(offline=True), store.engine, OpenAIEndpoint) as session:
        again = await session.model("scripted").ask(request)
    assert first.text == again.text
    assert (first.replayed, again.replayed) == (False, True)


async def test_two_runs_at_once_on_one_store_both_finish(store: Store, serve: Serve) -> None:
    endpoint = serve(latency=0.05)
    runs = await asyncio.gather(*(ask(endpoint.settings(), store.engine, questions(20)) for _ in range(2)))
    assert all(isinstance(answer, ChatAnswer) for answers, _ in runs for answer in answers)
    with store.reading() as connection:
        assert sum(row["calls"] for row in ledger_sums.spending(connection)) == 20


async def test_a_store_that_cannot_be_written_stops_the_run(
    store: Store, serve: Serve, tmp_path: Path
) -> None:
    endpoint = serve()
    async with open_session(endpoint.settings(), store.engine, OpenAIEndpoint) as session:
        with store.writing() as connection:
            ledger_rows.ledger_calls.drop(connection)
        with pytest.raises(StoreError, match="the ledger cannot be written"):
            await session.model(MODEL).ask(question("hello"))
        with store.writing() as connection:
            ledger_rows.ledger_calls.create(connection)
        session.ledger_writer._broken = None


async def test_one_call_for_several_sentences_leaves_an_entry_for_each(store: Store, serve: Serve) -> None:
    endpoint = serve(reply="1. neutral\n2. fantasy-high 4")
    async with open_session(endpoint.settings(), store.engine, OpenAIEndpoint) as session:
        model = session.model(MODEL)
        both, first, second = question("both"), question("one"), question("two")
        assert await model.stored_answer(first) is None
        for request, text in zip((first, second), (await model.ask(both)).text.splitlines(), strict=True):
            model.store_share(request, text)
    async with open_session(endpoint.settings(offline=True), store.engine, OpenAIEndpoint) as session:
        answers = [await session.model(MODEL).ask(request) for request in (first, second)]
        assert [answer.text for answer in answers] == ["1. neutral", "2. fantasy-high 4"]
        recalled = await session.model(MODEL).stored_answer(second)
        assert recalled is not None and recalled.text == answers[1].text
    with store.reading() as connection:
        assert sum(row["calls"] for row in ledger_sums.spending(connection)) == 1  # paid once


async def test_a_failure_is_not_found_as_an_answer(store: Store, serve: Serve) -> None:
    endpoint = serve(poison="bad")
    async with open_session(endpoint.settings(), store.engine, OpenAIEndpoint) as session:
        await ask_all(session, [question("bad")])
        assert await session.model(MODEL).stored_answer(question("bad")) is None


@pytest.mark.postgres
async def test_a_run_on_postgresql_keeps_and_finds_its_answers(serve: Serve, postgres_url: str) -> None:
    endpoint = serve(rate_500=0.1, rate_refusal=0.1)
    store = open_store(postgres_url)
    try:
        first, _ = await ask(endpoint.settings(), store.engine, questions(40))
        again, session = await ask(endpoint.settings(), store.engine, questions(40))
    finally:
        store.close()
    assert [answer.text for answer in again] == [answer.text for answer in first]
    assert (session.usage.answered, session.usage.replayed) == (0, 40)


async def test_an_unreadable_body_fails_its_row_only(store: Store, serve: Serve) -> None:
    endpoint = serve(rate_cut_off=1.0)
    answers, session = await ask(endpoint.settings(max_tries=2), store.engine, questions(2))
    assert all(isinstance(answer, CallFailed) for answer in answers)
    assert session.usage.failed == 2
