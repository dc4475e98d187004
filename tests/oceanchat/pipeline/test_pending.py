"""What a build needs next, round by round, until it needs nothing."""

import asyncio
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from oceanchat.errors import BuildStopped, ConfigError
from oceanchat.llm.attempt import Accounts, CallAttempt
from oceanchat.llm.endpoint.openai_endpoint import OpenAIEndpoint
from oceanchat.llm.offline import OfflineEndpoint
from oceanchat.llm.settings import CallSettings
from oceanchat.models import open_session
from oceanchat.pipeline import build as service
from oceanchat.pipeline.answers import commit_answers
from oceanchat.pipeline.config import BuildConfig
from oceanchat.pipeline.pending import Pending, Scope, find_pending
from oceanchat.pipeline.report import BuildReport
from oceanchat.pipeline.request_files import write_requests
from oceanchat.progress import Silence
from oceanchat.store import builds as build_rows
from oceanchat.store.database import Store, open_store
from oceanchat.traits import Level, Trait, TraitLevel
from tests.endpoint import Endpoint
from tests.oceanchat.pipeline.engine import answer_file, result_line, write_lines

MOST_ROUNDS = 12
FILTERED = {"error": {"message": "blocked", "code": "content_filter"}}


def config(count: int = 10, calls: CallSettings | None = None, **given: object) -> BuildConfig:
    roles = dict.fromkeys(("labeler", "writer", "checker"), "m") | given
    return BuildConfig(
        trait_levels=(TraitLevel(Trait.O, Level.HIGH),), count=count, calls=calls or CallSettings(), **roles
    )


def find(config: BuildConfig, store: Store, **scope: Any) -> Pending:
    prepared = service.prepare(config, to_ask=False)
    return asyncio.run(find_pending(prepared, store, Silence(), Scope(**scope)))


def build(config: BuildConfig, store: Store) -> BuildReport:
    return asyncio.run(service.build(service.prepare(config), store, Silence(), OpenAIEndpoint))


def build_by_files(config: BuildConfig, store: Store, folder: Path) -> int:
    """Answer what is pending until nothing is; how many rounds that took."""
    requests, results = folder / "requests.jsonl", folder / "results.jsonl"
    for number in range(MOST_ROUNDS + 1):
        write_requests(find(config, store).requests, [requests])
        if not requests.stat().st_size:
            return number
        answer_file(requests, results)
        asyncio.run(commit_answers(store, CallSettings(), [results]))
    raise AssertionError(f"more than {MOST_ROUNDS} rounds")


def dialogues(store: Store) -> list[tuple[str, str]]:
    with store.reading() as connection:
        return [(dialogue.id, dialogue.state) for dialogue in build_rows.stored_dialogues(connection)]


def commit(store: Store, folder: Path, lines: list[dict[str, Any]]) -> None:
    asyncio.run(commit_answers(store, CallSettings(), [write_lines(folder / "r.jsonl", lines)]))


def test_a_build_by_files_is_the_build_by_calls(
    tmp_path: Path, store: Store, serve: Callable[..., Endpoint]
) -> None:
    assert build_by_files(config(), store, tmp_path) <= MOST_ROUNDS
    offline = build(config(calls=CallSettings(offline=True)), store)
    assert (offline.usage.answered, offline.record()["dialogues"]["passed"]) == (0, 10)
    larger = find(config(30), store)  # whose labels are missing, so that it comes to no dialogue yet
    assert (larger.dialogues_passed, larger.dialogues_wanted) == (10, 30)
    with_calls = open_store(tmp_path / "calls.db")
    build(config(calls=serve(reply=None).settings()), with_calls)
    assert dialogues(store) == dialogues(with_calls)
    with_calls.close()


def test_what_is_pending_is_the_same_each_time_and_changes_no_build(store: Store) -> None:
    first = find(config(), store)
    assert first.requests and find(config(), store) == first
    assert len({absent.key for absent in first.requests}) == len(first.requests)
    with store.reading() as connection:
        assert not build_rows.stored_builds(connection, "m")


def test_an_offline_build_says_what_is_missing_and_how_to_go_on(store: Store) -> None:
    with pytest.raises(
        BuildStopped, match=r"for 3 more \(4 'label_many' in all\).*`oceanchat pending` writes"
    ):
        build(config(calls=CallSettings(offline=True)), store)


def test_a_scripted_role_answers_by_itself_and_only_names_one_model(store: Store) -> None:
    mixed = config(count=2, labeler="scripted", checker="c")
    assert {absent.request.task for absent in find(mixed, store).requests} == {"write"}
    none = find(mixed, store, only="c")
    assert none.requests == [] and none.to_others.keys() == {"m"} and none.is_all_left_out
    with pytest.raises(ConfigError, match=r"--only 'x' is none .*'scripted', 'm', 'c'"):
        find(mixed, store, only="x")
    with pytest.raises(ConfigError, match=r"scripted model answers in this process.*--model NAME"):
        find(config(labeler="scripted", writer="scripted", checker="scripted"), store)


def test_labels_can_be_asked_for_ahead_of_need(store: Store) -> None:
    needed, ahead = find(config(), store).requests, find(config(), store, sentences_ahead=90).requests
    assert {*needed} < {*ahead} and len(ahead) == len(needed) + 2 * 4
    assert {absent.request.task for absent in ahead} == {"label_many"}


def test_what_failed_for_good_is_pending_again_where_that_is_wanted(store: Store, tmp_path: Path) -> None:
    requests = find(config(), store).requests
    commit(
        store,
        tmp_path,
        [result_line(requests[0].key, FILTERED, 400), result_line(requests[1].key, None, 500)],
    )
    again = find(config(), store).requests
    assert requests[1] in again and requests[0] not in again
    assert {*find(config(), store, failed=True).requests} == {*requests}


def test_what_failed_together_is_wanted_alone_where_that_was_answered(store: Store, tmp_path: Path) -> None:
    shared = find(config(), store).requests
    commit(store, tmp_path, [result_line(absent.key, FILTERED, 400) for absent in shared])
    assert find(config(), store, failed=True).requests == shared, "not what it falls back on"
    alone = find(config(), store).requests
    assert {absent.request.task for absent in alone} == {"label"}
    write_requests(alone[1:], [tmp_path / "alone.jsonl"])
    answered = answer_file(tmp_path / "alone.jsonl", tmp_path / "r.jsonl")
    commit(store, tmp_path, [result_line(alone[0].key, FILTERED, 400), *answered])
    assert alone[0] not in find(config(), store).requests
    assert {*find(config(), store, failed=True).requests} & {*alone, *shared} == {alone[0]}


def test_where_all_has_failed_what_failed_is_pending_again(store: Store, tmp_path: Path) -> None:
    too_long = {"message": "This model's maximum context length is 2048 tokens.", "code": 400}
    first = find(config(), store).requests
    for _ in range(2):
        requests = find(config(), store).requests
        commit(store, tmp_path, [result_line(absent.key, None, 400, too_long) for absent in requests])
    way_out = r"context is too short.*`oceanchat pending --failed` writes"
    with pytest.raises(BuildStopped, match=way_out) as stopped:
        find(config(), store)
    assert "retry" not in str(stopped.value), "the server may be out of reach"
    again = find(config(), store, failed=True).requests
    assert again == first
    write_requests(again, [tmp_path / "again.jsonl"])
    commit(store, tmp_path, answer_file(tmp_path / "again.jsonl", tmp_path / "r.jsonl"))
    assert find(config(), store).requests


def test_what_another_run_asks_for_is_left_out(store: Store) -> None:
    first, *others = find(config(), store).requests

    async def claim_and_find(number: int) -> Pending:
        async with open_session(
            CallSettings(base_url=first.endpoint), store.engine, OfflineEndpoint
        ) as session:
            ledger = session.model(first.model)
            accounts = Accounts(session.ledger_writer, session.budget, session.usage)
            for absent in [first, *others][:number]:
                await CallAttempt(ledger.provider, accounts, absent.key, absent.request).begin()
            return await find_pending(service.prepare(config(), to_ask=False), store, Silence())

    pending = asyncio.run(claim_and_find(1))
    assert pending.requests == others and not pending.is_all_left_out
    assert [*pending.asked_elsewhere.values()] == [1]
    assert f"process {os.getpid()}" in next(iter(pending.asked_elsewhere))
    assert asyncio.run(claim_and_find(4)).is_all_left_out and not find(config(), store).is_all_left_out


def test_a_cap_and_a_missing_key_stop_nothing_that_costs_nothing(store: Store) -> None:
    calls = CallSettings(max_usd=0.01, offline=True)
    assert len(find(config(calls=calls), store).requests) == 4
    assert json.loads(find(config(), store).requests[0].request.extra_body or "{}") == {}
