"""kill -9 at any moment: what was answered is kept, and only what was in flight can be paid again."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from oceanchat.llm.costs import cost_report
from oceanchat.llm.prices import load_prices
from oceanchat.store.database import open_store
from tests.endpoint import Endpoint

Serve = Callable[..., Endpoint]
COUNT, CONCURRENCY = 120, 16
SEEDS = [pytest.param(seed, marks=[pytest.mark.soak] if seed >= 5 else []) for seed in range(30)]


def start(store: Path, endpoint: Endpoint, *more: str) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "tests.oceanchat.llm.kill_target", str(store), endpoint.url]
    command += [str(COUNT), str(CONCURRENCY), *more]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def finish(process: "subprocess.Popen[str]") -> dict[str, Any]:
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    report: dict[str, Any] = json.loads(out)
    return report


def kill_when(process: "subprocess.Popen[str]", ripe: Callable[[], bool]) -> None:
    while process.poll() is None and not ripe():
        time.sleep(0.005)
    process.kill()
    process.communicate()


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The answers of a run that is not killed."""
    endpoint = Endpoint(reply="answer {digest}")
    texts: list[str] = finish(start(tmp_path_factory.mktemp("whole") / "store.db", endpoint))["texts"]
    endpoint.close()
    return texts


@pytest.mark.parametrize("seed", SEEDS)
def test_live_kills_cost_at_most_what_was_in_flight(
    tmp_path: Path, serve: Serve, uninterrupted: list[str], seed: int
) -> None:
    endpoint = serve(reply="answer {digest}", latency=0.08, seed=seed)
    path = tmp_path / "store.db"
    moment = random.Random(seed).randint(1, COUNT - 1)
    kill_when(start(path, endpoint), lambda: endpoint.counters()["calls"] >= moment)
    report = finish(start(path, endpoint))
    counters = endpoint.counters()
    lost = cost_report(open_store(path), load_prices()).total.kinds["lost"].calls
    assert counters["paid_twice"] <= lost <= CONCURRENCY
    assert report["calls"]["made"] + report["calls"]["replayed"] == COUNT
    assert counters["paid"] <= COUNT + lost
    assert report["texts"] == uninterrupted


@pytest.mark.parametrize("seed", SEEDS)
def test_batch_kills_cost_nothing_twice(
    tmp_path: Path, serve: Serve, uninterrupted: list[str], seed: int
) -> None:
    endpoint = serve(reply="answer {digest}", batch_seconds=0.4, seed=seed)
    path = tmp_path / "store.db"
    process = start(path, endpoint, "batch")
    dice = random.Random(seed)
    if seed % 2:  # around the submission, where a kill hurts most
        batches = dice.randint(0, 3)
        kill_when(process, lambda: endpoint.counters()["batches"] >= batches)
    else:
        until = time.monotonic() + dice.uniform(0.5, 2.2)
        kill_when(process, lambda: time.monotonic() >= until)
    report = finish(start(path, endpoint, "batch"))
    assert endpoint.counters()["paid_twice"] == 0
    assert report["texts"] == uninterrupted


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_first_signal_lets_what_is_in_flight_finish(tmp_path: Path, serve: Serve, number: int) -> None:
    endpoint = serve(reply="answer {digest}", latency=0.3)
    path = tmp_path / "store.db"
    process = start(path, endpoint)
    while endpoint.counters()["calls"] < 20:
        time.sleep(0.01)
    os.kill(process.pid, number)
    _, err = process.communicate(timeout=20)
    assert process.returncode == 1
    assert "stopped by SIG" in err and "run the same command again" in err and "Traceback" not in err
    calls = endpoint.counters()["calls"]
    assert calls < COUNT
    report = finish(start(path, endpoint))
    assert report["calls"]["replayed"] == calls  # every call that had left was waited for and kept
    assert endpoint.counters()["paid_twice"] == 0


def test_a_second_signal_leaves_at_once(tmp_path: Path, serve: Serve) -> None:
    endpoint = serve(latency=30)
    process = start(tmp_path / "store.db", endpoint)
    while endpoint.counters()["calls"] < CONCURRENCY:
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGINT)
    time.sleep(0.3)
    assert process.poll() is None
    os.kill(process.pid, signal.SIGINT)
    process.communicate(timeout=5)
    assert process.returncode == 130


def test_a_stopped_batch_build_is_resumed_from_the_provider(
    tmp_path: Path, serve: Serve, uninterrupted: list[str]
) -> None:
    endpoint = serve(reply="answer {digest}", batch_seconds=2)
    path = tmp_path / "store.db"
    process = start(path, endpoint, "batch")
    while endpoint.counters()["batches"] < 3:
        time.sleep(0.02)
    time.sleep(0.2)
    os.kill(process.pid, signal.SIGINT)
    _, err = process.communicate(timeout=10)
    assert process.returncode == 1 and "3 batches stay with the provider" in err
    report = finish(start(path, endpoint, "batch"))
    assert report["texts"] == uninterrupted
    assert endpoint.counters()["batches"] == 3
    assert endpoint.counters()["paid_twice"] == 0
