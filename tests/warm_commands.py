"""`oceanchat` and `preact` as commands that start at once, for tests that run many of them.

A process loads the libraries and waits; a command is a fork of it with the caller's folder, environment and
streams; all else is as in a process of its own: arguments, exit codes, pipes. Run as a program with the
path of a socket, it is that process.
"""

import contextlib
import json
import os
import signal
import socket
import stat
import subprocess
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

from tests.forks import receive, take
from tests.processes import PATIENCE, wait_until

SHIM = """#!{python} -SE
import json, os, socket, sys
if "HF_ENDPOINT" in os.environ:  # read by huggingface_hub when it is loaded
    os.execv({real!r}, [{real!r}, *sys.argv[1:]])
door = socket.socket(socket.AF_UNIX)
door.connect({address!r})
asked = json.dumps([{name!r}, sys.argv[1:], os.getcwd(), dict(os.environ)]).encode()
socket.send_fds(door, [len(asked).to_bytes(4, "big")], [0, 1, 2])
door.sendall(asked)
sys.exit(int(door.recv(8) or b"1"))
"""
RUN_BLOCKS = "run-blocks"
"""A command that runs blocks of Python in one namespace: a JSON text a line, answered by DONE on a line."""
DONE = "\0"
PRELOADED = ("oceanchat.cli.main", "preact.cli.main", "preact.training.train", "preact.systems.local")
PRELOADED += ("preact.evaluation.calling", "oceanchat.pipeline.build", "oceanchat.release.writer")
"""What a command would spend seconds on."""


@contextmanager
def warm_commands(folder: Path, surroundings: dict[str, str]) -> Iterator[dict[str, str]]:
    """These surroundings with both commands on the path; what they leave running ends with the block."""
    address = str(folder / "door")
    commands = folder / "bin"
    commands.mkdir()
    for name in ("oceanchat", "preact", RUN_BLOCKS):
        shim = commands / name
        real = str(Path(sys.executable).with_name(name))
        shim.write_text(SHIM.format(python=sys.executable, address=address, name=name, real=real))
        shim.chmod(shim.stat().st_mode | stat.S_IXUSR)
    root = str(Path(__file__).parent.parent)
    # Threads of a library do not survive a fork: one that had begun would be waited for without end.
    one_thread = {"OMP_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false"}
    path = f"{commands}:{Path(sys.executable).parent}:{surroundings['PATH']}"
    environment = surroundings | one_thread | {"PYTHONPATH": root, "PATH": path}
    server = subprocess.Popen(
        [sys.executable, "-m", "tests.warm_commands", address], env=environment, start_new_session=True
    )
    try:
        wait_until(Path(address).exists, server)
        yield environment
    finally:
        os.killpg(server.pid, signal.SIGKILL)
        server.wait(PATIENCE)


def serve(address: str) -> None:
    """Load the libraries, then fork for every command that is asked for."""
    for module in PRELOADED:
        import_module(module)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    door = socket.socket(socket.AF_UNIX)
    door.bind(f"{address}.new")
    door.listen()
    os.rename(f"{address}.new", address)
    while True:
        asked, _ = door.accept()
        if os.fork() == 0:
            door.close()
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            _answer(asked)
        asked.close()


def _answer(asked: socket.socket) -> None:
    """Be the command; never returns."""
    (name, arguments, folder, environment), streams = receive(asked)
    take(streams)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = [name, *arguments]
    code: Any = 1
    try:
        _run_blocks() if name == RUN_BLOCKS else import_module(f"{name}.cli.main").main()
    except SystemExit as ended:
        code = 0 if ended.code is None else ended.code
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        with contextlib.suppress(BrokenPipeError):  # the caller was ended
            asked.sendall(str(code).encode())
        os._exit(code)


def _run_blocks() -> None:
    namespace: dict[str, Any] = {"__name__": "__main__"}
    for line in sys.stdin:
        exec(json.loads(line), namespace)
        print(DONE, flush=True)


if __name__ == "__main__":
    serve(sys.argv[1])
