"""kill -9 at any moment: what was answered is kept, and only what was in flight can be paid again."""

import random
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from oceanchat.llm.costs import cost_report
from oceanchat.llm.prices import load_prices
from oceanchat.store.database import open_store
from tests.endpoint import Endpoint
from tests.oceanchat.llm.kill_target import finish, start_asking
from tests.processes import PATIENCE, Spawn, children, kill_when, send_signal, wait_until

Serve = Callable[..., Endpoint]
Start = Callable[..., "subprocess.Popen[str]"]
COUNT, CONCURRENCY = 120, 16
SEEDS = [pytest.param(seed, marks=[pytest.mark.soak] if seed >= 2 else []) for seed in range(30)]


@pytest.fixture
def start(spawn: Spawn) -> Start:
    """Start asking COUNT questions on a store."""
    return lambda store, endpoint, *more: start_asking(spawn, store, endpoint, COUNT, CONCURRENCY, *more)


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The answers of a run that is not killed."""
    path = tmp_path_factory.mktemp("whole") / "store.db"
    with children() as spawn, closing(Endpoint(reply="answer {digest}")) as endpoint:
        texts: list[str] = finish(start_asking(spawn, path, endpoint, COUNT, CONCURRENCY))["texts"]
    return texts


@pytest.mark.parametrize("seed", SEEDS)
def test_live_kills_cost_at_most_what_was_in_flight(
    tmp_path: Path, serve: Serve, start: Start, uninterrupted: list[str], seed: int
) -> None:
    endpoint = serve(reply="answer {digest}", latency=0.08, seed=seed)
    path = tmp_path / "store.db"
    moment = random.Random(seed).randint(1, COUNT - 1)
    kill_when(lambda: endpoint.counters()["calls"] >= moment, start(path, endpoint))
    report = finish(start(path, endpoint))
    counters = endpoint.counters()
    with closing(open_store(path)) as store:
        lost = cost_report(store, load_prices()).total.kinds["lost"].calls
    assert counters["paid_twice"] <= lost <= CONCURRENCY
    assert report["calls"]["made"] + report["calls"]["replayed"] == COUNT
    assert counters["paid"] <= COUNT + lost
    assert report["texts"] == uninterrupted


@pytest.mark.parametrize("seed", SEEDS)
def test_batch_kills_cost_nothing_twice(
    tmp_path: Path, serve: Serve, start: Start, uninterrupted: list[str], seed: int
) -> None:
    endpoint = serve(reply="answer {digest}", batch_seconds=0.4, seed=seed)
    path = tmp_path / "store.db"
    process = start(path, endpoint, "batch")
    dice = random.Random(seed)
    if seed % 2:  # around the submission, where a kill hurts most
        batches = dice.randint(0, 3)
        kill_when(lambda: endpoint.counters()["batches"] >= batches, process)
    else:
        until = time.monotonic() + dice.uniform(0.5, 2.2)
        kill_when(lambda: time.monotonic() >= until, process)
    report = finish(start(path, endpoint, "batch"))
    assert endpoint.counters()["paid_twice"] == 0
    assert report["texts"] == uninterrupted


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_first_signal_lets_what_is_in_flight_finish(
    tmp_path: Path, serve: Serve, start: Start, number: int
) -> None:
    endpoint = serve(reply="answer {digest}", latency=0.3)
    path = tmp_path / "store.db"
    process = start(path, endpoint)
    wait_until(lambda: endpoint.counters()["calls"] >= 20, process)
    process.send_signal(number)
    _, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 1
    assert "stopped by SIG" in err and "run the same command again" in err and "Traceback" not in err
    calls = endpoint.counters()["calls"]
    assert calls < COUNT
    report = finish(start(path, endpoint))
    assert report["calls"]["replayed"] == calls  # every call that had left was waited for and kept
    assert endpoint.counters()["paid_twice"] == 0


def test_a_second_signal_leaves_at_once(tmp_path: Path, serve: Serve, start: Start) -> None:
    endpoint = serve(latency=2 * PATIENCE)
    process = start(tmp_path / "store.db", endpoint)
    wait_until(lambda: endpoint.counters()["calls"] >= CONCURRENCY, process)
    send_signal(process, signal.SIGINT)
    time.sleep(0.3)
    assert process.poll() is None
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=PATIENCE)
    assert process.returncode == 130


def test_a_stopped_batch_build_is_resumed_from_the_provider(
    tmp_path: Path, serve: Serve, start: Start, uninterrupted: list[str]
) -> None:
    endpoint = serve(reply="answer {digest}", batch_seconds=8)  # none comes back before the stop
    path = tmp_path / "store.db"
    process = start(path, endpoint, "batch")
    wait_until(lambda: endpoint.counters()["batches"] >= 3, process)
    time.sleep(0.2)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 1 and "3 batches stay with the provider" in err
    report = finish(start(path, endpoint, "batch"))
    assert report["texts"] == uninterrupted
    assert endpoint.counters()["batches"] == 3
    assert endpoint.counters()["paid_twice"] == 0
