"""What the documents show is so: examples of Python are run, commands and their options exist."""

import doctest
import importlib
from pathlib import Path

import pytest

from tests.test_architecture import ROOT

DOCTESTS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
WITH_EXAMPLES = ("building", "tables", "agreeing", "releases")
"""Modules of oceanchat.notebook whose docstrings hold examples, in an order in which each can run."""


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
        failed, attempted = doctest.testmod(
            importlib.import_module(f"oceanchat.notebook.{name}"), optionflags=DOCTESTS
        )
        assert attempted and not failed, name
