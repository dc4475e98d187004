"""What a batch cost is counted and nothing in it is paid twice, however its provider tells of it."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from oceanchat.errors import BuildStopped, CallFailed
from oceanchat.llm.chat import ChatAnswer
from oceanchat.llm.costs import CostReport, cost_report
from oceanchat.llm.endpoint import batch_results, batch_status
from oceanchat.llm.prices import load_prices
from oceanchat.store.database import Store
from tests.endpoint import COUNTED_BATCHES, ask, prices_file, questions
from tests.odd_batches import OddBatches

COUNT = 8


@pytest.fixture
def odd_batches() -> Iterator[Callable[[str], OddBatches]]:
    """Start an endpoint in a mode; it ends with the test."""
    running: list[OddBatches] = []

    def start(mode: str) -> OddBatches:
        running.append(OddBatches(mode))
        return running[-1]

    yield start
    for endpoint in running:
        endpoint.close()


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch_results, "FIRST_POLL", 0.05)


def costs(store: Store, folder: Path) -> CostReport:
    return cost_report(store, load_prices(prices_file(folder)))


def settings(endpoint: OddBatches, folder: Path, **more: Any) -> Any:
    return endpoint.settings(**COUNTED_BATCHES, prices=prices_file(folder), max_usd=5, **more)


@pytest.mark.parametrize(
    "mode",
    [
        *("late-file", "uncounted", "queued", "upper-case", "own-words", "unnamed-end", "gone-at-first"),
        *("file-late", "file-500", "shuffled-and-twice"),
    ],
)
async def test_a_batch_is_waited_for_until_its_answers_are_there(
    store: Store, tmp_path: Path, odd_batches: Callable[[str], OddBatches], mode: str
) -> None:
    endpoint = odd_batches(mode)
    answers, session = await ask(settings(endpoint, tmp_path), store.engine, questions(COUNT))
    assert all(isinstance(answer, ChatAnswer) for answer in answers)
    counters, report = endpoint.counters(), costs(store, tmp_path)
    assert (counters["batches"], counters["paid"]) == (1, COUNT)
    assert (report.total.paid.calls, report.total.kinds["lost"].calls) == (COUNT, 0)
    assert session.budget.spent == session.usage.usd == report.total.paid.usd > 0


@pytest.mark.parametrize("mode", ["gone", "file-gone"])
async def test_a_batch_that_is_gone_ends_by_that_name_and_may_be_asked_anew(
    store: Store, tmp_path: Path, odd_batches: Callable[[str], OddBatches], mode: str
) -> None:
    endpoint = odd_batches(mode)
    for run in (1, 2):
        with pytest.raises(BuildStopped, match=rf"batch 'batch_{run}' is gone .*run the same command again"):
            await ask(settings(endpoint, tmp_path), store.engine, questions(COUNT))
        report = costs(store, tmp_path)
        assert [row["state"] for row in batch_status.known_batches(store)] == ["gone"] * run
        assert endpoint.counters()["batches"] == run
        assert report.lost_reasons == {"batch-lost": COUNT * run}
        assert report.in_flight == 0


async def test_a_finished_batch_whose_file_never_comes_is_given_up_in_the_end(
    store: Store,
    tmp_path: Path,
    odd_batches: Callable[[str], OddBatches],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(batch_results, "FILE_SECONDS", 1.0)
    endpoint = odd_batches("never-a-file")
    with pytest.raises(BuildStopped, match=r"is completed, but has no file.*counts as lost"):
        await ask(settings(endpoint, tmp_path), store.engine, questions(COUNT))
    assert endpoint.counters()["batches"] == 1
    assert costs(store, tmp_path).lost_reasons == {"batch-lost": COUNT}


async def test_lines_that_were_answered_and_never_came_fail_alone_and_count_as_lost(
    store: Store, tmp_path: Path, odd_batches: Callable[[str], OddBatches]
) -> None:
    endpoint = odd_batches("two-missing")
    answers, session = await ask(settings(endpoint, tmp_path), store.engine, questions(COUNT))
    reasons = [answer.reason for answer in answers if isinstance(answer, CallFailed)]
    report = costs(store, tmp_path)
    assert reasons == ["batch-lost"] * 2
    assert report.lost_reasons == {"batch-lost": 2}
    assert session.usage.lost == 2
    assert session.budget.spent == report.total.paid.usd
    assert endpoint.counters()["paid"] == COUNT == report.total.paid.calls
    await ask(settings(endpoint, tmp_path), store.engine, questions(COUNT))
    assert endpoint.counters()["batches"] == 1  # not asked again unasked


@pytest.mark.parametrize(
    "mode", ["two-broke", "two-broke-off", "two-errors-as-answers", "two-without-choices"]
)
async def test_lines_that_broke_at_the_provider_are_asked_again_and_both_are_counted(
    store: Store, tmp_path: Path, odd_batches: Callable[[str], OddBatches], mode: str
) -> None:
    endpoint = odd_batches(mode)
    answers, _ = await ask(settings(endpoint, tmp_path), store.engine, questions(COUNT))
    assert all(isinstance(answer, ChatAnswer) for answer in answers)
    report = costs(store, tmp_path)
    assert endpoint.counters()["paid"] == report.total.paid.calls == COUNT + 2
    assert report.total.kinds["lost"].calls == 2


async def test_a_batch_whose_submission_was_not_heard_of_is_found_and_not_sent_again(
    store: Store, tmp_path: Path, odd_batches: Callable[[str], OddBatches]
) -> None:
    endpoint = odd_batches("unheard")
    with pytest.raises(BuildStopped, match="lost the reply"):
        await ask(settings(endpoint, tmp_path, max_tries=1), store.engine, questions(COUNT))
    answers, _ = await ask(settings(endpoint, tmp_path), store.engine, questions(COUNT))
    assert all(isinstance(answer, ChatAnswer) for answer in answers)
    assert endpoint.counters()["paid"] == COUNT


async def test_where_no_list_is_kept_an_unheard_submission_counts_as_lost(
    store: Store, tmp_path: Path, odd_batches: Callable[[str], OddBatches]
) -> None:
    endpoint = odd_batches("no-list")
    with pytest.raises(BuildStopped, match="lost the reply"):
        await ask(settings(endpoint, tmp_path, max_tries=1), store.engine, questions(COUNT))
    with pytest.raises(BuildStopped, match="may have been submitted or not"):
        await ask(settings(endpoint, tmp_path), store.engine, questions(COUNT))
    assert costs(store, tmp_path).lost_reasons == {"batch-lost": COUNT}
    assert endpoint.counters()["paid"] == COUNT


async def test_a_batch_that_is_gone_can_be_given_up_by_cancelling_it(
    store: Store, tmp_path: Path, odd_batches: Callable[[str], OddBatches]
) -> None:
    endpoint = odd_batches("gone")
    with pytest.raises(BuildStopped):
        await ask(settings(endpoint, tmp_path), store.engine, questions(1))
    (row,) = batch_status.known_batches(store)
    assert (await batch_status.cancel(settings(endpoint, tmp_path), row)).status == "gone"
    statuses = [status async for _, status in batch_status.watch(settings(endpoint, tmp_path), [row], True)]
    assert [status.status for status in statuses] == ["gone"]
    batch_status.give_up(store, row)
    assert costs(store, tmp_path).lost_reasons == {"batch-lost": 1}
