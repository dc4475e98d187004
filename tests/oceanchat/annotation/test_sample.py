"""The sample: stratified, seeded, drawn once, a snapshot."""

import json
from pathlib import Path

import pytest

from oceanchat.annotation import labels
from oceanchat.annotation.guidelines import PRACTICE_ITEMS, known_items, read_known_items
from oceanchat.annotation.sample import SampleConfig, draw_sample, extend_sample
from oceanchat.errors import AnnotationError, PromptError
from oceanchat.prompts import open_prompts
from oceanchat.store import labels as label_rows
from oceanchat.store import presentations as presentation_rows
from oceanchat.store import samples as sample_rows
from oceanchat.store.database import Store
from oceanchat.store.samples import items
from tests.oceanchat.annotation.scenes import GOOD, fill, gold, label_all, people, sampled

PRACTICE = {
    "id": "g1",
    "trait": "O",
    "level": "high",
    "turns": [{"role": "questioner", "text": "Why?"}, {"role": "discloser", "text": "Why not?"}],
    "trait_shown": True,
    "coherent": True,
    "why": "It asks back.",
}


def keys(store: Store, kind: str = "sample") -> list[tuple[str, str, str]]:
    with store.reading() as connection:
        rows = connection.execute(items.select().where(items.c.kind == kind).order_by(items.c.id))
        return [(row.stratum, row.key.split(":", 1)[1], row.state) for row in rows]


def test_every_trait_level_gives_the_same_number_and_the_rejected_come_on_top(store: Store) -> None:
    fill(store, 5, rejected=4)
    sample = draw_sample(store, SampleConfig(per_trait_level=3, include_rejected=2), [])
    drawn_keys = keys(store)
    assert len(drawn_keys) == 50 and len(set(drawn_keys)) == 50
    for level in {level for level, _, _ in drawn_keys}:
        states = sorted(state for stratum, _, state in drawn_keys if stratum == level)
        assert states == ["off-trait", "off-trait", "passed", "passed", "passed"]
    assert sample.settings["accepted"]["O+"] == {"drawn": 3, "available": 5}
    assert sample.settings["rejected"]["N-"] == {"drawn": 2, "available": 4}
    assert sample.settings["seed"] == sample.seed == 0


def test_the_seed_decides_and_smaller_samples_are_part_of_larger_ones(store: Store) -> None:
    fill(store, 6)
    drawn = []
    for number, seed in ((2, 1), (2, 1), (4, 1), (2, 2)):
        before = len(keys(store))
        draw_sample(store, SampleConfig(per_trait_level=number, seed=seed), [], another=True)
        drawn.append({key for _, key, _ in keys(store)[before:]})
    assert drawn[0] == drawn[1] < drawn[2]
    assert drawn[3] != drawn[0]


def test_a_second_sample_has_to_be_asked_for_and_the_first_stays(store: Store) -> None:
    fill(store, 2)
    people(store, "Ann")
    draw_sample(store, SampleConfig(per_trait_level=1), [])
    with pytest.raises(AnnotationError, match="sample 1 exists"):
        draw_sample(store, SampleConfig(per_trait_level=1), [])
    assert draw_sample(store, SampleConfig(per_trait_level=1), [], another=True).id == 2
    with store.reading() as connection:
        assert len(presentation_rows.sample_assignments(connection, 1)) == 10
        latest = sample_rows.latest_sample(connection)
    assert latest is not None and latest.id == 2


def test_an_empty_store_and_missing_gold_are_said_plainly(store: Store) -> None:
    with pytest.raises(AnnotationError, match="no dialogue to validate"):
        draw_sample(store, SampleConfig(), [])
    fill(store, 1)
    with pytest.raises(AnnotationError, match="none are known"):
        draw_sample(store, SampleConfig(gold=0.1), [])


def test_gold_items_come_from_the_prompts_and_from_a_file(store: Store, tmp_path: Path) -> None:
    fill(store, 1)
    path = tmp_path / "gold.json"
    path.write_text(json.dumps([PRACTICE]))
    draw_sample(store, SampleConfig(per_trait_level=1, gold=0.1, gold_file=path), gold())
    assert len(keys(store, "gold")) == len(gold()) + 1


def test_a_gold_file_repeats_no_shipped_item(store: Store, tmp_path: Path) -> None:
    fill(store, 1)
    path = tmp_path / "gold.json"
    shipped = known_items(open_prompts(None))
    same, practiced = shipped[-1].model_dump(mode="json"), shipped[0].model_dump(mode="json")
    for item, what in (
        (same, f"item '{same['id']}' of '.*' has the id of an item in 'qualification.json'"),
        ({**PRACTICE, "id": same["id"]}, "has the id"),
        ({**same, "id": "mine"}, "item 'mine' of '.*' holds the dialogue"),
        (practiced, "has the id"),
    ):
        path.write_text(json.dumps([PRACTICE, item] if item["id"] != PRACTICE["id"] else [item]))
        config = SampleConfig(per_trait_level=1, gold=0.1, gold_file=path)
        with pytest.raises(PromptError, match=what):
            draw_sample(store, config, shipped[PRACTICE_ITEMS:], shipped[:PRACTICE_ITEMS])
    with store.reading() as connection:
        assert sample_rows.latest_sample(connection) is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[" * 500 + "]" * 500, "nested more than 60 levels"),
        ("[" * 100_000, "nested more than 60 levels"),
        ("[]", "not a list of items"),
        ("{", "Expecting property name"),
        (json.dumps([{**PRACTICE, "trait": "X"}]), "trait"),
        (json.dumps([PRACTICE, PRACTICE]), "'g1' twice"),
        (json.dumps([{**PRACTICE, "turns": [{"role": "narrator", "text": "x"}]}]), "role"),
    ],
)
def test_a_file_of_known_items_is_checked(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "gold.json"
    path.write_text(text)
    with pytest.raises(PromptError, match=message):
        read_known_items(path)
    with pytest.raises(PromptError, match="cannot be read"):
        read_known_items(tmp_path / "none.json")


def test_more_is_drawn_into_a_sample_and_every_label_stays(store: Store) -> None:
    ann, *_ = sampled(store, each=2)
    assert label_all(store, ann, lambda _: GOOD) == 20
    fill(store, 4, rejected=1)
    extended = extend_sample(store, 3, 1)
    assert (extended.id, extended.settings["per_trait_level"]) == (1, 3)
    assert extended.settings["accepted"]["O+"] == {"drawn": 3, "available": 4}
    assert extended.settings["rejected"]["O+"] == {"drawn": 1, "available": 1}
    assert labels.progress(store, ann) == (20, 40)
    with store.reading() as connection:
        assert len(label_rows.item_labels(connection, 1)) == 20
    for number in (2, 3):
        with pytest.raises(AnnotationError, match="as many dialogues already"):
            extend_sample(store, number)


def test_there_must_be_a_sample_to_extend(store: Store) -> None:
    fill(store, 1)
    with pytest.raises(AnnotationError, match="no sample to extend"):
        extend_sample(store, 3)
