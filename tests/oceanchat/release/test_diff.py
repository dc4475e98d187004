"""diff says which rows came, went, moved or were given another label, and which figures changed."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from oceanchat.errors import ReleaseError
from oceanchat.records import Dialogue, dialogue_id
from oceanchat.release.diff import by_trait_level, compare
from oceanchat.release.folder import Release
from oceanchat.release.writer import ReleaseConfig, write_release
from oceanchat.traits import TraitLevel
from tests.oceanchat.release.factories import make_dialogue, make_dialogues, make_store


def release(tmp_path: Path, version: str, dialogues: list[Dialogue], **changes: Any) -> Release:
    store = make_store(tmp_path / f"{version}.db", dialogues)
    return write_release(ReleaseConfig(version=version, license="mit", output=tmp_path, **changes), store)


def relabelled(dialogue: Dialogue, code: str) -> Dialogue:
    label = TraitLevel.parse(code)
    changes = {
        "trait": label.trait,
        "level": label.level,
        "id": dialogue_id(label, dialogue.turns),
        "facet": None,
    }
    return dialogue.model_copy(update=changes)


def test_rows_added_dropped_and_relabelled_are_told_apart(tmp_path: Path) -> None:
    rows = make_dialogues(2)
    other = relabelled(rows[3], "A-").model_copy(update={"order": 5})
    before = release(tmp_path, "1.0.0", rows)
    after = release(tmp_path, "1.1.0", [*rows[:3], other, *rows[5:], make_dialogue(50, "E+")])
    difference = compare(before, after)
    assert difference.added == [make_dialogue(50, "E+").id]
    assert difference.dropped == [rows[4].id]
    assert [(change.before, change.old, change.new) for change in difference.relabelled] == [
        (rows[3].id, "C+", "A-")
    ]
    assert by_trait_level(difference.added, after) == {"E+": 1}
    assert not difference.same
    changed = {figure.name: (figure.before, figure.after) for figure in difference.figures}
    assert changed["table_six.A-.dialogues"] == (2, 3)
    assert ("version", "1.0.0", "1.1.0") in difference.options


def test_a_release_is_the_same_as_itself(tmp_path: Path) -> None:
    first = release(tmp_path, "1.0.0", make_dialogues(1))
    difference = compare(first, first)
    assert difference.same
    assert not difference.figures and not difference.options


@pytest.mark.parametrize("figures", [{}, {"rows": None}, {"rows": []}])
def test_a_release_without_figures_is_named(tmp_path: Path, figures: dict[str, Any]) -> None:
    first = release(tmp_path, "1.0.0", make_dialogues(1))
    with pytest.raises(ReleaseError, match=r"release '.*' has no figures: its 'quality.json' lacks 'rows'"):
        compare(first, replace(first, quality=figures))


def test_a_release_whose_rows_are_gone_is_named(tmp_path: Path) -> None:
    first = release(tmp_path, "1.0.0", make_dialogues(1))
    for rows in ([], first.rows[1:]):
        with pytest.raises(ReleaseError, match=f"release '.*' holds {len(rows)} rows, its manifest says 10"):
            compare(first, replace(first, rows=rows))


def test_rows_that_changed_their_split_are_named(tmp_path: Path) -> None:
    rows = make_dialogues(12)
    before = release(tmp_path, "1.0.0", rows)
    after = release(tmp_path, "2.0.0", rows, split_seed=5)
    moved = compare(before, after).moved
    splits = {row.id: row.split for row in after.rows}
    assert moved
    assert all(splits[row] == now != was for row, (was, now) in moved.items())


@pytest.mark.parametrize("code", ["O+", "N-"])
def test_rows_are_matched_by_words_when_the_label_changes(tmp_path: Path, code: str) -> None:
    row = make_dialogue(1, "C+")
    before = release(tmp_path, "1.0.0", [row, make_dialogue(2, code)])
    after = release(tmp_path, "1.0.1", [relabelled(row, code), make_dialogue(2, code)])
    (change,) = compare(before, after).relabelled
    assert (change.old, change.new) == ("C+", code)
