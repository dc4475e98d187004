"""Every failure of an endpoint, on a real socket."""

import time
from collections.abc import Callable

import pytest

from oceanchat.errors import BuildStopped, CallFailed
from oceanchat.llm.chat import ChatAnswer
from oceanchat.llm.endpoint.openai_endpoint import OpenAIEndpoint
from oceanchat.llm.settings import CallSettings
from oceanchat.models import open_session
from oceanchat.store import ledger_sums
from oceanchat.store.database import Store
from tests.endpoint import MODEL, Endpoint, ask, ask_all, question, questions

Serve = Callable[..., Endpoint]


def texts(answers: list[ChatAnswer | CallFailed]) -> list[str]:
    assert all(isinstance(answer, ChatAnswer) for answer in answers), answers
    return [answer.text for answer in answers if isinstance(answer, ChatAnswer)]


async def test_as_many_are_in_flight_as_the_user_asked_for(store: Store, serve: Serve) -> None:
    endpoint = serve(latency=0.1)
    answers, _ = await ask(endpoint.settings(concurrency=24), store.engine, questions(100))
    assert texts(answers) == ["Label: neutral"] * 100
    assert endpoint.counters()["most_in_flight"] == 24
    assert endpoint.counters()["calls"] == 100  # no probe, no hidden retry


@pytest.mark.parametrize("date", [False, True])
async def test_a_throttled_request_waits_for_its_retry_after(store: Store, serve: Serve, date: bool) -> None:
    options = {"retry_after_date": True} if date else {}
    endpoint = serve(rate_429=0.3, retry_after=2 if date else 1, **options)
    started = time.monotonic()
    answers, session = await ask(endpoint.settings(concurrency=8), store.engine, questions(12))
    waited = time.monotonic() - started
    texts(answers)
    # A date has whole seconds, so a wait of two may be given as little more than one.
    assert session.usage.retried >= 1 and waited >= 0.9


async def test_one_that_asks_for_a_long_wait_before_any_answer_stops_the_run(
    store: Store, serve: Serve
) -> None:
    endpoint = serve(rate_429=1.0, retry_after=100)
    with pytest.raises(BuildStopped, match=r"429 on purpose \(asks to wait 100 seconds\)"):
        await ask(endpoint.settings(concurrency=4), store.engine, questions(10))
    assert endpoint.counters()["calls"] <= 10


async def test_faults_cost_a_few_retries_and_no_rows(store: Store, serve: Serve) -> None:
    endpoint = serve(rate_429=0.1, retry_after=0.2, rate_500=0.05, latency=0.02)
    answers, _ = await ask(endpoint.settings(concurrency=32), store.engine, questions(200))
    texts(answers)
    counters = endpoint.counters()
    assert counters["by_status"]["200"] == 200
    assert counters["paid_twice"] == 0
    assert counters["calls"] <= 300


async def test_a_real_limit_is_found_by_backing_off(store: Store, serve: Serve) -> None:
    endpoint = serve(limit=8, latency=0.05, retry_after=0.1)
    answers, session = await ask(endpoint.settings(concurrency=64), store.engine, questions(160))
    texts(answers)
    assert endpoint.counters()["by_status"]["429"] < 400
    assert session.throttle.max_in_flight == 64


@pytest.mark.parametrize("kind", ["reset", "cut_off", "503"])
async def test_broken_connections_and_bodies_are_asked_again(store: Store, serve: Serve, kind: str) -> None:
    endpoint = serve(**{f"rate_{kind}": 0.2, "retry_after": 0})
    answers, session = await ask(endpoint.settings(concurrency=8), store.engine, questions(30))
    texts(answers)
    assert session.usage.retried > 0
    with store.reading() as connection:
        lost = sum(row["calls"] for row in ledger_sums.lost_attempts(connection))
    assert lost == session.usage.retried  # each may have been billed


async def test_a_hanging_request_is_given_up_and_asked_again(store: Store, serve: Serve) -> None:
    endpoint = serve(rate_hang=0.3)
    answers, session = await ask(
        endpoint.settings(concurrency=8, timeout_seconds=0.4), store.engine, questions(10)
    )
    texts(answers)
    assert session.usage.retried > 0


async def test_a_poisoned_prompt_is_tried_once_and_its_neighbours_go_on(store: Store, serve: Serve) -> None:
    endpoint = serve(poison="question 7")
    answers, _ = await ask(endpoint.settings(), store.engine, questions(10))
    failed = [answer for answer in answers if isinstance(answer, CallFailed)]
    assert [failure.reason for failure in failed] == ["content-filter"]
    assert answers.index(failed[0]) == 7
    assert endpoint.counters()["calls"] == 10


async def test_a_wrong_key_stops_everything_with_one_line(store: Store, serve: Serve) -> None:
    endpoint = serve(require_key="sk-right")
    with pytest.raises(BuildStopped, match=r"^endpoint 'http://127.+': 401 .*OPENAI_API_KEY.*kept$"):
        await ask(endpoint.settings(concurrency=2), store.engine, questions(50))
    assert endpoint.counters()["calls"] == 0


async def test_an_empty_account_stops_and_keeps_what_was_answered(store: Store, serve: Serve) -> None:
    endpoint = serve(quota_after=5)
    with pytest.raises(BuildStopped, match="out of quota"):
        await ask(endpoint.settings(concurrency=1), store.engine, questions(50))
    assert endpoint.counters()["calls"] == 6
    with store.reading() as connection:
        assert sum(row["calls"] for row in ledger_sums.spending(connection)) == 5


async def test_an_endpoint_that_is_down_stops_everything(store: Store) -> None:
    settings = CallSettings(base_url="http://127.0.0.1:9/v1")
    with pytest.raises(BuildStopped, match=r"cannot be reached; check --base-url"):
        await ask(settings, store.engine, questions(3))


async def test_an_endpoint_that_always_fails_is_given_up_soon(store: Store, serve: Serve) -> None:
    endpoint = serve(rate_500=1.0)
    answers, _ = await ask(endpoint.settings(max_tries=2), store.engine, questions(5))
    assert [getattr(answer, "reason", None) for answer in answers] == ["server-error"] * 5
    assert endpoint.counters()["calls"] == 10


async def test_a_wrong_model_name_stops_the_run_early(store: Store, serve: Serve) -> None:
    endpoint = serve(poison="question")
    with pytest.raises(BuildStopped, match="refused the first 20 requests"):
        await ask(endpoint.settings(concurrency=4), store.engine, questions(200))
    assert endpoint.counters()["calls"] < 30


@pytest.mark.parametrize(("kind", "state"), [("refusal", "refusal"), ("length", "length")])
async def test_refusals_and_cut_replies_reach_the_stage_as_such(
    store: Store, serve: Serve, kind: str, state: str
) -> None:
    endpoint = serve(**{f"rate_{kind}": 1.0})
    (answer,), _ = await ask(endpoint.settings(), store.engine, questions(1))
    assert (answer.refusal is not None) == (state == "refusal")
    assert (answer.finish_reason == "length") == (state == "length")
    with store.reading() as connection:
        assert [row["outcome"] for row in ledger_sums.spending(connection)] == ["rejected"]


async def test_requests_a_minute_are_kept(store: Store, serve: Serve) -> None:
    endpoint = serve()
    started = time.monotonic()
    await ask(endpoint.settings(rpm=600), store.engine, questions(20))
    assert time.monotonic() - started >= 0.8  # ten a second, the first second's worth at once


async def test_another_sample_is_told_apart_on_the_wire(store: Store, serve: Serve) -> None:
    endpoint = serve()
    async with open_session(endpoint.settings(), store.engine, OpenAIEndpoint) as session:
        await ask_all(session, [question("again", sample) for sample in range(3)])
        assert session.model(MODEL).name == MODEL
    assert endpoint.counters()["paid"] == 3
    assert endpoint.counters()["paid_twice"] == 0
