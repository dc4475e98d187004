"""A damaged store or a full disk is one line with a way out, in every command that reads or writes."""

import json
import os
import random
import resource
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from oceanchat.annotation.sample import SampleConfig, draw_sample
from oceanchat.store.database import open_store
from tests.oceanchat.annotation.scenes import GOOD, label_all, people
from tests.oceanchat.cli.conftest import Command
from tests.running import OCEANCHAT, run_oceanchat

READING = (
    ("status",),
    ("show", "--trait", "O"),
    ("export", "dialogues"),
    ("export", "seeds"),
    ("export", "candidates"),
    ("export", "validations"),
    ("stats",),
    ("topics",),
    ("costs",),
    ("agreement",),
    ("backup", "copy.db"),
    ("release", "--version", "1.0.0", "--license", "mit"),
)
PAGE = 4096


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with dialogues, a sample and labels, all in its one file."""
    path = tmp_path_factory.mktemp("damage") / "sound.db"
    build = ("build", "--trait", "O", "--level", "all", "--count", "25", "--store", str(path))
    assert run_oceanchat(path.parent, *build).returncode == 0
    store = open_store(path)
    [ann] = people(store, "Ann")
    draw_sample(store, SampleConfig(per_trait_level=2, annotators=1, min_seconds=0), [])
    label_all(store, ann, lambda _: GOOD)
    store.close()
    return path


def run_all(command: Command, store: Path) -> int:
    """Run every reading command; how many failed. Each ends well or in one line."""
    failures = 0
    for arguments in READING:
        Path("copy.db").unlink(missing_ok=True)
        shutil.rmtree("releases", ignore_errors=True)
        ended = command(*arguments, "--store", store)
        if ended.code:
            assert ended.code == 1
            assert ended.err.startswith("oceanchat: ") and ended.err.count("\n") == 1, (arguments, ended.err)
            failures += 1
    return failures


@pytest.mark.parametrize("seed", range(3))
def test_damaged_pages_are_one_line(command: Command, sound: Path, tmp_path: Path, seed: int) -> None:
    dice = random.Random(seed)
    store = tmp_path / "store.db"
    data = bytearray(sound.read_bytes())
    for page in dice.sample(range(1, len(data) // PAGE), 12 * (seed + 1)):
        data[page * PAGE : (page + 1) * PAGE] = dice.randbytes(PAGE) if seed else bytes(PAGE)
    store.write_bytes(data)
    assert run_all(command, store)


def test_a_store_that_was_cut_off_is_one_line(command: Command, sound: Path, tmp_path: Path) -> None:
    store = tmp_path / "store.db"
    store.write_bytes(sound.read_bytes()[: sound.stat().st_size // 2])
    assert run_all(command, store) > len(READING) // 2
    message = command("export", "validations", "--store", store).err
    assert "the file is damaged: restore a copy (`oceanchat backup` makes them)" in message


@pytest.mark.parametrize(
    ("table", "column"),
    [
        ("items", "content"),
        ("items", "answer_key"),
        ("labels", "answers"),
        ("labels", "active_seconds"),
        ("samples", "settings"),
        ("samples", "overlap"),
        ("builds", "finished_at"),
        ("annotators", "profile"),
        ("corpora", "facts"),
        ("builds", "config"),
    ],
)
def test_a_damaged_row_is_one_line(
    command: Command, sound: Path, tmp_path: Path, table: str, column: str
) -> None:
    store = tmp_path / "store.db"
    for value in ("{", "3", "[]", "", b"\xff\xfe", 1e400):
        shutil.copy(sound, store)
        with closing(sqlite3.connect(store)) as connection:
            connection.execute(f"UPDATE {table} SET {column} = ?", (value,))
            connection.commit()
        run_all(command, store)


@contextmanager
def full_disk(folder: Path, kilobytes: int) -> Iterator[None]:
    """A disk of so little room at `folder`."""
    if (
        os.geteuid()
        or subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={kilobytes}k", "tmpfs", folder],
            capture_output=True,
            check=False,
        ).returncode
    ):
        pytest.skip("needs the right to mount a small disk")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


WRITERS = (
    ("export", "sentences", "--output", "disk/x.jsonl"),
    ("export", "candidates", "--output", "disk/x.csv"),
    ("export", "dialogues", "--output", "disk/x.parquet"),
    ("stats", "--plot", "disk/x.png"),
    ("stats", "--plot", "disk/x.pdf"),
    ("topics", "--plot", "disk/x.svg"),
    ("backup", "disk/copy.db"),
    ("release", "--version", "1.0.0", "--license", "mit", "--output", "disk"),
)


@pytest.mark.parametrize("kilobytes", [4, 16])
def test_a_full_disk_is_one_line_and_leaves_nothing(
    command: Command, sound: Path, tmp_path: Path, kilobytes: int
) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    with full_disk(disk, kilobytes):
        for arguments in WRITERS:
            ended = command(*arguments, "--store", sound)
            if ended.code:
                assert ended.err.startswith("oceanchat: ") and ended.err.count("\n") == 1, ended.err
                assert "No space left" in ended.err or "disk" in ended.err, ended.err
                assert list(disk.iterdir()) == [], arguments
            for path in disk.iterdir():
                shutil.rmtree(path) if path.is_dir() else path.unlink()
        (disk / "filler").write_bytes(b"x" * 1024 * (kilobytes - 1))
        assert command("backup", "disk/copy.db", "--store", sound).code == 1


def limit_files() -> None:
    """Let this process write files of 300 kB at most; Python ignores the signal, so that writing fails."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))


def test_a_build_that_cannot_write_its_store_is_one_line_and_goes_on_later(tmp_path: Path) -> None:
    build = [OCEANCHAT, "build", "--trait", "O", "--level", "all", "--count", "20", "--store", "s.db"]
    done = subprocess.run(
        build, cwd=tmp_path, capture_output=True, text=True, preexec_fn=limit_files, timeout=120
    )
    lines = [line for line in done.stderr.splitlines() if line.startswith("oceanchat: ")]
    assert done.returncode == 1 and len(lines) == 1 and "Traceback" not in done.stderr, done.stderr
    done = subprocess.run([*build, "--json"], cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0 and json.loads(done.stdout), done.stderr
    with closing(open_store(tmp_path / "s.db")) as store, store.reading():
        pass
