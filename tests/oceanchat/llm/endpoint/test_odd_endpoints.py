"""Endpoints that want to be asked otherwise, or that answer with anything but answers, on real sockets."""

import asyncio
from collections.abc import Callable

import pytest

from oceanchat.errors import BuildStopped, CallFailed
from oceanchat.llm.chat import ChatRequest, Message
from oceanchat.llm.endpoint import client
from oceanchat.llm.endpoint.live import OpenAIModel
from oceanchat.llm.endpoint.openai_endpoint import OpenAIEndpoint
from oceanchat.llm.endpoint.request_errors import ErrorAction, RequestError
from oceanchat.llm.settings import CallSettings
from oceanchat.llm.throttle import Throttle
from oceanchat.models import open_session
from oceanchat.store import ledger_sums
from oceanchat.store.database import Store
from tests.endpoint import MODEL, ask, ask_all, question, questions
from tests.odd_endpoint import ANSWER, OddEndpoint
from tests.processes import PATIENCE

Odd = Callable[[str], OddEndpoint]


@pytest.mark.parametrize("concurrency", [1, 8])
async def test_what_a_model_refuses_is_learnt_once_at_any_concurrency(
    store: Store, odd: Odd, concurrency: int
) -> None:
    endpoint = odd("reasoning")
    answers, session = await ask(endpoint.settings(concurrency=concurrency), store.engine, questions(30))
    assert [answer.text for answer in answers] == [ANSWER] * 30
    refused = endpoint.counters()["calls"] - 30
    assert refused <= 2 * concurrency
    assert session.request_forms == {
        MODEL: ("max_completion_tokens in place of max_tokens", "no temperature where it would be 0")
    }
    assert len(session.notes) == 1 and "max_completion_tokens" in session.notes[0]


async def test_a_system_part_is_folded_where_it_is_refused(store: Store, odd: Odd) -> None:
    request = ChatRequest((Message("system", "You label."), Message("user", "This.")), "label", 9, 0.0)
    (answer,), _ = await ask(odd("no_system").settings(), store.engine, [request])
    assert answer.text == "You label.\n\nThis."


async def test_a_poisoned_prompt_teaches_nothing(store: Store, odd: Odd) -> None:
    endpoint = odd("poisoned")
    requests = [question("poison"), *questions(5)]
    async with open_session(endpoint.settings(concurrency=1), store.engine, OpenAIEndpoint) as session:
        bad, *good = await ask_all(session, requests)
        assert isinstance(bad, CallFailed) and bad.reason == "bad-request"
        assert [answer.text for answer in good if not isinstance(answer, CallFailed)] == ["temperature"] * 5
        assert not session.request_forms


@pytest.mark.parametrize(
    ("mode", "message", "calls"),
    [
        ("credit", r"402 This request requires more credits", 4),
        ("studio", r"Unexpected endpoint or method.*--base-url", 4),
        ("page", r"HTML page \('Sign in to the campus'\); .*--base-url", 36),
        ("no_choices", r"not a complete chat completion", 36),
        ("broken_off", r"502 gone", 36),
        ("moved", r"\(redirected to 'http://127.0.0.1:9/v1' with POST\); it cannot be reached", 36),
        ("loop", r"redirects without end .*; .*--base-url", 16),
    ],
)
async def test_what_is_no_answer_ends_the_run_in_its_words(
    store: Store, odd: Odd, mode: str, message: str, calls: int
) -> None:
    endpoint = odd(mode)
    settings = endpoint.settings(concurrency=4)
    with pytest.raises(BuildStopped, match=message):
        await ask(settings, store.engine, questions(12))
    assert endpoint.counters()["calls"] <= calls
    with store.reading() as connection:
        lost = sum(row["calls"] for row in ledger_sums.lost_attempts(connection))
    assert lost == (endpoint.counters()["calls"] if mode in ("broken_off", "no_choices") else 0)


async def test_an_answer_that_is_streamed_unasked_is_read(store: Store, odd: Odd) -> None:
    (answer,), _ = await ask(odd("events").settings(), store.engine, questions(1))
    assert answer.text == "in parts"


async def test_a_model_that_only_streams_is_asked_to(store: Store, odd: Odd) -> None:
    endpoint = odd("streams_only")
    answers, session = await ask(endpoint.settings(concurrency=2), store.engine, questions(6))
    assert [(answer.text, answer.completion_tokens) for answer in answers] == [("in parts", 4)] * 6
    assert endpoint.counters()["calls"] <= 8
    assert session.request_forms == {"served": ("replies asked for in parts",)}


@pytest.mark.parametrize("mode", ["dripping", "endless"])
async def test_a_reply_ends_in_time_and_has_an_end(store: Store, odd: Odd, mode: str) -> None:
    settings = odd(mode).settings(timeout_seconds=0.5 if mode == "dripping" else PATIENCE, max_tries=1)
    (answer,), _ = await ask(settings, store.engine, questions(1))
    assert answer.reason == {"dripping": "timeout", "endless": "too-long-reply"}[mode]


async def test_a_missing_version_is_found_out_and_named(store: Store, odd: Odd) -> None:
    endpoint = odd("below_v1")
    settings = endpoint.settings(base_url=f"{endpoint.root}/?api-version=1", concurrency=2)
    answers, session = await ask(settings, store.engine, questions(6))
    assert [answer.text for answer in answers] == [ANSWER] * 6
    assert endpoint.counters()["/v1/chat/completions?api-version=1"] == 6
    assert endpoint.counters()["/chat/completions?api-version=1"] <= 2
    assert session.notes == (
        f"endpoint '{endpoint.root}' answers below /v1 only; write --base-url '{endpoint.root}/v1'",
    )


async def test_an_address_where_nothing_is_served_stops_the_run(store: Store, odd: Odd) -> None:
    endpoint = odd("below_v1")
    settings = endpoint.settings(base_url=f"{endpoint.root}/nowhere/v2", concurrency=2)
    with pytest.raises(BuildStopped, match=r"404 page not found; .*check --base-url"):
        await ask(settings, store.engine, questions(6))
    assert endpoint.counters()["calls"] <= 2


async def test_requests_go_by_way_of_the_proxy(store: Store, odd: Odd) -> None:
    proxy = odd("plain")
    settings = proxy.settings(base_url="http://127.0.0.9:9/v1", proxy=proxy.root)
    (answer,), _ = await ask(settings, store.engine, questions(1))
    assert answer.text == ANSWER
    down = proxy.settings(proxy="http://me:planted-word@127.0.0.1:9")
    with pytest.raises(BuildStopped, match=r"by way of the proxy 'http://127.0.0.1:9'") as caught:
        await ask(down, store.engine, questions(2)[1:])
    assert "planted" not in str(caught.value)


async def test_a_slow_server_is_asked_less_at_once_and_loses_nothing(store: Store, odd: Odd) -> None:
    endpoint = odd("serial")
    settings = endpoint.settings(concurrency=32, timeout_seconds=1.5)
    answers, session = await ask(settings, store.engine, questions(40))
    assert [answer.text for answer in answers] == [ANSWER] * 40
    assert endpoint.counters()["calls"] < 100
    assert any("--concurrency" in note for note in session.notes)


async def test_an_endpoint_that_loads_its_model_is_waited_for_and_it_is_said_once(
    store: Store, odd: Odd
) -> None:
    endpoint = odd("loading")
    settings = endpoint.settings(concurrency=4, max_tries=1)
    answers, session = await ask(settings, store.engine, questions(6))
    assert [answer.text for answer in answers] == [ANSWER] * 6
    assert len(session.usage.notes) == 1 and session.usage.lost == 0
    assert "is not ready yet (503 Loading model); waiting up to 10 minutes for it" in session.usage.notes[0]


async def test_one_that_hangs_up_on_everybody_is_named_once(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    monkeypatch.setattr(client, "SILENCE", 0.0)
    server = await asyncio.start_server(hang_up, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
    settings = CallSettings(base_url=url, concurrency=4, max_tries=2)
    answers, session = await ask(settings, store.engine, questions(3))
    server.close()
    assert {answer.reason for answer in answers if isinstance(answer, CallFailed)} == {"connection-lost"}
    (note,) = session.usage.notes
    assert f"'{url}' has given no answer for 0 s (" in note and "tried up to 2 times before" in note


async def test_a_slow_one_that_answers_others_is_not_called_silent() -> None:
    lines: list[str] = []
    connection = client.Connection(CallSettings(base_url="http://x/v1", timeout_seconds=20), Throttle(1))
    connection.throttle.tell = lines.append
    late = RequestError(ErrorAction.RETRY, "timeout", "no complete reply")
    connection.ready()
    connection.note_silence(late, 8)
    connection.heard_at -= 10  # while the one that is late was under way
    connection.note_silence(late, 8)
    connection.silent_since = connection.heard_at - 60
    OpenAIModel("m", connection)._count(RequestError(ErrorAction.FAIL_ROW, "bad-request", "400"), 0.0)
    connection.note_silence(RequestError(ErrorAction.RETRY, "connection-lost", "lost"), 8)
    assert not lines
    connection.heard_at -= 21
    connection.note_silence(late, 8)
    connection.note_silence(late, 8)
    (line,) = lines
    assert "has given no answer for 20 s (no complete reply)" in line
    await connection.close()


async def test_one_that_never_gets_ready_stops_the_run_at_the_limit(
    store: Store, odd: Odd, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "LOADING_LIMIT", 0.3)
    with pytest.raises(BuildStopped, match=r"503 Loading model \(not ready after .* again later"):
        await ask(odd("never_ready").settings(concurrency=4), store.engine, questions(6))


async def test_one_that_answers_others_meanwhile_loses_the_row(
    store: Store, odd: Odd, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "LOADING_TRIES", 1)
    requests = [question("hello"), question("question")]
    answers, _ = await ask(odd("never_ready").settings(concurrency=1), store.engine, requests)
    assert answers[0].text == ANSWER
    assert isinstance(answers[1], CallFailed) and answers[1].reason == "loading"
