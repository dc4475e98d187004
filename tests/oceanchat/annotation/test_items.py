"""The lead's list of items says how each stands and gives no vote away before its time."""

import pytest

from oceanchat.annotation import accounts, adjudication, items
from oceanchat.errors import AnnotationError
from oceanchat.store.database import Store
from tests.oceanchat.annotation.scenes import BAD, GOOD, decide, disagreeing, label_all, people, sampled


def test_states_follow_the_labels(store: Store) -> None:
    lead = disagreeing(store)
    listed = items.item_list(store, lead)
    assert {item.trait_level: (item.state, item.valid) for item in listed if item.state == "split"} == {
        "O+": ("split", 2),
        "C+": ("split", 1),
    }
    decide(store, lead, adjudication.disagreements(store, lead)[0], BAD)
    assert [item.state for item in items.item_list(store, lead)].count("decided") == 1
    turns = items.dialogue_of(store, lead, listed[0].item_id)
    assert turns[0][0] == "Questioner" and len(turns) == 2


def test_nothing_is_told_while_labels_are_due(store: Store) -> None:
    ann, *_ = sampled(store)
    lead = accounts.add(store, "Lea", "lead").annotator
    assert {item.state for item in items.item_list(store, lead)} == {"open"}
    label_all(store, ann, lambda _: GOOD)
    listed = items.item_list(store, lead)
    assert {(item.state, item.valid, item.labels, item.wanted) for item in listed} == {
        ("under way", None, 1, 3)
    }
    with pytest.raises(AnnotationError, match="is for leads"):
        items.item_list(store, ann)
    with pytest.raises(AnnotationError, match="is for leads"):
        items.dialogue_of(store, ann, 1)


def test_without_a_sample_there_is_no_item(store: Store) -> None:
    people(store, "Ann")
    assert items.item_list(store, accounts.add(store, "Lea", "lead").annotator) == []
