"""Let a run finish when a signal comes.

The first signal stops the throttle and says what is waited for: what is in flight finishes, and within a
request's timeout the process ends, whatever it is doing. A second signal ends it at once. A thread listens,
because Python runs its own handlers only when the main thread comes back to it.
"""

import asyncio
import contextlib
import os
import select
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from oceanchat.errors import BuildStopped
from oceanchat.llm.throttle import Throttle

GRACE = 2.0
"""Seconds beyond the timeout of a request: for the last answers to be written."""
_CURSOR = "\x1b[?25h\r\n"
"""Shows the cursor of a terminal, which a progress display hides, on a line of its own."""


class _Handlers:
    """Python's handlers, which do nothing while any session listens; sessions may end in any order."""

    def __init__(self) -> None:
        self.sessions = 0
        self.before: dict[int, Any] = {}

    def silence(self) -> None:
        """For one more session. A SIGHUP that is ignored stays ignored."""
        self.sessions += 1
        if self.sessions > 1:
            return
        numbers = [signal.SIGINT, signal.SIGTERM]
        if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
            numbers.append(signal.SIGHUP)
        self.before = {number: signal.signal(number, lambda *_: None) for number in numbers}

    def restore(self) -> None:
        """For one session less; with the last one as they were before the first."""
        self.sessions -= 1
        if not self.sessions:
            for number, handler in self.before.items():
                signal.signal(number, handler)


_HANDLERS = _Handlers()


@contextmanager
def drain_on_signals(
    throttle: Throttle, timeout: float, say: Callable[[str], None] = lambda line: None
) -> Iterator[None]:
    """Within the block SIGINT, SIGTERM and SIGHUP stop the throttle; `timeout` is a request's, in seconds.

    `say` is told what the first one waits for, in a thread of its own.

    Does nothing outside the main thread, which alone may listen. A SIGHUP that is ignored, as under `nohup`,
    stays ignored.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    ours, theirs = socket.socketpair()
    theirs.setblocking(False)
    loop = asyncio.get_running_loop()

    def stop(number: int) -> None:
        _in_thread(say, _waits_for(number, throttle.in_flight, timeout))
        _stop(loop, throttle, number)

    watch = threading.Thread(target=_watch, args=(ours, stop, timeout), daemon=True, name="signals")
    wakeup = signal.set_wakeup_fd(theirs.fileno(), warn_on_full_buffer=False)
    _HANDLERS.silence()
    watch.start()
    try:
        yield
    finally:
        _HANDLERS.restore()
        try:
            signal.set_wakeup_fd(wakeup)
        except (OSError, ValueError):  # a session that was open before this one has ended before it
            signal.set_wakeup_fd(-1)
        theirs.close()  # ends the watch
        watch.join()
        ours.close()


def _watch(ours: socket.socket, stop: Callable[[int], None], timeout: float) -> None:
    """Wait for signals; returns when the block is left."""
    first = 0
    until = float("inf")
    while True:
        wait = None if not first else max(0.0, until - time.monotonic())
        ready, _, _ = select.select([ours], [], [], wait)
        if not ready:
            return _leave(first, f"what was in flight did not finish within {timeout:g} s")
        received = ours.recv(64)
        if not received:
            return None
        for number in received:
            if number not in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                continue
            if first:
                return _leave(number, "")
            first, until = number, time.monotonic() + timeout + GRACE
            stop(number)


def _waits_for(number: int, in_flight: int, timeout: float) -> str:
    """What happens after the first signal, in one line."""
    again = "Ctrl-C again" if number == signal.SIGINT else "a second signal"
    if not in_flight:
        return f"Stopping, with nothing in flight; {again} stops at once"
    requests = f"{in_flight:,} request{'s' if in_flight != 1 else ''}"
    return f"Waiting for {requests} in flight (at most {timeout:g} s); {again} stops at once"


def _stop(loop: asyncio.AbstractEventLoop, throttle: Throttle, number: int) -> None:
    name = signal.Signals(number).name
    again = "all answers are kept: run the same command again to go on"
    why = BuildStopped(f"stopped by {name}; {again}", number)
    with contextlib.suppress(RuntimeError):  # the loop is closed: nothing is left to stop
        loop.call_soon_threadsafe(throttle.stop, why)


def _leave(number: int, why: str) -> None:
    """End the process now; what it says must not keep it, where nobody reads or the terminal is held."""
    line = f"stopped by {signal.Signals(number).name}: {why}; all answers are kept\n" if why else ""
    _in_thread(_say, line)
    os._exit(128 + number)


def _in_thread(say: Callable[[str], None], line: str) -> None:
    """Say a line, and wait no longer for it than a moment."""
    speech = threading.Thread(target=say, args=(line,), daemon=True)
    speech.start()
    speech.join(0.5)


def _say(line: str) -> None:
    with contextlib.suppress(OSError):
        cursor = _CURSOR if sys.__stderr__ is not None and sys.__stderr__.isatty() else ""
        if cursor or line:
            os.write(2, f"{cursor}{line}".encode())
