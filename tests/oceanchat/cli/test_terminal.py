"""What a person at a terminal sees of a build: moving counters, the first Ctrl-C and the second."""

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.endpoint import Endpoint, prices_file
from tests.processes import PATIENCE

MAIN = "from oceanchat.cli.main import main; main()"
SHOW_CURSOR, HIDE_CURSOR = "\x1b[?25h", "\x1b[?25l"


class Terminal:
    """`oceanchat` on a terminal of its own, which is as wide as said."""

    def __init__(self, folder: Path, *arguments: object, columns: int = 80) -> None:
        ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
        environment = os.environ | {"TERM": "xterm-256color"}
        for name in ("COLUMNS", "LINES", "OPENAI_API_KEY", "NO_COLOR"):
            environment.pop(name, None)
        self.process = subprocess.Popen(
            [sys.executable, "-c", MAIN, *map(str, arguments)],
            stdin=theirs, stdout=theirs, stderr=theirs, cwd=folder, env=environment, start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )  # fmt: skip
        os.close(theirs)
        self._fd = ours
        self.seen = ""

    def read_until(self, pattern: str) -> re.Match[str]:
        """Read on until the pattern has come."""
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            match = re.search(pattern, self.seen)
            if match:
                return match
            if not self._read():
                break
        raise AssertionError(f"{pattern!r} never came: {self.seen!r}")

    def read_all(self) -> int:
        """Read on until it ends; its exit code."""
        while self._read():
            pass
        return self.process.wait(PATIENCE)

    def type(self, keys: str) -> None:
        """Press these keys."""
        os.write(self._fd, keys.encode())

    def _read(self) -> bool:
        ready, _, _ = select.select([self._fd], [], [], PATIENCE)
        try:
            data = os.read(self._fd, 65536) if ready else b""
        except OSError:  # the other side is closed
            return False
        self.seen += data.decode("utf-8", "replace")
        return bool(data)

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self._fd)


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Callable[..., Terminal]]:
    """Opens terminals, and closes them in the end."""
    opened: list[Terminal] = []

    def open_one(*arguments: object, columns: int = 80) -> Terminal:
        opened.append(Terminal(tmp_path, *arguments, columns=columns))
        return opened[-1]

    yield open_one
    for each in opened:
        each.close()


def build(endpoint: Endpoint, *more: object) -> tuple[object, ...]:
    options = ("--trait", "O", "--level", "high", "--model", "served", "--base-url", endpoint.url)
    return ("build", *options, "--concurrency", 4, "--timeout", 30, "--yes", *more)


def test_counters_move_by_the_clock_and_the_first_ctrl_c_says_what_is_waited_for(
    terminal: Callable[..., Terminal], serve: Callable[..., Endpoint]
) -> None:
    shown = terminal(*build(serve(reply=None, latency=5)))
    shown.read_until(r"0 of 20 passed, \$0")
    shown.read_until(r"[1-4] in flight, 0 answered \(0\.0/s\), 0 failed")
    shown.type("\x03")
    shown.read_until(r"Waiting for [1-4] requests? in flight \(at most 30 s\); Ctrl-C again stops\s+at once")
    assert shown.read_all() == 130
    assert re.search(
        r"stopped by SIGINT; all answers are kept: run the same command again\s+to go on", shown.seen
    )
    assert shown.seen.rindex(SHOW_CURSOR) > shown.seen.rindex(HIDE_CURSOR)


def test_the_second_ctrl_c_gives_the_cursor_back_and_ends_at_once(
    terminal: Callable[..., Terminal], serve: Callable[..., Endpoint]
) -> None:
    shown = terminal(*build(serve(reply=None, latency=2 * PATIENCE), "--timeout", 2 * PATIENCE))
    shown.read_until(r"[1-4] in flight")
    shown.type("\x03")
    shown.read_until(r"Ctrl-C again stops\s+at once")
    shown.type("\x03")
    assert shown.read_all() == 130
    assert shown.seen.rindex(SHOW_CURSOR) > shown.seen.rindex(HIDE_CURSOR)
    assert shown.seen.endswith("\r\n")


def test_a_build_by_a_real_model_is_forecast_and_asked_about_once(
    terminal: Callable[..., Terminal], serve: Callable[..., Endpoint], tmp_path: Path
) -> None:
    endpoint = serve(reply=None)
    asking = [
        part for part in build(endpoint, "--count", 2, "--prices", prices_file(tmp_path)) if part != "--yes"
    ]
    refused = terminal(*asking)
    refused.read_until(r"2 dialogues will take about \d+ \(\d+ to \d+\) calls and [^$]*for\s+about \$")
    assert "Rough, without a pilot" in refused.seen
    refused.read_until(r"Build them\?")
    refused.type("n\n")
    assert refused.read_all() == 1 and "nothing was sent, and nothing spent" in refused.seen
    assert endpoint.counters()["calls"] == 0 and not list(tmp_path.glob("*.db"))
    agreed = terminal(*asking)
    agreed.read_until(r"Build them\?")
    agreed.type("y\n")
    assert agreed.read_all() == 0 and "2 of 2 passed" in agreed.seen
    for answered in ((*asking, "--max-usd", 5), (*asking, "--count", 3, "--yes"), asking):
        again = terminal(*answered)
        assert again.read_all() == 0 and "Build them" not in again.seen


@pytest.mark.parametrize("columns", [80, 100, 120])
def test_no_line_of_a_build_is_too_wide_or_broken_in_a_word(
    terminal: Callable[..., Terminal], columns: int
) -> None:
    shown = terminal("build", "--trait", "O", "--level", "all", "--count", 3, columns=columns)
    assert shown.read_all() == 0
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown.seen)
    assert max(len(line.rstrip()) for line in re.split(r"[\r\n]+", text)) <= columns
    for words in ("6 of 6 passed", "Pass rate of the back-validation", "rejected", "labeled"):
        assert words in text
