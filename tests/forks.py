"""Processes that start at once: each is a fork of one that has loaded the libraries and waits.

`Fork` is a subprocess.Popen with its streams, signals and exit codes; only the seconds of importing are
missing. Run as a program with the number of a socket and modules, it is the process that waits; it ends, and
all its forks with it, when the tests that started it do.
"""

import contextlib
import gc
import json
import os
import runpy
import select
import selectors
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

ROOT = str(Path(__file__).parent.parent)
DATA = ("oceanchat.cli.main", "oceanchat.pipeline.build", "oceanchat.cli.display.build")
DATA += (
    "oceanchat.store.export",
    "oceanchat.scripted.server.app",
    "uvicorn.protocols.http.h11_impl",
    "uvicorn.lifespan.off",
)
DATA += ("uvicorn.loops.asyncio", "starlette.middleware.base", "oceanchat.models", "tests.endpoint")
"""What `oceanchat`, the endpoints of the tests and those who ask them load."""
TRAINER = ("preact.cli.main", "preact.training.train", "preact.systems.local", "preact.serving.server")
"""What `preact` loads."""
APP = (
    "streamlit.web.cli",
    "streamlit.web.bootstrap",
    "streamlit.runtime.app_session",
    "annotation_app.navigation",
)
"""What the annotation app loads."""
ONE_THREAD = {"OMP_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false"}
"""Threads of a library do not survive a fork: one that had begun would be waited for without end."""


class Fork(subprocess.Popen):  # type: ignore[type-arg]
    """`python -m MODULE`, `python -c CODE` or a command of ours, without the time of importing."""

    def __init__(self, command: Sequence[str], *, loaded: tuple[str, ...] = DATA, **options: Any) -> None:
        self._loaded = loaded
        self._report: socket.socket | None = None
        super().__init__([str(part) for part in command], **options)

    def _execute_child(self, args: Any, executable: Any, preexec_fn: Any, *others: Any) -> None:
        _, _, folder, environment, *_ = others
        p2cread, p2cwrite, c2pread, c2pwrite, errread, errwrite = others[7:13]
        assert preexec_fn is None, "a fork runs nothing before its command"
        streams = [
            number if pipe == -1 else pipe for number, pipe in enumerate((p2cread, c2pwrite, errwrite))
        ]
        asked = {
            "command": args,
            "folder": str(folder or os.getcwd()),
            "environment": dict(os.environ if environment is None else environment),
            "own_session": others[-2],
        }
        self._report, theirs = socket.socketpair()
        with theirs:
            _parent(self._loaded).ask(asked, [*streams, theirs.fileno()])
        self.pid = int(self._read_line())
        self._child_created = True
        self._close_pipe_fds(p2cread, p2cwrite, c2pread, c2pwrite, errread, errwrite)

    def _read_line(self) -> str:
        assert self._report is not None
        line = b""
        while not line.endswith(b"\n"):
            byte = self._report.recv(1)
            assert byte, "the process that forks has ended"
            line += byte
        return line.decode()

    def _try_wait(self, wait_flags: int) -> tuple[int, int]:
        if self._report is None:
            return self.pid, 0
        if wait_flags & os.WNOHANG and not select.select([self._report], [], [], 0)[0]:
            return 0, 0
        status = int(self._read_line())
        self._report.close()
        self._report = None
        return self.pid, status

    def _internal_poll(self, *_: Any, **__: Any) -> int | None:
        if self.returncode is None and self._waitpid_lock.acquire(False):
            try:
                pid, status = self._try_wait(os.WNOHANG)
                if pid and self.returncode is None:
                    self.returncode = os.waitstatus_to_exitcode(status)
            finally:
                self._waitpid_lock.release()
        return self.returncode


class _Parent:
    """The process that has loaded these modules, as its owner sees it."""

    def __init__(self, loaded: tuple[str, ...]) -> None:
        self.owner = os.getpid()
        self._socket, theirs = socket.socketpair()
        path = os.pathsep.join(filter(None, (ROOT, os.environ.get("PYTHONPATH"))))
        environment = os.environ | {"PYTHONPATH": path} | ONE_THREAD
        with theirs:
            number = theirs.fileno()
            command = [sys.executable, "-m", "tests.forks", str(number), *loaded]
            self.process = subprocess.Popen(
                command, cwd=ROOT, env=environment, pass_fds=[number], start_new_session=True
            )

    def ask(self, asked: dict[str, Any], streams: list[int]) -> None:
        body = json.dumps(asked).encode()
        socket.send_fds(self._socket, [len(body).to_bytes(4, "big")], streams)
        self._socket.sendall(body)

    def end(self) -> None:
        self._socket.close()
        self.process.wait()


_PARENTS: dict[tuple[str, ...], _Parent] = {}


def _parent(loaded: tuple[str, ...]) -> _Parent:
    known = _PARENTS.get(loaded)
    if known is None or known.owner != os.getpid():
        known = _PARENTS[loaded] = _Parent(loaded)
    return known


@contextmanager
def forking() -> Iterator[None]:
    """End the processes that fork with the block."""
    try:
        yield
    finally:
        for parent in _PARENTS.values():
            parent.end()
        _PARENTS.clear()


def serve(door: socket.socket, modules: Sequence[str]) -> tuple[dict[str, Any], list[int]]:
    """Load the modules, then fork whenever asked and say how each fork ends; in a fork, what it is to be."""
    for module in modules:
        import_module(module)
    gc.collect()
    gc.freeze()
    reports: dict[int, tuple[int, socket.socket]] = {}
    with selectors.DefaultSelector() as selector:
        selector.register(door, selectors.EVENT_READ)
        while True:
            for key, _ in selector.select():
                if key.fileobj is not door:
                    selector.unregister(key.fd)
                    _report_end(*reports.pop(key.fd), key.fd)
                    continue
                asked, streams = receive(door)
                if asked is None:
                    for pid, _ in reports.values():
                        os.kill(pid, signal.SIGKILL)
                    os._exit(0)
                report = socket.socket(fileno=streams.pop())
                pid = os.fork()
                if pid == 0:
                    for other in (door, report, *(report for _, report in reports.values())):
                        other.close()
                    for watched in reports:
                        os.close(watched)
                    return asked, streams
                for stream in streams:
                    os.close(stream)
                report.sendall(f"{pid}\n".encode())
                watched = os.pidfd_open(pid)
                reports[watched] = pid, report
                selector.register(watched, selectors.EVENT_READ)


def _report_end(pid: int, report: socket.socket, watched: int) -> None:
    os.close(watched)
    _, status = os.waitpid(pid, 0)
    with contextlib.suppress(OSError), report:
        report.sendall(f"{status}\n".encode())


def receive(door: socket.socket) -> tuple[Any, list[int]]:
    """What is asked for, None where the other end is closed, and the streams that came with it."""
    head, streams, _, _ = socket.recv_fds(door, 4, 4)
    if not head:
        return None, []
    body = b""
    while len(body) < int.from_bytes(head, "big"):
        body += door.recv(65536)
    return json.loads(body), streams


def take(streams: list[int]) -> None:
    """Read and write these from now on: stdin, stdout and stderr, by their descriptors."""
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    # Anew: Python's own remember what the waiting process's streams could do.
    sys.stdin = sys.__stdin__ = open(0, closefd=False)  # noqa: SIM115 - for as long as it lives
    sys.stdout = sys.__stdout__ = open(1, "w", closefd=False)  # noqa: SIM115 - for as long as it lives
    sys.stderr = sys.__stderr__ = open(2, "w", buffering=1, closefd=False)  # noqa: SIM115 - for as long as it lives


def become(asked: dict[str, Any], streams: list[int]) -> None:
    """Be the command; the interpreter then ends as after any other."""
    take(streams)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    if asked["own_session"]:
        os.setsid()
    os.chdir(asked["folder"])
    os.environ.clear()
    os.environ.update(asked["environment"])
    _call(asked["command"])


def _call(command: list[str]) -> None:
    program, *arguments = command
    if program != sys.executable:
        sys.argv = command
        import_module(f"{Path(program).name}.cli.main").main()
        return
    kind, what, *arguments = arguments
    sys.argv = [kind, *arguments]
    if kind == "-m":
        runpy.run_module(what, run_name="__main__", alter_sys=True)
    else:
        assert kind == "-c", kind
        exec(compile(what, "<string>", "exec"), {"__name__": "__main__"})


if __name__ == "__main__":
    become(*serve(socket.socket(fileno=int(sys.argv[1])), sys.argv[2:]))
