"""Processes that tests start, and how they are waited for on a busy machine."""

import os
import random
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Protocol

from tests.forks import Fork

PATIENCE = 120.0
"""Seconds that anything may take before a test gives it up; a machine may be very busy."""


class Spawn(Protocol):
    """Starts a process as subprocess.Popen does, in text mode; with `fork=True` at once."""

    def __call__(self, command: Sequence[str], **options: Any) -> "subprocess.Popen[str]": ...


@contextmanager
def children() -> Iterator[Spawn]:
    """Start processes of which none outlives the block, whatever happens in it."""
    with ExitStack() as stack:

        def spawn(command: Sequence[str], **options: Any) -> "subprocess.Popen[str]":
            if options.pop("fork", False):
                process: subprocess.Popen[str] = Fork(command, text=True, **options)
            else:
                options = {"preexec_fn": _heed_hangups} | options
                process = subprocess.Popen(command, text=True, **options)
            stack.enter_context(process)
            stack.callback(process.kill)
            return process

        yield spawn


def _heed_hangups() -> None:
    """Let SIGHUP end a process, also where the tests themselves were started to outlive their terminal."""
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


def wait_until(ripe: Callable[[], bool], process: "subprocess.Popen[Any] | None" = None) -> None:
    """Wait until `ripe()`; fails where `process` ends before, or nothing comes of it."""
    until = time.monotonic() + PATIENCE
    while not ripe():
        assert process is None or process.poll() is None, "it ended too early"
        assert time.monotonic() < until, f"waited for {PATIENCE:g} s in vain"
        time.sleep(0.01)


def kill_when(ripe: Callable[[], bool], process: "subprocess.Popen[Any]") -> None:
    """Kill a process when `ripe()`, if it has not ended before."""
    wait_until(lambda: ripe() or process.poll() is not None)
    process.kill()
    process.communicate()


def send_signal(process: "subprocess.Popen[Any]", number: int) -> None:
    """Send a signal and wait until it has arrived: of two that wait, one may get lost or come first."""
    os.kill(process.pid, number)
    status = Path(f"/proc/{process.pid}/status")
    waiting = 1 << (number - 1)
    wait_until(lambda: process.poll() is not None or not _pending(status.read_text()) & waiting)


def _pending(status: str) -> int:
    lines = [line.split() for line in status.splitlines()]
    return sum(int(line[1], 16) for line in lines if line and line[0] == "ShdPnd:")


def free_port() -> int:
    """A port nobody listens on, below those that the system hands out to others meanwhile."""
    while True:
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port := random.SystemRandom().randint(10_000, 32_000)))
            except OSError:
                continue
            return port
