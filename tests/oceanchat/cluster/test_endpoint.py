"""A Ray cluster with two workers makes the dialogues that one machine makes, whoever is killed meanwhile."""

import functools
import json
import os
import random
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from sqlalchemy import select

from oceanchat.invocation import install_command
from oceanchat.store import ledger_runs, shared_limits
from oceanchat.store.database import open_store
from oceanchat.store.schema import metadata
from oceanchat.store.shared_limits import SharedLimits
from tests.endpoint import MODEL, Endpoint, prices_file
from tests.oceanchat.cli.conftest import Command
from tests.oceanchat.cli.conftest import command as command
from tests.oceanchat.cluster import ray_process
from tests.oceanchat.cluster.ray_process import TOKEN, ray_cluster
from tests.processes import PATIENCE, Spawn, wait_until
from tests.running import OCEANCHAT, clean_environment, run_json

pytestmark = [pytest.mark.postgres, pytest.mark.slow]
BUILD = ("build", "--trait", "O", "--level", "high", "--count", "8", "--model", MODEL)
ONE_BY_ONE = ("--sentences-per-call", "1", "--dialogues-per-check", "1", "--concurrency", "4")
OF_A_RUN = {"run", "recorded_at", "finished_at"}
"""Columns that differ from run to run."""
NOT_BUILT = {"ledger_lost_attempts", "ledger_runs", "shared_limits", "store_info"}
CAP = Decimal("0.5")
SEEDS = [pytest.param(seed, marks=[pytest.mark.soak] if seed else []) for seed in range(10)]


@pytest.fixture(scope="module")
def cluster() -> Iterator[str]:
    """The address of a cluster of one machine."""
    with ray_cluster() as address:
        yield address


class Scene(NamedTuple):
    """An endpoint, and what a build of one machine made there."""

    endpoint: Endpoint
    options: tuple[str, ...]
    prices: str
    rows: dict[str, list[dict[str, Any]]]
    paid: int


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    folder = tmp_path_factory.mktemp("one-machine")
    prices = str(prices_file(folder))
    with closing(Endpoint(reply=None, latency=0.3)) as endpoint:
        options = (*BUILD, *ONE_BY_ONE, "--base-url", endpoint.url)
        run_json(folder, *options, "--prices", prices)
        paid = endpoint.counters()["paid"]
        yield Scene(endpoint, options, prices, rows(str(folder / "ocean-chat.db")), paid)


def rows(url: str) -> dict[str, list[dict[str, Any]]]:
    """All that a build leaves in a store, without what differs from run to run."""
    with closing(open_store(url, must_exist=True)) as store, store.reading() as connection:
        return {
            table.name: [
                {name: value for name, value in row.items() if name not in OF_A_RUN}
                for row in connection.execute(select(table).order_by(*table.primary_key)).mappings()
            ]
            for table in metadata.sorted_tables
            if table.name not in NOT_BUILT
        }


def start(spawn: Spawn, folder: Path, scene: Scene, cluster: str, store: str) -> "subprocess.Popen[str]":
    """Start a build on the cluster, under a cap."""
    command = [OCEANCHAT, *scene.options, "--store", store, "--ray", cluster, "--ray-workers", "2", "--json"]
    command += ["--prices", scene.prices, "--max-usd", str(CAP)]
    environment = clean_environment() | TOKEN
    return spawn(command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def finish(process: "subprocess.Popen[str]") -> dict[str, Any]:
    out, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, err
    assert not re.search(r"Traceback|raylet|^\[\d{4}-|WARNING|INFO", err, re.MULTILINE), err
    report: dict[str, Any] = json.loads(out)
    return report


def test_two_drivers_at_once_share_every_answer_and_end_in_the_rows_of_one_machine(
    tmp_path: Path, spawn: Spawn, scene: Scene, cluster: str, postgres_url: str
) -> None:
    before = scene.endpoint.counters()["paid"]
    drivers = [start(spawn, tmp_path, scene, cluster, postgres_url) for _ in range(2)]
    calls = [finish(driver)["calls"]["made"] for driver in drivers]
    assert rows(postgres_url) == scene.rows
    assert scene.endpoint.counters()["paid"] - before == scene.paid == sum(calls)


def has_paid(scene: Scene, number: int) -> bool:
    paid: int = scene.endpoint.counters()["paid"]
    return paid >= number


def limits(url: str) -> list[SharedLimits]:
    """The limits on record."""
    with closing(open_store(url)) as store, store.writing() as connection:
        drivers = connection.execute(select(shared_limits.shared_limits.c.driver)).scalars().all()
        known = [shared_limits.change(connection, driver, lambda own, now: own) for driver in drivers]
    return [own for own in known if own is not None]


def workers(url: str, driver: "subprocess.Popen[str]") -> list[int]:
    """The processes that ask for a driver's build."""
    with closing(open_store(url)) as store, store.reading() as connection:
        runs = ledger_runs.askers(connection).values()
    return [run.pid for run in runs if run.alive and run.pid != driver.pid]


@pytest.mark.parametrize("seed", SEEDS)
def test_killed_workers_and_a_killed_driver_cost_at_most_what_was_in_flight(
    tmp_path: Path, spawn: Spawn, scene: Scene, cluster: str, postgres_url: str, seed: int
) -> None:
    before = scene.endpoint.counters()["paid"]
    first, second, third = sorted(random.Random(seed).sample(range(1, scene.paid - 8), 3))
    driver = start(spawn, tmp_path, scene, cluster, postgres_url)
    for moment in (first, second):
        wait_until(functools.partial(has_paid, scene, before + moment), driver)
        os.kill(random.Random(seed).choice(workers(postgres_url, driver)), signal.SIGKILL)
    wait_until(functools.partial(has_paid, scene, before + third), driver)
    driver.kill()
    driver.communicate()
    (left,) = limits(postgres_url)
    assert 0 < left.spent + sum(left.in_flight.values()) <= CAP
    finish(start(spawn, tmp_path, scene, cluster, postgres_url))
    assert rows(postgres_url) == scene.rows and limits(postgres_url) == []
    assert scene.endpoint.counters()["paid"] - before - scene.paid <= 2 * 4 + 8


def test_machines_that_lack_the_package_or_have_another_version_are_named(cluster: str) -> None:
    command = [sys.executable, "-m", ray_process.__name__, "check", cluster]
    environment = clean_environment() | TOKEN
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    another, none, other_ray = done.stdout.splitlines()
    machine = "machine '.+' of the Ray cluster"
    assert re.match(rf"{machine} has ocean-chat '.+' and this one has '0.0.1': install the same", another)
    assert re.match(rf"{machine} lacks the package 'not-there': run pip install", none)
    assert re.match(r"--ray '.+' cannot be used: Version mismatch.* Ray: .+ Ray: 0.0.1", other_ray)


def test_what_keeps_a_cluster_from_working_is_one_clear_line(
    command: Command, scene: Scene, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*options: str, store: str = postgres_url) -> str:
        ended = command(*BUILD, "--base-url", "http://127.0.0.1:9/v1", "--store", store, *options)
        assert (ended.code, ended.out) == (1, "") and ended.err.count("\n") == 1, ended
        return ended.err

    no_postgres = refused("--ray", store="file.db")
    assert "--ray needs a store that all machines reach, and 'file.db' is a file" in no_postgres
    assert "'127.0.0.1:9' cannot be reached" in refused("--ray", "127.0.0.1:9")
    assert "is no Ray cluster: something else answers there" in refused("--ray", scene.endpoint.url[7:-3])
    assert "ray job submit" in refused("--ray", "ray://127.0.0.1:10001")
    trait_level = refused("--ray", "O+")
    assert "'O+' is no address of a cluster: write auto, local or HOST:PORT" in trait_level
    assert "name trait-levels before it" in trait_level
    assert "--ray and --batch exclude each other" in refused("--ray", "--batch")
    assert "--ray-workers '2' is of no use without --ray" in refused("--ray-workers", "2")
    monkeypatch.setitem(sys.modules, "ray", None)
    assert f"the package 'ray', which is not installed; run: {install_command('ray')}" in refused("--ray")
