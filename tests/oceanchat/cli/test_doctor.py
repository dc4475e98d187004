"""`oceanchat doctor` ends with 1 where something that was named is not there."""

import json
from pathlib import Path

import pytest

from tests.oceanchat.cli.conftest import Command


def test_without_names_nothing_is_missing(command: Command, tmp_path: Path) -> None:
    ended = command("doctor", "--json")
    assert ended.code == 0 and ended.err == ""
    states = {finding["name"]: finding["state"] for finding in json.loads(ended.out)}
    assert "missing" not in states.values() and states["store"] == "note"
    assert list(tmp_path.iterdir()) == []


def test_the_store_of_a_new_project_need_not_be_there_but_its_folder_must(
    command: Command, tmp_path: Path
) -> None:
    file = tmp_path / "oceanchat.toml"
    file.write_text('[oceanchat]\nstore = "study.db"\n')
    ended = command("doctor")
    assert (
        ended.code == 0 and "'study.db' is not there yet; the first `oceanchat build` makes it" in ended.out
    )
    assert list(tmp_path.iterdir()) == [file]
    file.write_text('[oceanchat]\nstore = "nowhere/study.db"\n')
    ended = command("doctor")
    assert ended.code == 1 and "its folder does not exist" in ended.out


@pytest.mark.parametrize("how", ["option", "environment"])
def test_a_store_that_was_named_in_any_way_must_be_there(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    arguments = ("--store", "no.db") if how == "option" else ()
    if how == "environment":
        monkeypatch.setenv("OCEANCHAT_STORE", "no.db")
    ended = command("doctor", *arguments)
    assert ended.code == 1 and "store 'no.db' does not exist" in ended.out
    assert ended.err == "oceanchat: what was named is not there: store; the list says what to do\n"


def test_no_key_is_shown(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-planted")
    monkeypatch.setenv("HF_TOKEN", "hf_planted")
    ended = command("doctor", "--model", "gpt-4o-mini")
    assert ended.code == 0 and "planted" not in ended.out + ended.err
