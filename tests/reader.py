"""Somebody who reads a document and types what it shows, line by line."""

import json
import re
import subprocess
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from tests.documents import Block, blocks
from tests.processes import PATIENCE, Spawn
from tests.warm_commands import DONE, RUN_BLOCKS

PARSED_ONLY = re.compile(r'<!-- parsed only(?: "(?P<line>[^"]+)")?: \S[^>]*-->')
"""At the end of the line above a block: why nothing of it is run here, or no line that holds a text."""
PROGRAMS = (
    "oceanchat", "preact", "make", "pip", "ray", "vllm", "sbatch", "torchrun", "accelerate", "docker", "ssh",
    "bash", "python", "mkdir", "export", "curl", "until", "while", "for",
)  # fmt: skip
"""Words with which a line of shell begins here."""
STAYS = ("preact serve", "oceanchat serve-scripted")
"""Commands that go on until they are stopped, and on which later ones rely."""
APP = "oceanchat annotate"
"""The app, which nobody opens in a browser here: other tests do."""
FILE = "bash file "
"""How the fence of a block begins that is a file of the reader's, with the file's name behind it."""
FEWER = 3
"""The exit code of a build whose corpus yields fewer dialogues than it was asked for."""


class Statement(NamedTuple):
    """A command, or a loop of some, as one types it."""

    text: str
    where: str
    """The document and the line of its block."""


def is_marked(line: str, above: str) -> bool:
    """Whether the text above a block says that this line of it is not run."""
    marks = [match["line"] for match in PARSED_ONLY.finditer(above)]
    return any(mark is None or mark in line for mark in marks)


def statements(block: Block, where: str) -> Iterator[Statement]:
    """The statements of a block of shell that are to be run."""
    pending = ""
    for line in block.text.replace("\\\n", " ").splitlines():
        pending += line + "\n"
        if subprocess.run(["bash", "-n"], input=pending, text=True, capture_output=True).returncode == 0:
            bare = re.sub(r"(^|\s)#\s.*", "", pending).strip()
            if bare and not is_marked(bare, block.above):
                yield Statement(bare, where)
            pending = ""
    assert not pending, f"{where} does not end: {pending}"


class Reader:
    """A folder, a shell that remembers its variables, and one Python."""

    def __init__(
        self, folder: Path, environment: Mapping[str, str], spawn: Spawn, replace: Mapping[str, str]
    ) -> None:
        self.folder = folder
        self.environment = dict(environment)
        self.replace = dict(replace)
        """Text of documents -> what stands here in its place, such as ports."""
        self.only_for: dict[str, Mapping[str, str]] = {}
        """Text of a command -> more of its environment."""
        self._spawn = spawn
        self._python: subprocess.Popen[str] | None = None
        self._state = folder / ".typed"
        self.in_the_app: Callable[[], None] | None = None
        """What people do in the app, once it is started."""
        self.patience = PATIENCE
        """Seconds that a statement may take."""
        self.typed: list[str] = []
        """What was run."""
        self.printed = ""
        """What all of it printed on stdout."""

    def read(self, document: Path, begin: str = "", end: str = "") -> None:
        """Type every block of shell and run every one of Python, but what is marked; first write its files.

        `begin` and `end` are headings: only what stands from the one to the other is read.
        """
        lines = document.read_text(encoding="utf-8").splitlines()
        first = next((n for n, line in enumerate(lines, 1) if begin and line.startswith(begin)), 0)
        last = next((n for n, line in enumerate(lines, 1) if end and line.startswith(end)), len(lines) + 1)
        every = [block for block in blocks(document) if first <= block.line < last]
        for block in every:
            if block.kind.startswith(FILE):
                (self.folder / block.kind.removeprefix(FILE)).write_text(self._as_here(block.text))
        for block in every:
            if block.text.startswith("import "):
                if is_marked("", block.above):
                    continue
                self.run_python(block.text, f"{document.name}:{block.line}")
            elif is_shell(block):
                for statement in statements(block, f"{document.name}:{block.line}"):
                    self.type(statement)

    def type(self, statement: Statement) -> None:
        """Run a statement to its end, or start what stays."""
        text = self._as_here(statement.text)
        self.typed.append(text)
        environment = dict(self.environment)
        for part, more in self.only_for.items():
            environment |= more if part in text else {}
        if text.startswith(APP):
            return None if self.in_the_app is None else self.in_the_app()
        if text.startswith(STAYS):
            self._spawn(["bash", "-c", f"exec {text}"], cwd=self.folder, env=environment)
            return
        script = f"set -a; [ ! -e .typed ] || . ./.typed; {text}\ncode=$?; export -p > .typed; exit $code"
        done = subprocess.run(
            ["bash", "-c", script],
            cwd=self.folder,
            env=environment,
            input="How was your day?\n\n",
            capture_output=True,
            text=True,
            timeout=self.patience,
        )
        self.printed += done.stdout
        allowed = (0, FEWER) if text.startswith("oceanchat build") else (0,)
        assert done.returncode in allowed, f"{statement.where} {text}: {done.stdout} {done.stderr}"

    def _as_here(self, text: str) -> str:
        for shown, here in self.replace.items():
            text = text.replace(shown, here)
        return text

    def run_python(self, text: str, where: str) -> None:
        """Run a block of Python, after those before it."""
        if self._python is None:
            streams = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
            self._python = self._spawn([RUN_BLOCKS], cwd=self.folder, env=self.environment, **streams)
        assert self._python.stdin is not None and self._python.stdout is not None
        self._python.stdin.write(json.dumps(text) + "\n")
        self._python.stdin.flush()
        assert any(line.strip() == DONE for line in self._python.stdout), f"{where} fails"


def is_shell(block: Block) -> bool:
    """Whether a block is for a terminal: one of its lines begins with a program, or its fence says so."""
    if block.kind != "indented":
        return block.kind.startswith("bash") and not block.kind.startswith(FILE)
    return any(re.match(rf"({'|'.join(PROGRAMS)})\s", line) for line in block.text.splitlines())
