"""Stop Python code that does not end.

A watch in a thread of its own interrupts the code between two of its instructions; a signal could do so in
the main thread alone. It knows nothing of what it watches.
"""

import ctypes
import threading
from collections.abc import Iterator
from contextlib import contextmanager


class OutOfTime(Exception):
    """Raised in code that took too long."""


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """A scope that ends in OutOfTime, wherever its code is, when it lasts longer than that."""
    lock, thread = threading.Lock(), threading.get_ident()
    running = True

    def interrupt() -> None:
        with lock:
            if running:
                ctypes.pythonapi.PyThreadState_SetAsyncExc(
                    ctypes.c_ulong(thread), ctypes.py_object(OutOfTime)
                )

    watch = threading.Timer(seconds, interrupt)
    watch.daemon = True
    watch.start()
    try:
        yield
    finally:
        with lock:
            running = False
        watch.cancel()
