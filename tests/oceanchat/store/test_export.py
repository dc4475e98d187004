"""Rows go to files that are whole or not there, and to pipes as they are."""

import json
import os
import subprocess
import threading
from pathlib import Path

import pytest

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


@pytest.mark.parametrize(
    ("output", "message"),
    [
        (".", "'.'"),
        ("x" * 300 + ".csv", "cannot be written"),
        ("no/folder.csv", "cannot be written"),
        ("rows.xml", "no known ending"),
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
