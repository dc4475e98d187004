"""Every dialogue of a store ends as released, rejected or withheld, and people have the last word."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from oceanchat.errors import ReleaseError
from oceanchat.llm.settings import OPENAI_URL
from oceanchat.prompts import open_prompts
from oceanchat.records import Provenance
from oceanchat.release.manifest import Require
from oceanchat.release.selection import human_labels, prompts_used, select_dialogues, topic_texts
from oceanchat.store import builds as build_rows
from oceanchat.store.database import Store
from oceanchat.store.imports import add_imported
from tests.oceanchat.annotation import scenes
from tests.oceanchat.release.factories import make_dialogue, make_store
from tests.stores import open_for_test

BUILT = [
    make_dialogue(1),
    make_dialogue(2, state="off-trait", detail="the checker saw E+"),
    make_dialogue(3, state="gate:words", detail="a turn of 90 words"),
]
IMPORTED = [
    make_dialogue(10, "E-", source="imported", model="", state="unchecked", verdict=None),
    make_dialogue(11, "E-", source="imported", model="", state="passed"),
    make_dialogue(12, "E-", source="imported", model="", state="gate:opening", detail="no question"),
    BUILT[0].model_copy(update={"source": "imported"}),
]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    opened = make_store(tmp_path / "store.db", BUILT)
    with opened.writing() as connection:
        add_imported(connection, IMPORTED)
    return opened


@pytest.mark.parametrize(
    ("require", "released", "rejected", "withheld"),
    [
        (
            "checked",
            2,
            {"off-trait": 1, "gate:words": 1, "gate:opening": 1},
            {"unchecked": 1, "duplicate": 1},
        ),
        ("imported", 4, {"off-trait": 1, "gate:words": 1}, {"duplicate": 1}),
    ],
)
def test_every_dialogue_ends_somewhere(
    store: Store, require: Require, released: int, rejected: dict[str, int], withheld: dict[str, int]
) -> None:
    selection = select_dialogues(store, require)
    assert len(selection.released) == released
    assert Counter(r.state for r in selection.rejected) == rejected
    assert selection.withheld == withheld
    assert released + sum(rejected.values()) + sum(withheld.values()) == len(BUILT) + len(IMPORTED)


def test_a_release_names_no_server_of_a_model_that_answered_in_files(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored, files = build_rows.stored_builds, {"endpoint": OPENAI_URL, "writer": "owner/name"}
    monkeypatch.setattr(
        build_rows,
        "stored_builds",
        lambda *asked: [row._replace(config=row.config | files) for row in stored(*asked)],
    )
    (build,) = select_dialogues(store, "checked").builds
    assert build.config["writer"] == "owner/name" and build.config["endpoint"] is None


def test_nothing_validated_is_one_line_that_says_what_there_is(store: Store) -> None:
    with pytest.raises(ReleaseError, match=r"under --require validated \(2 not validated"):
        select_dialogues(store, "validated")


def answering(refused: set[str]) -> Callable[[str], dict[str, str]]:
    """Says no to these trait-levels and yes to all others."""
    return lambda code: scenes.BAD if code in refused else scenes.GOOD


def test_people_turn_down_what_the_checker_passed(tmp_path: Path) -> None:
    store = open_for_test(tmp_path / "labeled.db")
    team = scenes.sampled(store)
    for person, against in zip(team, ({"N-"}, {"N-", "O+"}, set[str]()), strict=True):
        scenes.label_all(store, person, answering(against))
    selection = select_dialogues(store, "validated")
    assert len(selection.released) == 9
    (turned_down,) = selection.rejected
    assert (turned_down.dialogue.trait_level.code, turned_down.state) == ("N-", "invalid")
    assert turned_down.reason == "shows the opposite level; shows the opposite level"
    assert sorted(selection.profiles) == sorted(person.pseudonym for person in team)
    labels = selection.human[selection.released[0].id]
    assert selection.released[0].trait_level.code == "O+"
    assert sorted(label.valid for label in labels) == [False, True, True]
    assert not any(label.decides for label in labels)


def test_practice_and_repeats_are_no_labels() -> None:
    row = {"item": "x", "annotator": "annotator-1", "value": "yes"}
    labels = human_labels(
        [{**row, "purpose": purpose} for purpose in ("gold", "repeat", "label", "adjudicate")]
    )
    assert [label.decides for label in labels["x"]] == [False, True]


def test_prompt_texts_are_shown_only_where_they_are_still_the_ones_used() -> None:
    prompts = open_prompts()
    used = {"check": prompts["check"].fingerprint, "write": "000000000000"}
    templates = prompts_used([make_dialogue(1, provenance=Provenance(prompts=used))], prompts)
    assert [entry["text"] for entry in templates.values()] == [prompts["check"].text, ""]


def test_topics_are_of_dialogues_nobody_turned_down(store: Store) -> None:
    texts, traits = topic_texts(store)
    assert len(texts) == len(traits) == 4
