"""`oceanchat view` as a user types it."""

import importlib
import json
import re
from pathlib import Path
from types import ModuleType

import pytest

from tests.oceanchat.cli.conftest import Command
from tests.oceanchat.release.factories import make_dialogue, make_store

SAMPLE = Path(__file__).parents[3] / "releases" / "ocean-chat-0.1.0-scripted"


@pytest.fixture
def store(tmp_path: Path) -> Path:
    make_store(tmp_path / "store.db", [make_dialogue(1), make_dialogue(2)], shareable=False).close()
    return tmp_path / "store.db"


def test_a_page_of_a_store_says_what_it_holds(command: Command, store: Path, tmp_path: Path) -> None:
    ended = command("view", "--store", store, "-o", "page.html", "--title", "My <study>")
    assert (ended.code, ended.err.count("oceanchat: ")) == (0, 2)
    assert re.fullmatch(r"2 dialogues in page.html \(\d+ kB\); open it in a browser\n", ended.out)
    assert "<h1>My &lt;study&gt;</h1>" in (tmp_path / "page.html").read_text()
    with_text = command("view", "--store", store, "-o", "page.html", "--sentences", "text", "--json")
    size = (tmp_path / "page.html").stat().st_size
    assert json.loads(with_text.out) == {"file": "page.html", "bytes": size, "dialogues": 2}
    assert "Do not hand it on" in with_text.err


def test_a_page_of_a_release_needs_no_store(command: Command, tmp_path: Path) -> None:
    ended = command("view", "--release", SAMPLE, "--output", "page.html")
    assert ended.code == 0 and re.match(r"\d+ dialogues in page.html", ended.out)
    assert "Table 6" in (tmp_path / "page.html").read_text()


def test_what_does_not_fit_is_one_line_and_no_file(command: Command, store: Path, tmp_path: Path) -> None:
    for arguments, words in (
        (("--release", SAMPLE, "--sentences", "text"), "--sentences 'text' is for stores"),
        (("--release", SAMPLE, "--build", "b"), "--build 'b' is for stores"),
        (("--release", tmp_path), "is not a release"),
        (("--store", tmp_path / "none.db"), "none.db"),
        (("--store", store, "--build", "b"), "--build 'b'"),
    ):
        ended = command("view", *arguments, "-o", "page.html")
        assert (ended.code, ended.out, ended.err.count("\n")) == (1, "", 1), ended
        assert words in ended.err
    assert not (tmp_path / "page.html").exists()


def test_a_base_install_says_on_the_page_what_it_lacks(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    load = importlib.import_module

    def lacking(name: str) -> ModuleType:
        if name in ("krippendorff", "pyarrow"):
            raise ModuleNotFoundError(name=name)
        return load(name)

    make_store(
        tmp_path / "store.db", [make_dialogue(n, code) for code in ("O+", "N-") for n in range(2)]
    ).close()
    assert command("sample", "--per-trait-level", 1, "--annotators", 1, "--store", "store.db").code == 0
    monkeypatch.setattr("oceanchat.extras.import_module", lacking)
    assert command("view", "--store", "store.db", "-o", "page.html").code == 0
    assert "ocean-chat[agreement]" in (tmp_path / "page.html").read_text()
    ended = command("view", "--release", SAMPLE, "-o", "other.html")
    assert ended.code == 1 and "ocean-chat[release]" in ended.err
