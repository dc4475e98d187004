"""Looking back, withdrawing and sending back follow the rows, whatever the clock says."""

import pytest

from oceanchat.annotation import accounts, labels, revisions
from oceanchat.errors import AnnotationError
from oceanchat.store import labels as label_rows
from oceanchat.store.annotators import Annotator
from oceanchat.store.database import Store
from tests.oceanchat.annotation.scenes import BAD, GOOD, disagreeing, sampled
from tests.oceanchat.annotation.test_labels import present_to, rows


def saved(store: Store, person: Annotator, *moments: float) -> list[tuple[int, str]]:
    """Save the next items at these moments; (assignment, token) of each."""
    answered = []
    for moment in moments:
        presented = present_to(store, person)
        labels.save(store, person, presented.token, GOOD, now=moment)
        answered.append((presented.assignment.id, presented.token))
    return answered


def test_a_change_is_a_revision_and_undo_a_withdrawal(store: Store) -> None:
    ann = sampled(store)[0]
    [(first, token)] = saved(store, ann, 1e10)
    again = labels.show(store, ann, labels.own_assignment(store, ann, first))
    assert again.token != token
    assert labels.save(store, ann, again.token, BAD).revision == 2
    for _ in range(2):  # a click that is sent again withdraws once
        assert revisions.undo(store, ann, again.token).answered_at is None
    reopened = present_to(store, ann)
    assert reopened.assignment.id == first and dict(reopened.answers) == BAD
    assert [(row.revision, row.value) for row in rows(store)] == [(1, "yes"), (2, "no"), (3, None)]
    with store.reading() as connection:
        assert label_rows.item_labels(connection, 1) == []
    assert labels.save(store, ann, reopened.token, GOOD).revision == 4
    with pytest.raises(AnnotationError, match="answered again since"):
        revisions.undo(store, ann, again.token)


def test_nobody_withdraws_another_s_label_or_one_of_a_closed_account(store: Store) -> None:
    ann, ben, *_ = sampled(store, ["Ann", "Ben", "Cas", "Dee"])
    [(_, token)] = saved(store, ann, 1e10)
    for person, reason in ((ben, "not yours"), (ann, "is closed")):
        if person is ann:
            accounts.retire(store, ann)
        with pytest.raises(AnnotationError, match=reason):
            revisions.undo(store, accounts.find(store, person.name), token)
    with pytest.raises(AnnotationError, match="not yours"):
        revisions.undo(store, ben, "no such token")
    assert [row.value for row in rows(store)] == ["yes"]


def test_back_and_forth_follow_the_order_of_saving_though_the_clock_steps_back(store: Store) -> None:
    ann = sampled(store)[0]
    first, middle, last = (assignment for assignment, _ in saved(store, ann, 1e10, 1e10 - 5000, 1e10 - 4000))
    assert revisions.neighbours(store, ann) == (last, None)
    assert revisions.neighbours(store, ann, last) == (middle, None)
    assert revisions.neighbours(store, ann, middle) == (first, last)
    assert revisions.neighbours(store, ann, first) == (None, middle)
    label = revisions.last_label(store, ann)
    assert label is not None and label.assignment_id == last


def test_an_item_that_is_sent_back_comes_again_with_its_answers_and_the_lead_s_note(store: Store) -> None:
    lead = disagreeing(store)
    ann = accounts.find(store, "Ann")
    with store.reading() as connection:
        split = next(label for label in label_rows.item_labels(connection, 1) if label.value == "no")
    assert revisions.send_back(store, lead, split.item_id, "  mind   the level ") == 3
    presented = present_to(store, ann)
    assert presented.assignment.item.id == split.item_id and presented.note == "mind the level"
    assert dict(presented.answers) == GOOD and presented.unsaved is None
    assert labels.save(store, ann, presented.token, BAD).revision == 3
    assert revisions.send_back(store, lead, split.item_id) == 1
    assert present_to(store, ann).note == ""
    with pytest.raises(AnnotationError, match="is for leads"):
        revisions.send_back(store, ann, split.item_id)
    with pytest.raises(AnnotationError, match="nothing to send back"):
        revisions.send_back(store, lead, 999)
