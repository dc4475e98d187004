"""What the documents show is so: commands and their options exist, blocks are run, or say why they are not.

A block of commands is run as it stands, unless the line above it ends in `<!-- parsed only: REASON -->`. Of
all, run or not, each command and each option is held against the command lines. docs/tutorial.md and
docs/python.md are run by tests of their own.
"""

import doctest
import importlib
import re
import shlex
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import click
import pytest

from oceanchat.cli.main import oceanchat
from preact.cli.main import preact
from tests.documents import Block, blocks
from tests.running import run_oceanchat
from tests.test_architecture import ROOT

WRITTEN = "commands.md"
"""The reference, which the commands write themselves."""
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
DOCUMENTS = [document for document in DOCUMENTS if document.name != WRITTEN]
WITH_EXAMPLES = ("building", "tables", "agreeing", "releases")
"""Modules of oceanchat.notebook whose docstrings hold examples, in an order in which each can run."""
RUN_ELSEWHERE = ("tutorial.md", "python.md")
GROUPS = {"oceanchat": oceanchat, "preact": preact}
OPERATORS = frozenset({"|", "||", "&&", ";", "&", "(", ")"})
WORDS_BEFORE = frozenset({"while", "until", "do", "then", "if", "exec", "for", "time"})
STAYS = frozenset({"annotate", "serve"})
"""Commands that go on until they are stopped: parsed here, run by tests of their own."""
PARSED_ONLY = re.compile(r"<!-- parsed only: \S.*-->$")


def commands(text: str, values: Mapping[str, str]) -> list[list[str]]:
    """The commands of ours in a block of shell, word by word; `values` are those of its variables."""
    listed: list[list[str]] = []
    for line in text.replace("\\\n", " ").splitlines():
        bare = re.sub(r"(^|\s)#\s.*$", "", line)
        for name, value in values.items():
            bare = re.sub(rf"\${name}\b", value, bare)
        listed += _of_line(bare)
    return listed


def _of_line(line: str) -> list[list[str]]:
    try:
        lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
        lexer.commenters = ""
        lexer.whitespace_split = True
        words = list(lexer)
    except ValueError:  # a quote that goes on in the next line, as in a JSON text
        return []
    listed: list[list[str]] = [[]]
    for word in words:
        if word in OPERATORS:
            listed.append([])
        elif word not in WORDS_BEFORE or listed[-1]:
            listed[-1].append(word)
    return [_without_redirections(each) for each in listed if len(each) > 1 and each[0] in GROUPS]


def _without_redirections(words: list[str]) -> list[str]:
    end = next((number for number, word in enumerate(words) if word in (">", ">>", "<")), len(words))
    return words[:end]


def complaint(words: list[str]) -> str:
    """What the command line says of these words before it does anything; '' where it takes them."""
    command: click.Command = GROUPS[words[0]]
    rest = words[1:]
    while isinstance(command, click.Group):
        name = rest.pop(0) if rest else ""
        inner = command.commands.get(name)
        if inner is None:
            return f"there is no command '{name}'"
        command = inner
    try:
        command.make_context(command.name, rest)
    except click.ClickException as error:
        message = error.format_message()
        return "" if "does not exist" in message else message  # a file of the reader's
    return ""


class Shown(NamedTuple):
    """A block of commands in a document."""

    document: str
    block: Block
    commands: list[list[str]]

    def name(self, words: list[str]) -> str:
        """A command of the block, for messages."""
        return f"{self.document}:{self.block.line} {' '.join(words)}"


def shown(document: Path) -> list[Shown]:
    """The blocks of a document that hold commands; a variable holds what an earlier block sets it to."""
    every = list(blocks(document))
    values = dict(re.findall(r'^(\w+)="(.*)"$', "".join(block.text for block in every), re.MULTILINE))
    listed = [Shown(document.name, block, commands(block.text, values)) for block in every]
    return [each for each in listed if each.commands]


SHOWN = [each for document in DOCUMENTS for each in shown(document)]


def test_every_command_and_option_in_a_block_exists() -> None:
    problems = {each.name(words): complaint(words) for each in SHOWN for words in each.commands}
    assert {name: problem for name, problem in problems.items() if problem} == {} and len(problems) > 60


def test_a_wrong_option_would_be_noticed() -> None:
    text = "oceanchat build O+ --cuont 3 && preact serv runs/first > log\n"
    assert [complaint(words)[:22] for words in commands(text, {})] == [
        "No such option '--cuon",
        "there is no command 's",
    ]


def test_every_target_of_make_in_a_block_exists() -> None:
    makefile = (ROOT / "Makefile").read_text()
    text = "".join(block.text for document in DOCUMENTS for block in blocks(document))
    named = set(re.findall(r"^make (\w+)", text, re.MULTILINE))
    assert named and all(re.search(rf"^{name}:", makefile, re.MULTILINE) for name in named)


def test_blocks_that_are_not_parsed_only_run(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "releases", tmp_path / "releases")  # not a link: a block may write there
    assert run_oceanchat(tmp_path, "build", "all", "--count", "1").returncode == 0
    to_run = [each for each in SHOWN if each.document not in RUN_ELSEWHERE]
    to_run = [each for each in to_run if not PARSED_ONLY.search(each.block.above)]
    assert to_run
    for each in to_run:
        for words in each.commands:
            if words[1] not in STAYS:
                assert words[0] == "oceanchat", f"{each.name(words)} loads torch: mark it parsed only"
                done = run_oceanchat(tmp_path, *words[1:])
                assert done.returncode == 0, f"{each.name(words)}: {done.stderr}"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder beside the sample release, in which nobody has a key."""
    (tmp_path / "releases").symlink_to(ROOT / "releases")
    monkeypatch.chdir(tmp_path)
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def test_the_examples_in_docstrings_are_run(folder: Path) -> None:
    for name in WITH_EXAMPLES:
        module = importlib.import_module(f"oceanchat.notebook.{name}")
        failed, attempted = doctest.testmod(module, optionflags=doctest.ELLIPSIS)
        assert attempted and not failed, name
