"""Two runs at once on one store share their answers; nothing is paid twice."""

import asyncio
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from oceanchat.errors import BuildStopped
from oceanchat.llm.chat import ChatAnswer
from oceanchat.llm.completions import render_completion
from oceanchat.llm.costs import cost_report
from oceanchat.llm.endpoint.batch_status import known_batches
from oceanchat.llm.endpoint.openai_endpoint import OpenAIEndpoint
from oceanchat.llm.prices import load_prices
from oceanchat.models import open_session
from oceanchat.store import ledger as ledger_rows
from oceanchat.store import ledger_runs
from oceanchat.store.database import Store, open_store
from oceanchat.store.ledger import ANSWERED
from tests.endpoint import FAST_BATCHES, MODEL, Endpoint, ask, ask_all, question, questions
from tests.oceanchat.llm.kill_target import finish, start_asking
from tests.oceanchat.store.test_ledger import row
from tests.processes import PATIENCE, Spawn, wait_until

Serve = Callable[..., Endpoint]
Start = Callable[..., "subprocess.Popen[str]"]
COUNT = 80


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where a fresh store is."""
    url = str(tmp_path / "store.db")
    if request.param == "postgresql":
        url = str(request.getfixturevalue("postgres_url"))
    open_store(url).close()
    return url


@pytest.fixture
def start(url: str, spawn: Spawn) -> Start:
    """Start asking COUNT questions on that store."""
    return lambda endpoint, *more: start_asking(spawn, url, endpoint, COUNT, 8, *more)


@pytest.mark.parametrize("more", [[], ["batch"]], ids=["live", "batch"])
def test_two_processes_at_once_pay_each_answer_once(
    url: str, serve: Serve, start: Start, more: list[str]
) -> None:
    endpoint = serve(reply="answer {digest}", latency=0.1, batch_seconds=0.5)
    processes = [start(endpoint, *more) for _ in range(2)]
    reports = [finish(process) for process in processes]
    counters = endpoint.counters()
    assert (counters["paid"], counters["paid_twice"]) == (COUNT, 0)
    assert reports[0]["texts"] == reports[1]["texts"]
    assert sum(report["calls"]["made"] for report in reports) == COUNT
    store = open_store(url)
    total = cost_report(store, load_prices()).total
    store.close()
    assert (total.paid.calls, total.kinds["lost"].calls) == (COUNT, 0)


@pytest.mark.parametrize("more", [[], ["batch"]], ids=["live", "batch"])
def test_the_other_goes_on_when_one_of_two_is_killed(
    url: str, serve: Serve, start: Start, more: list[str]
) -> None:
    endpoint = serve(reply="answer {digest}", latency=0.15, batch_seconds=2)
    first = start(endpoint, *more)
    wait_until(lambda: endpoint.counters()["batches" if more else "calls"] > 0)
    second = start(endpoint, *more)
    wait_until(lambda: bool(more) or endpoint.counters()["calls"] > 30)
    first.kill()
    first.communicate()
    report = finish(second)
    counters = endpoint.counters()
    store = open_store(url)
    lost = cost_report(store, load_prices()).total.kinds["lost"].calls
    store.close()
    assert len(report["texts"]) == COUNT
    assert counters["paid_twice"] <= lost <= 8
    assert counters["paid"] <= COUNT + lost


def hold(store: Store, key: str, batch: str | None = None, **of_run: Any) -> None:
    """Another machine's run claims `key`, for `batch` if one is given."""
    with store.writing() as connection:
        ledger_runs.start_run(connection, "elsewhere")
        changed = {"host": "elsewhere", "pid": 1} | of_run
        connection.execute(ledger_runs.ledger_runs.update().values(**changed))
        claimed = row(key, run="elsewhere", batch=batch, batched=batch is not None)
        ledger_rows.claim(connection, [claimed])


async def test_another_runs_answer_is_waited_for_and_it_is_said(store: Store, serve: Serve) -> None:
    endpoint = serve()
    async with open_session(endpoint.settings(), store.engine, OpenAIEndpoint) as session:
        key = session.model(MODEL).key(questions(1)[0])
        hold(store, key)
        asking = asyncio.create_task(ask_all(session, questions(4)))
        while not session.usage.notes:
            await asyncio.sleep(0.02)
        body = render_completion(ChatAnswer("from elsewhere"), MODEL)
        with store.writing() as connection:
            ledger_rows.store_calls(connection, [row(key, ANSWERED, body=body, run="elsewhere")])
        answers = await asyncio.wait_for(asking, PATIENCE)
    assert [answer.text for answer in answers] == ["from elsewhere", *["Label: neutral"] * 3]
    assert (session.usage.answered, session.usage.replayed, session.usage.waiting) == (3, 1, 0)
    assert endpoint.counters()["paid"] == 3
    (note,) = session.usage.notes
    assert "is asking the same on this store" in note and "nothing is paid twice" in note


async def test_a_lease_that_runs_out_sets_its_claims_free(
    store: Store, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledger_runs, "BEAT_SECONDS", 0.5)
    endpoint = serve()
    async with open_session(endpoint.settings(), store.engine, OpenAIEndpoint) as session:
        model = session.model(MODEL)
        hold(store, model.key(question("hello")))
        asking = asyncio.create_task(model.ask(question("hello")))
        await asyncio.sleep(1.2)
        assert not asking.done()  # its owner may still bring the answer
        with store.writing() as connection:
            gone = ledger_runs.ledger_runs.c.run == "elsewhere"
            connection.execute(ledger_runs.ledger_runs.update().where(gone).values(lease_until=1.0))
        assert (await asyncio.wait_for(asking, PATIENCE)).text == "Label: neutral"
    assert cost_report(store, load_prices()).total.kinds["lost"].calls == 1
    assert endpoint.counters()["paid"] == 1


async def test_who_waits_for_another_run_can_be_stopped(store: Store, serve: Serve) -> None:
    endpoint = serve()
    async with open_session(endpoint.settings(), store.engine, OpenAIEndpoint) as session:
        model = session.model(MODEL)
        hold(store, model.key(question("hello")))
        asking = asyncio.create_task(model.ask(question("hello")))
        await asyncio.sleep(0.5)
        session.throttle.stop(BuildStopped("stopped by SIGINT"))
        with pytest.raises(BuildStopped, match="SIGINT"):
            await asyncio.wait_for(asking, PATIENCE)
    assert endpoint.counters()["calls"] == 0


@pytest.mark.parametrize("options", [{}, FAST_BATCHES], ids=["live", "batch"])
async def test_what_a_killed_run_claimed_for_a_batch_not_yet_on_record_is_free(
    store: Store, serve: Serve, options: dict[str, Any]
) -> None:
    endpoint = serve()
    settings = endpoint.settings(**options)
    async with open_session(settings, store.engine, OpenAIEndpoint) as session:
        key = session.model(MODEL).key(question("question 0"))
    hold(store, key, batch="b1", host=ledger_runs.here(), pid=2**22 + 1)  # no process has that number
    answers, _ = await asyncio.wait_for(ask(settings, store.engine, questions(2)), PATIENCE)
    assert len(answers) == 2 and endpoint.counters()["paid"] == 2
    assert cost_report(store, load_prices()).total.kinds["lost"].calls == 0


async def leave_a_batch(store: Store, endpoint: Endpoint) -> None:
    """A run is stopped while the answers to two questions are still with the provider."""
    async with open_session(endpoint.settings(**FAST_BATCHES), store.engine, OpenAIEndpoint) as session:
        asking = asyncio.create_task(ask_all(session, questions(2)))
        while not any(row["remote_id"] for row in known_batches(store)):
            await asyncio.sleep(0.02)
        session.throttle.stop(BuildStopped("stopped by SIGINT"))
        await asyncio.gather(asking, return_exceptions=True)


async def test_a_live_run_does_not_pay_again_for_what_a_batch_holds(store: Store, serve: Serve) -> None:
    endpoint = serve(batch_seconds=5)
    await leave_a_batch(store, endpoint)
    with pytest.raises(BuildStopped, match=r"in a batch that an earlier run left.*run with --batch"):
        await ask(endpoint.settings(), store.engine, questions(2))
    answers, _ = await ask(endpoint.settings(**FAST_BATCHES), store.engine, questions(2))
    assert len(answers) == 2
    assert endpoint.counters()["paid"] == 2


@pytest.mark.parametrize("options", [{}, FAST_BATCHES], ids=["live", "batch"])
async def test_what_a_batch_at_another_address_holds_is_not_waited_for(
    store: Store, serve: Serve, options: dict[str, Any]
) -> None:
    endpoint, other = serve(batch_seconds=60), serve()
    await leave_a_batch(store, endpoint)
    with pytest.raises(BuildStopped, match=f"left with '{endpoint.url}': run with --base-url {endpoint.url}"):
        await asyncio.wait_for(ask(other.settings(**options), store.engine, questions(2)), PATIENCE)
    assert other.counters()["paid"] == 0
