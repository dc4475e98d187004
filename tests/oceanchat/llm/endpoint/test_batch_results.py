"""What batches bring, and what killed runs left with the provider, is collected."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from oceanchat.errors import CallFailed
from oceanchat.llm.chat import ChatAnswer
from oceanchat.store.database import Store
from tests.endpoint import COUNTED_BATCHES, FAST_BATCHES, MODEL, Endpoint, ask, questions

Serve = Callable[..., Endpoint]


async def test_an_expired_batch_keeps_what_it_finished(store: Store, serve: Serve) -> None:
    endpoint = serve(reply="answer {digest}", batch_expired=0.4)
    answers, _ = await ask(endpoint.settings(**FAST_BATCHES), store.engine, questions(20))
    finished = [answer for answer in answers if isinstance(answer, ChatAnswer)]
    failed = [answer.reason for answer in answers if isinstance(answer, CallFailed)]
    assert len(finished) >= 18 and set(failed) <= {"batch-expired"}
    assert endpoint.counters()["batches"] > 1
    assert endpoint.counters()["paid_twice"] == 0


async def test_one_filtered_line_fails_alone(store: Store, serve: Serve) -> None:
    endpoint = serve(poison="question 3")
    answers, _ = await ask(endpoint.settings(**FAST_BATCHES), store.engine, questions(6))
    assert [getattr(answer, "reason", "") for answer in answers] == ["", "", "", "content-filter", "", ""]


async def test_a_batch_in_a_form_that_is_refused_is_asked_again_in_another(
    store: Store, serve: Serve
) -> None:
    endpoint = serve(refuse="max_tokens,temperature")
    answers, session = await ask(endpoint.settings(**COUNTED_BATCHES), store.engine, questions(6))
    assert all(isinstance(answer, ChatAnswer) for answer in answers)
    assert endpoint.counters()["batches"] == 3
    assert session.request_forms == {
        MODEL: ("max_completion_tokens in place of max_tokens", "no temperature where it would be 0")
    }
    await ask(endpoint.settings(**COUNTED_BATCHES), store.engine, questions(9))
    assert endpoint.counters()["paid_twice"] == 0


async def test_what_was_never_submitted_is_asked_for_again(
    store: Store, serve: Serve, tmp_path: Path
) -> None:
    endpoint = serve(batch_seconds=0.1)
    await ask(endpoint.settings(**COUNTED_BATCHES), store.engine, questions(3))
    # As a kill between the two records would have left it.
    with closing(sqlite3.connect(store.url)) as connection, connection:
        connection.execute("update ledger_batches set state = 'preparing', remote_id = null, batch = 'gone'")
        connection.execute("update ledger_calls set state = 'in_flight', body = null, batch = 'gone'")
        connection.execute("update ledger_runs set ended_at = 1")
    answers, _ = await ask(endpoint.settings(**COUNTED_BATCHES), store.engine, questions(3))
    assert all(isinstance(answer, ChatAnswer) for answer in answers)
    assert endpoint.counters()["batches"] == 2


async def test_a_batch_whose_id_was_lost_is_found_by_its_metadata(store: Store, serve: Serve) -> None:
    endpoint = serve(batch_seconds=0.1)
    await ask(endpoint.settings(**COUNTED_BATCHES), store.engine, questions(3))
    with closing(sqlite3.connect(store.url)) as connection, connection:
        (batch,) = connection.execute("select batch from ledger_batches").fetchone()
        connection.execute("update ledger_batches set state = 'preparing', remote_id = null")
        connection.execute("update ledger_calls set state = 'in_flight', body = null, batch = ?", (batch,))
        connection.execute("update ledger_runs set ended_at = 1")
    answers, _ = await ask(endpoint.settings(**COUNTED_BATCHES), store.engine, questions(3))
    assert all(isinstance(answer, ChatAnswer) for answer in answers)
    assert endpoint.counters()["batches"] == 1
    assert endpoint.counters()["paid_twice"] == 0
