"""Let SIGTERM end a process as Ctrl-C does.

Machines, queues and supervisors stop a process by it. Neither comes in the middle of an import. What is being
done is not known here.
"""

import os
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from types import FrameType, ModuleType

HELD = (signal.SIGINT, signal.SIGTERM)
"""What is let through only where somebody can say that all was stopped."""


class Terminated(KeyboardInterrupt):
    """SIGTERM came."""


@contextmanager
def terminated_as_interrupted() -> Iterator[None]:
    """Within the block SIGTERM raises Terminated.

    Not outside the main thread, which alone may listen, nor where torchrun started this process: it ends
    the others of a group while they wait for one that is gone, and they could not act on it, nor where
    whoever started this process had it ignore SIGTERM. A process that is forked within the block ends as it
    would have.
    """
    before = signal.getsignal(signal.SIGTERM)
    elsewhere = threading.current_thread() is not threading.main_thread() or "WORLD_SIZE" in os.environ
    if elsewhere or before is signal.SIG_IGN:
        yield
        return
    own = os.getpid()

    def terminate(number: int, frame: FrameType | None) -> None:
        if os.getpid() == own:
            raise Terminated
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)

    signal.signal(signal.SIGTERM, terminate)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def held() -> Iterator[None]:
    """Let Ctrl-C and SIGTERM wait until the block is over, where they would raise in the middle of it.

    By their handlers: a mask of the main thread alone would let them come in by another thread.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: handler for number in HELD if callable(handler := signal.getsignal(number))}
    came: list[int] = []
    for number in before:
        signal.signal(number, lambda number, frame: came.append(number))
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        for first in came[:1]:
            before[signal.Signals(first)](first, None)


class _HeldLoader(SourceFileLoader):
    """Runs a module, with all that it imports, before Ctrl-C and SIGTERM come through."""

    def exec_module(self, module: ModuleType) -> None:
        with held():
            super().exec_module(module)


class _HeldFinder(MetaPathFinder):
    """Finds what Python's own finder finds, to be loaded so."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is not None and type(spec.loader) is SourceFileLoader:
            spec.loader = _HeldLoader(fullname, spec.loader.path)
        return spec


@contextmanager
def held_in_imports() -> Iterator[None]:
    """Within the block Ctrl-C and SIGTERM wait until what is being imported is imported.

    Large packages take an interrupted import for a package that is not installed, lose the interruption, or,
    as numpy does, fall into an endless recursion.
    """
    finder = _HeldFinder()
    sys.meta_path.insert(sys.meta_path.index(PathFinder), finder)  # behind the hooks of others
    try:
        yield
    finally:
        sys.meta_path.remove(finder)


def exit_code(stop: BaseException) -> int:
    """128 and the number of the signal behind an exception, or behind the one it was raised from, as shells
    have it: SIGTERM, else SIGINT."""
    ended = isinstance(stop, Terminated) or isinstance(stop.__cause__, Terminated)
    return 128 + (signal.SIGTERM if ended else signal.SIGINT)
