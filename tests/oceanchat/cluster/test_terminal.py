"""What does not come from Python stays off the terminal, and a sudden end is told."""

import subprocess
import sys

from oceanchat.cluster.terminal import ENDED

NOISE = "import os, sys; from oceanchat.cluster.terminal import quiet_terminal\n"
WITHIN = "with quiet_terminal(): os.write(2, b'noise'); print('own line', file=sys.stderr); "


def stderr_of(code: str) -> str:
    return subprocess.run([sys.executable, "-c", NOISE + code], stderr=subprocess.PIPE, text=True).stderr


def test_only_what_python_writes_is_shown_and_stderr_is_as_before_afterwards() -> None:
    assert stderr_of(f"{WITHIN}\nos.write(2, b'after')") == "own line\nafter"


def test_a_process_that_is_ended_past_python_says_so() -> None:
    assert stderr_of(f"{WITHIN}os._exit(1)") == f"own line\n{ENDED}\n"
