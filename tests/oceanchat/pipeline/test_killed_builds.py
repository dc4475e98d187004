"""A build against a paid endpoint, killed at any moment and run again, ends in the same dialogues."""

import json
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from oceanchat.store import builds as build_rows
from oceanchat.store.database import open_store
from tests.endpoint import Endpoint
from tests.processes import PATIENCE, Spawn, children, kill_when, wait_until

MAIN = "from oceanchat.cli.main import main; main()"
SEEDS = [pytest.param(seed, marks=[pytest.mark.soak] if seed >= 1 else []) for seed in range(15)]


def start(spawn: Spawn, folder: Path, endpoint: Endpoint, *more: str) -> "subprocess.Popen[str]":
    command = [sys.executable, "-c", MAIN, "build", "--trait", "O", "--level", "high", "--count", "8"]
    command += ["--model", "served", "--base-url", endpoint.url, "--concurrency", "8", "--json", *more]
    folder.mkdir(exist_ok=True)
    return spawn(command, fork=True, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def finish(process: "subprocess.Popen[str]") -> dict[str, Any]:
    out, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, err
    report: dict[str, Any] = json.loads(out)
    return report


def dialogues(folder: Path) -> list[tuple[str, str]]:
    store = open_store(folder / "ocean-chat.db")
    with store.reading() as connection:
        states = [(dialogue.id, dialogue.state) for dialogue in build_rows.stored_dialogues(connection)]
    store.close()
    return states


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[str, str]]:
    """The dialogues of a build that nobody kills."""
    folder = tmp_path_factory.mktemp("whole")
    with children() as spawn, closing(Endpoint(reply=None)) as endpoint:
        finish(start(spawn, folder, endpoint))
    return dialogues(folder)


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    served = Endpoint(reply=None, latency=0.03, batch_seconds=0.3)
    yield served
    served.close()


@pytest.mark.parametrize("seed", SEEDS)
def test_a_killed_build_ends_in_the_same_dialogues(
    tmp_path: Path, endpoint: Endpoint, spawn: Spawn, whole: list[tuple[str, str]], seed: int
) -> None:
    moment = random.Random(seed).randint(1, 130)
    kill_when(lambda: endpoint.counters()["calls"] >= moment, start(spawn, tmp_path, endpoint))
    finish(start(spawn, tmp_path, endpoint))
    assert dialogues(tmp_path) == whole
    assert endpoint.counters()["paid_twice"] <= 8


@pytest.mark.parametrize("seed", SEEDS)
def test_a_killed_batch_build_ends_in_the_same_dialogues(
    tmp_path: Path, endpoint: Endpoint, spawn: Spawn, whole: list[tuple[str, str]], seed: int
) -> None:
    build = start(spawn, tmp_path, endpoint, "--batch")
    # Before its batches a build asks one by one, as live builds do.
    wait_until(lambda: endpoint.counters()["batches"] > 0, build)
    until = time.monotonic() + random.Random(seed).uniform(0.0, 2.5)
    kill_when(lambda: time.monotonic() >= until, build)
    finish(start(spawn, tmp_path, endpoint, "--batch"))
    assert dialogues(tmp_path) == whole
    assert endpoint.counters()["paid_twice"] == 0
