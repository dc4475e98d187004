"""`oceanchat topics` as a user types it."""

import json
from pathlib import Path

import pytest

from tests.oceanchat.cli.conftest import Command
from tests.oceanchat.release.factories import make_dialogues, make_store


def test_topics_are_printed_and_drawn(command: Command, tmp_path: Path) -> None:
    make_store(tmp_path / "store.db", make_dialogues(6)).close()
    ended = command("topics", "--store", tmp_path / "store.db", "--plot", tmp_path / "topics.svg", "--json")
    assert (ended.code, ended.err) == (0, "")
    record = json.loads(ended.out)
    assert sum(topic["dialogues"] for topic in record["topics"]) + record["none"] == 60
    assert (tmp_path / "topics.svg").read_text().startswith("<?xml")
    table = command("topics", "--store", tmp_path / "store.db", "--count", 3)
    assert len(table.out.strip().splitlines()) == 4


def test_a_labeler_names_the_topics_once_and_is_named_itself(command: Command, tmp_path: Path) -> None:
    make_store(tmp_path / "store.db", make_dialogues(6)).close()
    asked = ("topics", "--store", tmp_path / "store.db", "--count", 3, "--labeler", "scripted")
    first = json.loads(command(*asked, "--plot", tmp_path / "topics.svg", "--json").out)
    assert first["calls"] == len(first["topics"]) == 3
    for topic in first["topics"]:
        assert topic["label"] == " and ".join(topic["terms"][:2])
        assert (topic["labelled_by"], topic["reason"]) == ("scripted", "")
        assert f"<!-- {topic['label']} -->" in (tmp_path / "topics.svg").read_text()
    assert "labeled by scripted" in (tmp_path / "topics.svg").read_text()
    again = json.loads(command(*asked, "--json").out)
    assert again == {**first, "calls": 0}
    table = command(*asked)
    header, *rows = table.out.strip().splitlines()
    assert "labeled by" in header
    assert len(rows) == 3 and all(row.rstrip().endswith("scripted") for row in rows)
    assert "0 calls to scripted" in table.err


@pytest.mark.parametrize("option", [("--base-url", "http://127.0.0.1:9/v1"), ("--max-usd", "1.0")])
def test_how_to_ask_without_whom_to_ask_is_one_line(
    command: Command, tmp_path: Path, option: tuple[str, str]
) -> None:
    make_store(tmp_path / "store.db", []).close()
    ended = command("topics", "--store", tmp_path / "store.db", *option)
    assert ended.code == 1
    assert ended.err.startswith(f"oceanchat: {option[0]} '{option[1]}' needs a model to ask; add --labeler")


def test_a_plot_of_an_unknown_kind_is_one_line(command: Command, tmp_path: Path) -> None:
    make_store(tmp_path / "store.db", make_dialogues(6)).close()
    ended = command("topics", "--store", tmp_path / "store.db", "--plot", tmp_path / "topics.docx")
    assert ended.code == 1
    assert "must end in .png, .svg, .pdf" in ended.err
