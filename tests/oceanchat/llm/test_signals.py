"""A first signal ends a run in time whatever the run is doing; a second one ends it at once."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest

from oceanchat.llm.signals import GRACE, drain_on_signals
from oceanchat.llm.throttle import Throttle
from tests.processes import PATIENCE, children, send_signal

RUN = """
import asyncio, signal, sys, time
from oceanchat.errors import BuildStopped
from oceanchat.llm.signals import drain_on_signals
from oceanchat.llm.throttle import Throttle

if "nohup" in sys.argv:
    signal.signal(signal.SIGHUP, signal.SIG_IGN)

async def main():
    throttle = Throttle(4)
    throttle.in_flight = 4
    with drain_on_signals(throttle, float(sys.argv[1]), lambda line: print(line, flush=True)):
        print("ready", flush=True)
        if "busy" in sys.argv:
            time.sleep(1000)
        if "spinning" in sys.argv:
            while True:
                pass
        if "deaf" in sys.argv:
            await asyncio.sleep(1000)
        await throttle.pause(float(sys.argv[2]) if "nohup" in sys.argv else 1000)
        print("went on", flush=True)

try:
    asyncio.run(main())
except BuildStopped as error:
    sys.exit(str(error))
"""
ALL = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextmanager
def running(*arguments: object, stderr: int = subprocess.PIPE) -> Iterator["subprocess.Popen[str]"]:
    """A run that has begun to listen."""
    command = [sys.executable, "-c", RUN, *map(str, arguments)]
    with children() as spawn:
        process = spawn(command, stdout=subprocess.PIPE, stderr=stderr)
        assert process.stdout is not None and process.stdout.readline() == "ready\n"
        yield process


@pytest.mark.parametrize("number", ALL)
def test_a_first_signal_stops_a_run_that_listens(number: signal.Signals) -> None:
    with running(30) as process:
        process.send_signal(number)
        out, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 1
    again = "Ctrl-C again" if number == signal.SIGINT else "a second signal"
    assert out == f"Waiting for 4 requests in flight (at most 30 s); {again} stops at once\n"
    assert f"stopped by {number.name}; all answers are kept" in err


@pytest.mark.parametrize(
    ("number", "state"),
    [
        (signal.SIGTERM, "busy"),
        (signal.SIGTERM, "spinning"),
        (signal.SIGTERM, "deaf"),
        (signal.SIGHUP, "busy"),
        (signal.SIGINT, "deaf"),
    ],
)
def test_a_first_signal_ends_a_run_that_does_not_listen(number: signal.Signals, state: str) -> None:
    with running(0.1, state) as process:
        start = time.monotonic()
        process.send_signal(number)
        _, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 128 + number
    assert time.monotonic() - start >= GRACE
    assert f"stopped by {number.name}: what was in flight did not finish within 0.1 s" in err


@pytest.mark.parametrize("state", ["busy", "spinning", "deaf"])
def test_a_second_signal_ends_it_at_once(state: str) -> None:
    with running(1000, state) as process:
        send_signal(process, signal.SIGTERM)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=PATIENCE)
    assert process.returncode == 128 + signal.SIGINT


def test_a_reader_that_is_stuck_or_gone_delays_nothing() -> None:
    with running(0.1, "busy") as process:
        assert process.stderr is not None
        process.stderr.close()
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=PATIENCE) == 128 + signal.SIGTERM
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    try:
        while os.write(writer, b"x" * 4096):
            pass
    except BlockingIOError:
        os.set_blocking(writer, True)
    with running(0.1, "busy", stderr=writer) as process:
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=PATIENCE) == 128 + signal.SIGTERM
    os.close(reader)
    os.close(writer)


def test_a_hangup_that_is_ignored_stays_ignored() -> None:
    with running(30, 1, "nohup") as process:
        process.send_signal(signal.SIGHUP)
        out, err = process.communicate(timeout=PATIENCE)
    assert (process.returncode, out, err) == (0, "went on\n", "")


def test_of_two_runs_at_once_the_last_to_end_gives_ctrl_c_back() -> None:
    async def two() -> None:
        handlers = [signal.getsignal(number) for number in ALL]
        with ExitStack() as second:
            with drain_on_signals(Throttle(1), 1.0):
                second.enter_context(drain_on_signals(Throttle(1), 1.0))
            assert signal.getsignal(signal.SIGINT) not in handlers
        assert [signal.getsignal(number) for number in ALL] == handlers

    asyncio.run(two())
