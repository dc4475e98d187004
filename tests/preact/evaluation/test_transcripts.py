"""Transcript files: lines survive a kill, a lock keeps others out, headers differ by field."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from oceanchat.errors import EvaluationError
from preact.evaluation.transcripts import (
    ChangedSetting,
    JsonLines,
    first_difference,
    folder_lock,
    read_header,
    write_header,
)


class Note(BaseModel):
    number: int
    text: str = ""
    facts: dict[str, Any] = {}


def test_a_torn_last_line_is_not_read_and_is_cut_off(tmp_path: Path) -> None:
    lines = JsonLines(tmp_path / "notes.jsonl", Note)
    assert lines.read() == []
    lines.append([Note(number=1), Note(number=2)])
    lines.path.write_bytes(lines.path.read_bytes()[:-3])
    assert lines.read() == [Note(number=1)]
    lines.mend()
    lines.append([Note(number=3)])
    assert lines.read() == [Note(number=1), Note(number=3)]


def test_a_damaged_line_in_the_middle_is_named(tmp_path: Path) -> None:
    (tmp_path / "notes.jsonl").write_text('{"number": 1}\n{"number": "x"}\n')
    with pytest.raises(EvaluationError, match=r"line 2 of '.*notes.jsonl' cannot be read"):
        JsonLines(tmp_path / "notes.jsonl", Note).read()


def test_a_locked_folder_is_refused_until_it_is_free(tmp_path: Path) -> None:
    with folder_lock(tmp_path), pytest.raises(EvaluationError, match="in use"), folder_lock(tmp_path):
        pass
    with folder_lock(tmp_path):
        pass


def test_a_header_is_read_back_and_compared_by_field(tmp_path: Path) -> None:
    write_header(tmp_path / "note.json", Note(number=1, text="a"))
    note = read_header(tmp_path / "note.json", Note, "preact note")
    assert first_difference(note, Note(number=2, text="b"), ignore=["text"]) == ChangedSetting("number", 1, 2)
    assert first_difference(note, Note(number=1, text="b"), ignore=["text"]) is None
    with pytest.raises(EvaluationError, match="write one with `preact note`"):
        read_header(tmp_path / "nothing.json", Note, "preact note")


def test_of_settings_that_lie_deep_the_first_that_differs_is_named_alone() -> None:
    facts = {"recipe": {"rank": 64, "experts": 16}, "max_tokens": 256, "sketch": [1, 2]}
    before = Note(number=1, facts=facts)
    for changed, difference in (
        ({"max_tokens": 24}, ("facts.max_tokens", 256, 24)),
        ({"recipe": {"rank": 16, "experts": 16}, "seed": 1}, ("facts.recipe.rank", 64, 16)),
        ({"recipe": "none"}, ("facts.recipe", facts["recipe"], "none")),
        ({"sketch": None}, None),
    ):
        assert first_difference(before, Note(number=1, facts=facts | changed)) == difference
