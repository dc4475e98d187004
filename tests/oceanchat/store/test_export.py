"""Rows go to files that are whole or not there, and to pipes as they are."""

import csv
import json
import os
import re
import subprocess
import threading
from collections import Counter
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from oceanchat.store.imports import add_imported
from tests.oceanchat.release.factories import make_dialogue, make_store
from tests.running import OCEANCHAT, assert_one_clear_line, clean_environment, run_json, run_oceanchat


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder whose store holds three dialogues."""
    built = tmp_path_factory.mktemp("exporting")
    run_json(built, "build", "--trait", "O", "--level", "high", "--count", "3")
    return built


@pytest.mark.parametrize("what", ["sentences", "candidates", "seeds", "dialogues", "verdicts"])
def test_all_formats_hold_the_same_rows(folder: Path, what: str) -> None:
    rows = [json.loads(line) for line in run_oceanchat(folder, "export", what).stdout.splitlines()]
    done = run_oceanchat(folder, "export", what, "--output", f"{what}.csv")
    assert done.returncode == 0 and rows
    lines = (folder / f"{what}.csv").read_text(encoding="utf-8")
    assert lines.splitlines()[0] == ",".join(rows[0]) and lines.count("\n") >= len(rows) + 1


@pytest.fixture(scope="module")
def mixed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with dialogues in several states, built and imported."""
    path = tmp_path_factory.mktemp("mixed") / "store.db"
    built = [
        *(make_dialogue(n, "O+", state=state) for n, state in enumerate(("passed", "off-trait", "passed"))),
        make_dialogue(1, "N-", state="gate:length", verdict=None),
    ]
    imported = [
        make_dialogue(n, "N-", source="imported", state=state, verdict=None, author="")
        for n, state in enumerate(("unchecked", "gate:named", "gate:near-duplicate"), 10)
    ]
    store = make_store(path, built)
    with store.writing() as connection:
        add_imported(connection, imported)
    store.close()
    return path


def states(folder: Path, *arguments: str) -> Counter[str]:
    done = run_oceanchat(folder, "export", "dialogues", "--store", "store.db", *arguments)
    assert done.returncode == 0, done.stderr
    return Counter(json.loads(line)["state"] for line in done.stdout.splitlines())


def test_accepted_dialogues_are_exported_unless_others_are_asked_for(mixed: Path) -> None:
    assert states(mixed.parent) == {"passed": 2, "unchecked": 1, "gate:near-duplicate": 1}
    assert states(mixed.parent, "--state", "off-trait") == {"off-trait": 1}
    assert states(mixed.parent, "--trait", "N", "--level", "low") == {
        "unchecked": 1,
        "gate:near-duplicate": 1,
    }
    assert states(mixed.parent, "--state", "all").total() == 7


def test_what_was_written_and_left_out_is_told_on_stderr(mixed: Path) -> None:
    done = run_oceanchat(mixed.parent, "export", "dialogues", "--store", "store.db", "--output", "d.csv")
    assert done.stdout == "" and done.stderr == (
        "oceanchat: 4 dialogues (1 gate:near-duplicate, 2 passed, 1 unchecked) written to d.csv; left out"
        " (1 gate:length, 1 gate:named, 1 off-trait): --state all exports them too\n"
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("dialogues", "--state", "nonsense"), "only 1 gate:length, 1 gate:named"),
        (("dialogues", "--trait", "E"), "holds no such dialogues"),
        (("validations",), "holds no label yet; `oceanchat annotators list`"),
        (("sentences", "--trait", "E"), "trait-levels do not fit sentences"),
        (("sentences", "--state", "passed"), "--state 'passed' does not fit sentences"),
        (("seeds", "--wide"), "--wide is for dialogues"),
    ],
)
def test_a_filter_that_lets_nothing_through_is_one_line(
    mixed: Path, arguments: tuple[str, ...], message: str
) -> None:
    assert_one_clear_line(run_oceanchat(mixed.parent, "export", *arguments, "--store", "store.db"), message)


def test_the_wide_table_has_a_line_a_dialogue_and_columns_for_every_turn(mixed: Path) -> None:
    done = run_oceanchat(
        mixed.parent, "export", "dialogues", "--store", "store.db", "--wide", "--state", "all"
    )
    rows = list(csv.DictReader(done.stdout.splitlines()))
    assert len(rows) == 7 == len(done.stdout.splitlines()) - 1
    widest = max(int(row["turns"]) for row in rows)
    assert list(rows[0])[-2:] == [f"turn_{widest}_role", f"turn_{widest}_text"] or widest > 9
    assert {row["passed"] for row in rows} == {"1", "0", ""}
    assert all(re.fullmatch(r"[a-z][a-z0-9_]{0,63}", name) for name in rows[0])
    assert not any("{" in cell or "\n" in cell for row in rows for cell in row.values())
    run_oceanchat(
        mixed.parent, "export", "dialogues", "--store", "store.db", "--wide", "--output", "w.parquet"
    )
    assert pq.read_table(mixed.parent / "w.parquet").num_rows == 4


@pytest.mark.parametrize("what", ["sentences", "candidates", "seeds", "dialogues", "verdicts"])
def test_every_column_of_a_parquet_export_has_a_type(folder: Path, what: str) -> None:
    assert run_oceanchat(folder, "export", what, "--output", f"{what}.parquet").returncode == 0
    rows = [json.loads(line) for line in run_oceanchat(folder, "export", what).stdout.splitlines()]
    table = pq.read_table(folder / f"{what}.parquet")
    assert table.num_rows == len(rows) and set(table.column_names) == set(rows[0])
    assert "null" not in [str(field.type) for field in table.schema]
    assert [row.get("id") for row in table.to_pylist()] == [row.get("id") for row in rows]


@pytest.mark.parametrize(
    ("output", "message"),
    [
        (".", "'.'"),
        ("x" * 300 + ".csv", "cannot be written"),
        ("no/folder.csv", "cannot be written"),
        ("rows.xml", "no known ending"),
        ("rows.xlsx", "which is read here and not written; write 'rows.csv'"),
        ("/dev/full", "cannot be written"),
    ],
)
def test_what_cannot_be_written_is_named_and_leaves_nothing(folder: Path, output: str, message: str) -> None:
    before = sorted(folder.iterdir())
    extra = () if output.endswith((".csv", ".xml")) else ("--format", "csv")
    assert_one_clear_line(run_oceanchat(folder, "export", "dialogues", "--output", output, *extra), message)
    assert sorted(folder.iterdir()) == before


def test_a_format_that_contradicts_the_name_is_refused(folder: Path) -> None:
    done = run_oceanchat(folder, "export", "seeds", "--format", "csv", "--output", "seeds.jsonl")
    assert_one_clear_line(done, "seeds.jsonl", "'csv'")


def test_a_named_pipe_stays_a_pipe_and_gets_the_rows(folder: Path) -> None:
    pipe = folder / "pipe"
    os.mkfifo(pipe)
    read: list[str] = []
    reader = threading.Thread(target=lambda: read.append(pipe.read_text(encoding="utf-8")))
    reader.start()
    done = run_oceanchat(folder, "export", "dialogues", "--format", "jsonl", "--output", "pipe")
    reader.join(20)
    assert done.returncode == 0 and pipe.is_fifo() and len(read[0].splitlines()) >= 3
    pipe.unlink()


@pytest.mark.parametrize("arguments", ["show", "status", "export sentences", "stats"])
@pytest.mark.parametrize("shell", ["{} > /dev/full", "{} >&-", "PYTHONIOENCODING=ascii {}", "{} | head -c 1"])
def test_no_kind_of_output_ends_in_a_traceback(folder: Path, arguments: str, shell: str) -> None:
    command = shell.format(f"{OCEANCHAT} {arguments}")
    done = subprocess.run(
        ["bash", "-c", command],
        cwd=folder,
        env=clean_environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Traceback" not in done.stderr and len(done.stderr.splitlines()) <= 1, done.stderr
