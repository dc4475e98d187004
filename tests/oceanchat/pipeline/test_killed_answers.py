"""Commands about request files, killed at any moment and run again, lose nothing and store nothing twice."""

import json
import random
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from oceanchat.store.database import Store
from tests.oceanchat.pipeline.engine import answer_file, result_line, write_lines
from tests.oceanchat.pipeline.test_answers import asked, rows, whole
from tests.processes import PATIENCE, Spawn, kill_when

MAIN = "from oceanchat.cli.main import main; main()"
LINES = 1500
BUILD = ("O+", "--count", "4", "--model", "m")


def start(spawn: Spawn, folder: Path, *arguments: str) -> "subprocess.Popen[str]":
    command = [sys.executable, "-c", MAIN, *arguments, "--store", "store.db"]
    return spawn(command, fork=True, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def finish(process: "subprocess.Popen[str]") -> str:
    out, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, err
    return out


def answered(store: Store) -> int:
    with store.reading() as connection:
        return int(connection.exec_driver_sql("SELECT count(*) FROM ledger_calls").scalar_one())


@pytest.mark.parametrize("seed", [pytest.param(n, marks=[pytest.mark.soak] if n else []) for n in range(15)])
def test_killed_while_it_commits_it_goes_on_where_it_was(
    tmp_path: Path, store: Store, spawn: Spawn, seed: int
) -> None:
    keys = asked(store, LINES)
    bodies = {key: whole(f"answer {number}") for number, key in enumerate(keys)}
    write_lines(tmp_path / "r.jsonl", [result_line(key, body) for key, body in bodies.items()])
    moment = random.Random(seed).randint(1, LINES - 1)
    kill_when(lambda: answered(store) >= moment, start(spawn, tmp_path, "answers", "r.jsonl"))
    before = rows(store)
    assert all(json.loads(row["body"]) == bodies[key] for key, row in before.items())
    report: dict[str, Any] = json.loads(finish(start(spawn, tmp_path, "answers", "r.jsonl", "--json")))
    assert report["lines"]["already there"] == len(before)
    assert report["lines"]["stored"] == LINES - len(before)
    after = rows(store)
    assert {key: json.loads(row["body"]) for key, row in after.items()} == bodies
    assert all(after[key] == row for key, row in before.items())


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(3))
def test_a_build_by_files_whose_commands_are_killed_ends_in_the_same_dialogues(
    tmp_path: Path, spawn: Spawn, seed: int
) -> None:
    moments = random.Random(seed)
    built = [
        by_files(spawn, folder, moments, kills)
        for folder, kills in ((tmp_path / "a", 0), (tmp_path / "b", 10))
    ]
    assert built[0] == built[1]


def by_files(spawn: Spawn, folder: Path, moments: random.Random, kills: int) -> dict[str, Any]:
    """Build by files, killing so many commands before running them again; what the build reports."""
    folder.mkdir()

    def run(*arguments: str) -> None:
        nonlocal kills
        if kills:
            kills -= 1
            until = time.monotonic() + moments.uniform(0.3, 2.0)
            kill_when(lambda: time.monotonic() >= until, start(spawn, folder, *arguments))
        finish(start(spawn, folder, *arguments))

    for _ in range(12):
        run("pending", *BUILD, "--output", "requests.jsonl")
        if not (folder / "requests.jsonl").stat().st_size:
            break
        answer_file(folder / "requests.jsonl", folder / "results.jsonl")
        run("answers", "results.jsonl")
    report: dict[str, Any] = json.loads(finish(start(spawn, folder, "build", "--offline", *BUILD, "--json")))
    assert report["calls"]["made"] == 0
    return {name: report[name] for name in ("dialogues", "funnel")}
