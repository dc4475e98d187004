"""Let SIGTERM end a process as Ctrl-C does.

Machines, queues and supervisors stop a process by it. What is being done is not known here.
"""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

HELD = (signal.SIGINT, signal.SIGTERM)
"""What is let through only where somebody can say that all was stopped."""


class Terminated(KeyboardInterrupt):
    """SIGTERM came."""


@contextmanager
def terminated_as_interrupted() -> Iterator[None]:
    """Within the block SIGTERM raises Terminated.

    Not outside the main thread, which alone may listen, nor where torchrun started this process: it ends
    the others of a group while they wait for one that is gone, and they could not act on it. A process that
    is forked within the block ends as it would have.
    """
    if threading.current_thread() is not threading.main_thread() or "WORLD_SIZE" in os.environ:
        yield
        return
    own = os.getpid()

    def terminate(number: int, frame: FrameType | None) -> None:
        if os.getpid() == own:
            raise Terminated
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)

    before = signal.signal(signal.SIGTERM, terminate)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def held() -> Iterator[None]:
    """Let Ctrl-C and SIGTERM wait until the block is over.

    For imports: several large packages take an interrupted import for one that is not installed.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, HELD)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def stop_signal(stop: BaseException) -> int:
    """The signal behind an exception, or behind the one it was raised from: SIGTERM, else SIGINT."""
    ended = isinstance(stop, Terminated) or isinstance(stop.__cause__, Terminated)
    return signal.SIGTERM if ended else signal.SIGINT
