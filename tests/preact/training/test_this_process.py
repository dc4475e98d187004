"""Memory held and processors waited for, as the kernel counts them."""

import mmap
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from preact.training import this_process
from preact.training.this_process import held_memory, waited_for_processors


def test_memory_that_is_written_to_is_held() -> None:
    before = held_memory()
    with mmap.mmap(-1, 2**26) as pages:  # not bytes, which may lie where the process freed others
        assert held_memory() - before < 2**24
        pages.write(b"\1" * 2**26)
        assert 2**25 < held_memory() - before < 2**28
    assert before > 2**23 and held_memory() - before < 2**27


def test_time_taken_by_another_program_is_waited_for() -> None:
    processors = os.sched_getaffinity(0)
    one = {min(processors)}
    other = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    try:
        os.sched_setaffinity(other.pid, one)
        os.sched_setaffinity(0, one)
        waited, began, worked = waited_for_processors(), time.perf_counter(), time.process_time()
        while time.process_time() - worked < 0.3:
            pass
        passed = time.perf_counter() - began - 0.3
        assert passed > 0.1
        assert 0.7 * passed < waited_for_processors() - waited < 1.3 * passed
    finally:
        os.sched_setaffinity(0, processors)
        other.kill()
        other.wait()


def test_threads_beyond_the_limit_of_a_container_keep_each_other_waiting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "task" / "1").mkdir(parents=True)
    (tmp_path / "task" / "1" / "schedstat").write_text("5 2000000000 1")
    monkeypatch.setattr(this_process, "_PROC", tmp_path)
    monkeypatch.setattr(this_process, "_SHARE", tmp_path / "cpu.max")
    assert waited_for_processors(1) == 2.0 and waited_for_processors(10_000) == 0.0
    (tmp_path / "cpu.max").write_text("max 100000")
    assert waited_for_processors(1) == 2.0
    (tmp_path / "cpu.max").write_text("50000 100000")
    assert waited_for_processors(1) == 0.0


def test_a_system_that_says_nothing_gives_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(this_process, "_PROC", tmp_path)
    assert held_memory() == 0 and waited_for_processors() == 0.0
    (tmp_path / "statm").write_text("")
    assert held_memory() == 0
