"""A fork of a process that has loaded the libraries behaves as a process of its own does."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.forks import Fork
from tests.processes import PATIENCE, wait_until
from tests.running import OCEANCHAT, run_oceanchat


@contextmanager
def run(code: str, **options: Any) -> Iterator[Fork]:
    streams = {name: subprocess.PIPE for name in ("stdin", "stdout", "stderr")}
    with Fork([sys.executable, "-c", code, "one", "two words"], text=True, **streams, **options) as process:
        yield process
        process.kill()


def test_folder_environment_arguments_and_streams_are_its_own(tmp_path: Path) -> None:
    code = "import os, sys; print(os.getcwd(), dict(os.environ), sys.argv[1:], input())"
    code += "; print('aside', file=sys.stderr)"
    with run(code, cwd=tmp_path, env={"ONLY": "this"}) as process:
        out, err = process.communicate("typed\n", timeout=PATIENCE)
    assert out == f"{tmp_path} {{'ONLY': 'this'}} ['one', 'two words'] typed\n"
    assert (err, process.returncode) == ("aside\n", 0)


@pytest.mark.parametrize(
    ("code", "ends", "says"),
    [
        ("raise SystemExit(3)", 3, ""),
        ("raise SystemExit('sorry')", 1, "sorry"),
        ("1 / 0", 1, "ZeroDivisionError"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGINT)", -signal.SIGINT, "KeyboardInterrupt"),
        ("import os, threading; threading.Timer(0.1, lambda: os.write(2, b'late')).start()", 0, "late"),
    ],
)  # fmt: skip
def test_it_ends_as_an_interpreter_does(code: str, ends: int, says: str) -> None:
    with run(code) as process:
        assert says in process.communicate(timeout=PATIENCE)[1]
    assert process.returncode == ends


def test_a_kill_is_seen_and_leaves_no_process() -> None:
    with run("import time; print('here', flush=True); time.sleep(1000)") as process:
        assert process.stdout is not None and process.stdout.readline() == "here\n"
        assert process.poll() is None
        process.kill()
        wait_until(lambda: process.poll() is not None)
    assert process.returncode == -signal.SIGKILL
    with pytest.raises(ProcessLookupError):
        os.kill(process.pid, 0)


def test_a_command_says_what_it_says_in_a_process_of_its_own(tmp_path: Path) -> None:
    own = subprocess.run([OCEANCHAT, "stats"], cwd=tmp_path, capture_output=True, text=True)
    forked = run_oceanchat(tmp_path, "stats")
    assert own.returncode == 1
    assert (forked.returncode, forked.stdout, forked.stderr) == (own.returncode, own.stdout, own.stderr)
