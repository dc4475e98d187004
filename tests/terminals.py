"""Commands on a terminal of 80 columns, and what a reader may expect of their screens."""

import fcntl
import os
import pty
import re
import select
import shlex
import struct
import sys
import termios
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from rich.cells import cell_len

from tests.forks import DATA, Fork
from tests.processes import PATIENCE

COLUMNS = 80
WORDS = 5
"""From how many words on something is a sentence, which need not be said again."""
CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
_STEP = re.compile(r"\x1b\[([0-9;?]*)([A-Za-z])|([\r\n])|([^\x1b\r\n]+)")
_ADDRESS = re.compile(r"[^\s/]*/\S+")
"""A path or URL, which cannot be broken."""
_ONE_OF_MANY = re.compile(r"(?<![\w.,:/+-])1 (?!(?:is|was|has|as|this|its|times)\b)[a-z][a-z-]*[^s\W]s\b")
"""One of a thing in the plural: '1 steps', but neither '2.1 steps' nor 'sample 1 has'."""
_PROGRESS = re.compile(r"about .* left$")
_DIALOGUE = re.compile(r"^Seed topic.*?^Written by", re.MULTILINE | re.DOTALL)


class Screen(NamedTuple):
    """What a command wrote on a terminal, and its exit code; negative where it was stopped."""

    code: int
    written: str

    @property
    def text(self) -> str:
        """What a person sees in the end: what was drawn over is gone."""
        lines, row, column = [""], 0, 0
        for number, command, move, text in (step.groups() for step in _STEP.finditer(self.written)):
            if move == "\n":
                row += 1
                lines += [""] * (row + 1 - len(lines))
            elif move == "\r":
                column = 0
            elif command == "A":
                row = max(0, row - int(number or 1))
            elif command == "K":
                lines[row] = ""
            elif text:
                lines[row] = lines[row][:column].ljust(column) + text + lines[row][column + len(text) :]
                column += len(text)
        return "\n".join(map(str.rstrip, lines))

    def faults(self) -> Iterator[str]:
        """Lines that are too wide, one of a thing in the plural, and sentences that come twice."""
        for line in re.split(r"[\r\n]+", CONTROL.sub("", self.written)):
            if cell_len(line.rstrip()) > COLUMNS and not _ADDRESS.fullmatch(line.strip()):
                yield f"{cell_len(line.rstrip())} columns: {line.strip()}"
        yield from (f"plural: {match[0]}" for match in _ONE_OF_MANY.finditer(self.text))
        counts = Counter(self._sentences())
        yield from (f"twice: {sentence}" for sentence, count in counts.items() if count > 1)

    def _sentences(self) -> Iterator[str]:
        """What lines say in words, cell by cell; what speakers in a dialogue say is no note."""
        for line in _DIALOGUE.sub("", self.text).splitlines():
            for cell in re.split(r"\s{2,}|; ", line):
                if (
                    not _PROGRESS.search(cell)
                    and sum(word.strip("('`")[:2].isalpha() for word in cell.split()) >= WORDS
                ):
                    yield cell.strip()


def screen_of(
    command: str,
    folder: Path,
    environment: Mapping[str, str],
    *,
    loaded: tuple[str, ...] = DATA,
    typed: str = "",
    until: str | None = None,
) -> Screen:
    """A command in a folder, on a terminal of its own.

    `typed` is on its keyboard from the start; what never ends is stopped once it has written `until`.
    """
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, COLUMNS, 0, 0))
    surroundings = {name: value for name, value in environment.items() if name not in ("COLUMNS", "LINES")}
    process = Fork(
        [sys.executable, "-m", *shlex.split(command)], loaded=loaded, cwd=folder, start_new_session=True,
        env=surroundings | {"TERM": "xterm-256color"}, stdin=theirs, stdout=theirs, stderr=theirs,
    )  # fmt: skip
    os.close(theirs)
    with process:
        try:
            os.write(ours, typed.encode())
            written = _read(ours, until)
        finally:
            if until is not None:
                process.kill()
            code = process.wait(PATIENCE)
            os.close(ours)
    return Screen(code, written)


def _read(terminal: int, until: str | None) -> str:
    written = ""
    while until is None or until not in written:
        ready, _, _ = select.select([terminal], [], [], PATIENCE)
        assert ready, f"nothing came for {PATIENCE:g} s: {written!r}"
        try:
            written += os.read(terminal, 65536).decode("utf-8", "replace")
        except OSError:  # the other side is closed
            break
    return written
