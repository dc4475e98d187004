"""A worker asks as a build on one machine does, and hands back what the ledger holds."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

from oceanchat.cluster.worker import CallWorker, WorkerSetup
from oceanchat.llm.completions import read_completion
from oceanchat.llm.prices import load_prices
from oceanchat.store import shared_limits
from oceanchat.store.database import Store
from oceanchat.store.ledger import ANSWERED, FAILED
from oceanchat.store.shared_limits import SharedLimits
from tests.endpoint import MODEL, Endpoint, prices_file, question, questions
from tests.processes import wait_until

Serve = Callable[..., Endpoint]


@asynccontextmanager
async def workers(
    store: Store, endpoint: Endpoint, folder: Path, number: int = 1, **settings: Any
) -> AsyncIterator[list[CallWorker]]:
    """Workers of one build."""
    calls = endpoint.settings(**settings)
    cap = None if calls.max_usd is None else Decimal(str(calls.max_usd))
    with store.writing() as connection:
        shared_limits.start(connection, "driver", SharedLimits(cap, calls.rpm, calls.tpm))
    setup = WorkerSetup(calls, load_prices(prices_file(folder)), store.url, "driver")
    opened = [CallWorker(setup) for _ in range(number)]
    assert [await worker.open() for worker in opened] == [""] * number
    yield opened
    for worker in opened:
        await worker.close()


async def test_it_hands_back_the_raw_answer_and_counts_everything_once(
    store: Store, serve: Serve, tmp_path: Path
) -> None:
    async with workers(store, serve(reply="answer {digest}"), tmp_path) as (worker,):
        first = await worker.ask(MODEL, question("one"))
        assert first.entry is not None and first.entry.state == ANSWERED and not first.stopped
        answer = read_completion(first.entry.body or b"")
        assert answer is not None and answer.text.startswith("answer ")
        assert first.counted["answered"] == 1 and first.counted["usd"] > 0
        again = await worker.ask(MODEL, question("one"))
        assert again.entry == first.entry and again.counted == {"replayed": 1}


async def test_a_request_that_fails_comes_back_as_a_failure(
    store: Store, serve: Serve, tmp_path: Path
) -> None:
    async with workers(store, serve(poison="poison"), tmp_path) as (worker,):
        reply = await worker.ask(MODEL, question("poison"))
        assert reply.entry is not None and not reply.stopped
        assert (reply.entry.state, reply.entry.reason) == (FAILED, "content-filter")


async def test_all_workers_keep_one_cap_and_say_why_they_stop(
    store: Store, serve: Serve, tmp_path: Path
) -> None:
    endpoint = serve()
    async with workers(store, endpoint, tmp_path, 2, max_usd=0.0005) as pair:
        asked = [pair[number % 2].ask(MODEL, request) for number, request in enumerate(questions(40))]
        replies = await asyncio.gather(*asked)
    answered = [reply for reply in replies if reply.entry is not None]
    spent = sum((reply.counted.get("usd", Decimal(0)) for reply in replies), Decimal(0))
    assert 0 < len(answered) == endpoint.counters()["paid"] < 40 and 0 < spent <= Decimal("0.0005")
    assert all("--max-usd '0.0005' is reached" in reply.stopped for reply in replies if reply.entry is None)


async def test_what_another_run_is_asking_is_waited_for_and_told(
    store: Store, serve: Serve, tmp_path: Path
) -> None:
    endpoint = serve(latency=1)
    async with workers(store, endpoint, tmp_path, 2) as (one, other):
        first = asyncio.create_task(one.ask(MODEL, question("one")))
        await asyncio.to_thread(wait_until, lambda: endpoint.counters()["calls"] == 1)
        assert (await other.ask(MODEL, question("one"))).entry == (await first).entry
        news = await other.news()
        assert "is asking the same on this store" in news.notes[0] and news.process == os.getpid()
        assert (await other.news()).notes == ()
    assert endpoint.counters()["paid"] == 1


async def test_a_stopped_worker_sends_nothing_more(store: Store, serve: Serve, tmp_path: Path) -> None:
    endpoint = serve()
    async with workers(store, endpoint, tmp_path) as (worker,):
        await worker.stop("the user said so")
        reply = await worker.ask(MODEL, question("one"))
    assert reply.entry is None and reply.stopped == "the user said so" and endpoint.counters()["calls"] == 0


async def test_a_store_that_cannot_be_opened_is_told(serve: Serve, tmp_path: Path) -> None:
    setup = WorkerSetup(
        serve().settings(), load_prices(prices_file(tmp_path)), str(tmp_path / "none.db"), "driver"
    )
    worker = CallWorker(setup)
    assert "none.db' does not exist" in await worker.open()
    assert "none.db' does not exist" in (await worker.ask(MODEL, question("one"))).stopped
