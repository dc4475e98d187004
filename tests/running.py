"""Run `oceanchat` as a user does: a process of its own, in a folder of its own."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.forks import Fork
from tests.processes import PATIENCE

OCEANCHAT = str(Path(sys.executable).with_name("oceanchat"))


def run_oceanchat(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a command to its end; no key is set unless `environment` gives one."""
    command, surroundings = [OCEANCHAT, *arguments], clean_environment() | environment
    pipe = subprocess.PIPE
    with Fork(command, cwd=folder, env=surroundings, stdout=pipe, stderr=pipe, text=True) as process:
        try:
            out, err = process.communicate(timeout=PATIENCE)
        finally:
            process.kill()
    return subprocess.CompletedProcess(command, process.returncode, out, err)


def clean_environment() -> dict[str, str]:
    """This process's environment without a key that could be spent, and without another way to endpoints."""
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("OPENAI_") and not name.lower().endswith("_proxy")
    }


def run_json(folder: Path, *arguments: str, code: int = 0) -> Any:
    """Run a command with `--json`; the object on its stdout."""
    done = run_oceanchat(folder, *arguments, "--json")
    assert done.returncode == code, done.stderr
    return json.loads(done.stdout)


def assert_one_clear_line(done: subprocess.CompletedProcess[str], *messages: str) -> None:
    """A mistake ends in exit code 1, nothing on stdout and one line on stderr that says what is wrong."""
    assert done.returncode == 1, (done.returncode, done.stderr)
    assert done.stdout == ""
    lines = [line for line in done.stderr.splitlines() if line.startswith("oceanchat: ")]
    assert len(lines) == 1 and "Traceback" not in done.stderr, done.stderr
    for message in messages:
        assert message in lines[0], lines[0]
