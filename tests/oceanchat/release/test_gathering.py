"""Every dialogue of a store ends as released, rejected or withheld, and people have the last word."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from oceanchat.errors import ReleaseError
from oceanchat.prompts import open_prompts
from oceanchat.records import Dialogue, Provenance
from oceanchat.release.gathering import gather, human_labels, prompts_used, topic_texts
from oceanchat.release.manifest import Require
from oceanchat.store.database import Store
from oceanchat.store.import_rows import add_imported
from tests.oceanchat.release.made import made_dialogue, made_store

BUILT = [
    made_dialogue(1),
    made_dialogue(2, state="off-trait", detail="the checker saw E+"),
    made_dialogue(3, state="gate:words", detail="a turn of 90 words"),
]
IMPORTED = [
    made_dialogue(10, "E-", source="imported", model="", state="unchecked", verdict=None),
    made_dialogue(11, "E-", source="imported", model="", state="passed"),
    made_dialogue(12, "E-", source="imported", model="", state="gate:opening", detail="no question"),
    BUILT[0].model_copy(update={"source": "imported"}),
]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    made = made_store(tmp_path / "store.db", BUILT)
    with made.writing() as connection:
        add_imported(connection, IMPORTED)
    return made


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
    found = gather(store, require)
    assert len(found.released) == released
    assert Counter(r.state for r in found.rejected) == rejected
    assert found.withheld == withheld
    assert released + sum(rejected.values()) + sum(withheld.values()) == len(BUILT) + len(IMPORTED)


def test_nothing_validated_is_one_line_that_says_what_there_is(store: Store) -> None:
    with pytest.raises(ReleaseError, match=r"under --require validated \(2 not validated"):
        gather(store, "validated")


def row(
    item: Dialogue, annotator: int, value: str, purpose: str = "label", comment: str = ""
) -> dict[str, Any]:
    return {
        "item": item.id,
        "annotator": f"annotator-{annotator}",
        "value": value,
        "purpose": purpose,
        "answer_trait_shown": value,
        "answer_coherent": "yes",
        "answer_comment": comment,
    }


def test_people_turn_down_what_the_checker_passed(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    votes = [
        *(row(BUILT[0], n, "yes") for n in (1, 2, 3)),
        row(IMPORTED[1], 1, "no", comment="shows another trait"),
        row(IMPORTED[1], 2, "no"),
        row(IMPORTED[1], 3, "yes"),
        row(IMPORTED[1], 3, "yes", purpose="gold"),
    ]
    labels = human_labels(votes)
    assert [len(labels[d.id]) for d in (BUILT[0], IMPORTED[1])] == [3, 3]
    monkeypatch.setattr("oceanchat.release.gathering.validation_table", lambda engine: votes)
    found = gather(store, "validated")
    assert [d.id for d in found.released] == [BUILT[0].id]
    (turned_down,) = [r for r in found.rejected if r.state == "invalid"]
    assert turned_down.dialogue.id == IMPORTED[1].id
    assert turned_down.reason == "shows another trait"
    assert sorted(found.profiles) == ["annotator-1", "annotator-2", "annotator-3"]


def test_prompt_texts_are_shown_only_where_they_are_still_the_ones_used() -> None:
    prompts = open_prompts()
    used = {"check": prompts["check"].fingerprint, "write": "000000000000"}
    found = prompts_used([made_dialogue(1, provenance=Provenance(prompts=used))], prompts)
    assert [entry["text"] for entry in found.values()] == [prompts["check"].text, ""]


def test_topics_are_of_dialogues_nobody_turned_down(store: Store) -> None:
    texts, traits = topic_texts(store)
    assert len(texts) == len(traits) == 4
