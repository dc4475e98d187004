"""docs/tutorial.md runs from top to bottom, and the notebook is made of it."""

import json
import socket
import subprocess
from pathlib import Path
from runpy import run_path
from typing import Any

import pytest

from tests.documents import Block, blocks
from tests.processes import PATIENCE, Spawn
from tests.running import clean_environment
from tests.test_architecture import ROOT
from tests.warm_commands import DONE, RUN_BLOCKS, warm_commands

TUTORIAL = ROOT / "docs" / "tutorial.md"
SERVED = 8809
"""The port that the tutorial names."""


class Reader:
    """Somebody who types the tutorial: a shell for each block, and one Python for all of its own."""

    def __init__(self, folder: Path, environment: dict[str, str], spawn: Spawn) -> None:
        self._where: dict[str, Any] = {"cwd": folder, "env": environment}
        self._spawn = spawn
        self._python = spawn([RUN_BLOCKS], stdin=subprocess.PIPE, stdout=subprocess.PIPE, **self._where)

    def run(self, block: Block) -> None:
        """Run a block to its end, or start it where it stays in the background."""
        if block.kind == "python":
            self._run_python(block)
        elif block.kind == "bash background":
            self._spawn(["bash", "-c", f"exec {block.text}"], **self._where)
        else:
            shell = ["bash", "-euo", "pipefail", "-c", block.text]
            done = subprocess.run(shell, capture_output=True, text=True, timeout=PATIENCE, **self._where)
            assert done.returncode == 0, f"line {block.line}: {done.stderr}"

    def _run_python(self, block: Block) -> None:
        assert self._python.stdin is not None and self._python.stdout is not None
        self._python.stdin.write(json.dumps(block.text) + "\n")
        self._python.stdin.flush()
        assert any(line.strip() == DONE for line in self._python.stdout), f"line {block.line} fails"


@pytest.fixture
def port() -> int:
    """A free port in place of the tutorial's, which may be taken here."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_tutorial_runs_from_top_to_bottom(tmp_path: Path, spawn: Spawn, port: int) -> None:
    (tmp_path / "tests").symlink_to(ROOT / "tests")
    folder = tmp_path / "tutorial"
    folder.mkdir()
    with warm_commands(tmp_path, clean_environment()) as environment:
        reader = Reader(folder, environment, spawn)
        for block in blocks(TUTORIAL):
            text = block.text.replace(str(SERVED), str(port))
            if "preact serve" in text:
                text = f"{text.rstrip()} --port {port}\n"
            reader.run(block._replace(text=text))
    assert (folder / "report" / "report.html").stat().st_size > 10_000
    assert len((folder / "ratings.csv").read_text().splitlines()) == 7


def test_every_step_is_in_the_tutorial() -> None:
    text = "".join(block.text for block in blocks(TUTORIAL))
    steps = (
        "build show stats sample agreement release verify publish train identify exam interview judge compare"
    )
    steps += " plot export serve chat evaluation"
    assert [
        step for step in steps.split() if f"oceanchat {step}" not in text and f"preact {step}" not in text
    ] == []


def test_the_notebook_is_made_of_the_tutorial() -> None:
    made_of = run_path(str(ROOT / "docs" / "tutorial_notebook.py"))["notebook"]
    written = TUTORIAL.with_suffix(".ipynb").read_text(encoding="utf-8")
    assert made_of(TUTORIAL.read_text(encoding="utf-8")) == written, "run: python docs/tutorial_notebook.py"
    code = [cell for cell in json.loads(written)["cells"] if cell["cell_type"] == "code"]
    assert len(code) == len(list(blocks(TUTORIAL)))
