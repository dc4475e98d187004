"""A Ray cluster with two workers makes the dialogues that one machine makes, whoever is killed meanwhile."""

import functools
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from sqlalchemy import select

from oceanchat.store import ledger_runs
from oceanchat.store.database import open_store
from oceanchat.store.schema import metadata
from tests.endpoint import MODEL, Endpoint, prices_file
from tests.oceanchat.cluster import ray_process
from tests.oceanchat.cluster.ray_process import TOKEN, ray_cluster
from tests.processes import PATIENCE, Spawn, wait_until
from tests.running import OCEANCHAT, assert_one_clear_line, clean_environment, run_json, run_oceanchat

pytestmark = [pytest.mark.postgres, pytest.mark.slow]
BUILD = ("build", "--trait", "O", "--level", "high", "--count", "8", "--model", MODEL)
ONE_BY_ONE = ("--sentences-per-call", "1", "--dialogues-per-check", "1", "--concurrency", "4")
OF_A_RUN = {"run", "recorded_at", "finished_at"}
"""Columns that differ from run to run."""
NOT_BUILT = {"ledger_lost_attempts", "ledger_runs", "shared_limits", "store_info"}
CAP = 0.5


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
    assert "Traceback" not in err and "raylet" not in err, err
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


def workers(url: str, driver: "subprocess.Popen[str]") -> list[int]:
    """The processes that ask for a driver's build."""
    with closing(open_store(url)) as store, store.reading() as connection:
        runs = ledger_runs.askers(connection).values()
    return [run.pid for run in runs if run.alive and run.pid != driver.pid]


def test_killed_workers_and_a_killed_driver_cost_at_most_what_was_in_flight(
    tmp_path: Path, spawn: Spawn, scene: Scene, cluster: str, postgres_url: str
) -> None:
    before = scene.endpoint.counters()["paid"]
    driver = start(spawn, tmp_path, scene, cluster, postgres_url)
    for moment in (8, 24):
        wait_until(functools.partial(has_paid, scene, before + moment), driver)
        os.kill(workers(postgres_url, driver)[0], signal.SIGKILL)
    wait_until(functools.partial(has_paid, scene, before + 44), driver)
    driver.kill()
    driver.communicate()
    report = finish(start(spawn, tmp_path, scene, cluster, postgres_url))
    assert rows(postgres_url) == scene.rows
    assert scene.endpoint.counters()["paid"] - before - scene.paid <= 2 * 4 + 8
    costs = run_json(tmp_path, "costs", "--store", postgres_url, "--prices", scene.prices)
    assert costs and report["calls"]["made"] < scene.paid


def test_machines_that_lack_the_package_or_have_another_version_are_named(cluster: str) -> None:
    command = [sys.executable, "-m", ray_process.__name__, "check", cluster]
    environment = clean_environment() | TOKEN
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    another, none = done.stdout.splitlines()
    machine = "machine '.+' of the Ray cluster"
    assert re.match(rf"{machine} has ocean-chat '.+' and this one has '0.0.1': install the same", another)
    assert re.match(rf"{machine} lacks the package 'not-there': run pip install", none)


def test_what_keeps_a_cluster_from_working_is_one_clear_line(
    tmp_path: Path, postgres_url: str, cluster: str
) -> None:
    def refused(*options: str, **environment: str) -> "subprocess.CompletedProcess[str]":
        return run_oceanchat(tmp_path, *BUILD, "--base-url", "http://127.0.0.1:9/v1", *options, **environment)

    assert_one_clear_line(refused("--ray"), "--ray needs a store", "postgresql://HOST/NAME")
    there = ("--store", postgres_url)
    assert_one_clear_line(
        refused(*there, "--ray", "O+"), "--ray 'O+' is no address", "auto, local or HOST:PORT"
    )
    nobody = refused(*there, "--ray", "127.0.0.1:9")
    assert_one_clear_line(nobody, "'127.0.0.1:9' cannot be reached", "ray start")
    assert_one_clear_line(refused(*there, "--ray", "ray://127.0.0.1:10001"), "ray job submit")
    assert_one_clear_line(refused(*there, "--ray", cluster, "--batch"), "--ray and --batch")
    assert_one_clear_line(refused(*there, "--ray-workers", "2"), "without --ray")
    hidden = tmp_path / "hidden"
    (hidden / "ray").mkdir(parents=True)
    (hidden / "ray" / "__init__.py").write_text("raise ModuleNotFoundError(name='ray')")
    assert_one_clear_line(
        refused(*there, "--ray", PYTHONPATH=f"{hidden}:{os.environ.get('PYTHONPATH', '')}"),
        "the package 'ray'",
        "pip install 'ocean-chat[ray]'",
    )
