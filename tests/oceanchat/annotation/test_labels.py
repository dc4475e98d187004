"""A label is saved once, read back, revised and never lost."""

import threading
import time
from typing import Any

import pytest

from oceanchat.annotation import accounts, labels
from oceanchat.annotation.labels import Conflict, PresentedItem, Receipt, TooSoon
from oceanchat.errors import AnnotationError
from oceanchat.store import labels as label_rows
from oceanchat.store import presentations as presentation_rows
from oceanchat.store import samples as sample_rows
from oceanchat.store.annotators import Annotator
from oceanchat.store.database import Store
from tests.oceanchat.annotation.scenes import BAD, GOOD, sampled


def rows(store: Store) -> list[Any]:
    with store.reading() as connection:
        return list(connection.execute(label_rows.labels.select().order_by(label_rows.labels.c.id)))


def present_to(store: Store, person: Annotator) -> PresentedItem:
    presented = labels.next_item(store, person)
    assert presented is not None
    return presented


def test_a_receipt_says_what_the_database_holds(store: Store) -> None:
    ann = sampled(store)[0]
    presented = present_to(store, ann)
    receipt = labels.save(store, ann, presented.token, {**BAD, "comment": " shows the opposite level "}, 5)
    assert (receipt.answers, receipt.value, receipt.revision) == (BAD, "no", 1)
    assert (receipt.done, receipt.total) == (1, 10)
    [row] = rows(store)
    assert (row.saved_at, row.value, row.token) == (receipt.saved_at, "no", presented.token)


def test_the_same_answers_under_one_token_save_once(store: Store) -> None:
    ann = sampled(store)[0]
    presented = present_to(store, ann)
    first = labels.save(store, ann, presented.token, {**GOOD, "comment": " so be it "})
    assert labels.save(store, ann, presented.token, {**GOOD, "comment": "so be it"}) == first
    assert len(rows(store)) == 1


def test_other_answers_under_a_used_token_are_a_conflict_and_stay_as_a_draft(store: Store) -> None:
    ann = sampled(store)[0]
    presented = present_to(store, ann)
    labels.save(store, ann, presented.token, GOOD)
    with pytest.raises(Conflict, match="another tab") as caught:
        labels.save(store, ann, presented.token, BAD)
    assert caught.value.assignment_id == presented.assignment.id
    again = labels.show(store, ann, labels.own_assignment(store, ann, presented.assignment.id))
    assert dict(again.answers) == GOOD and again.unsaved == BAD
    assert labels.save(store, ann, again.token, BAD).revision == 2
    after = labels.show(store, ann, labels.own_assignment(store, ann, presented.assignment.id))
    assert dict(after.answers) == BAD and after.unsaved is None


def test_a_clock_that_steps_back_blocks_no_save(store: Store) -> None:
    ann = sampled(store, min_seconds=3)[0]
    presented = present_to(store, ann)
    assert labels.save(store, ann, presented.token, GOOD, 40.0, now=1_000_000.0).revision == 1
    [row] = rows(store)
    assert row.active_seconds == 40.0


def test_reading_time_outlives_a_closed_tab_and_adds_up_over_revisions(store: Store) -> None:
    ann = sampled(store)[0]
    presented = present_to(store, ann)
    started = time.time() - 200
    with store.writing() as connection:
        table = presentation_rows.presentations
        connection.execute(table.update().values(presented_at=started))
    labels.save_draft(store, ann, presented.token, {}, 70.0)
    assert present_to(store, ann).active_seconds == 70.0
    labels.save(store, ann, presented.token, GOOD, 2.0)
    again = labels.show(store, ann, labels.own_assignment(store, ann, presented.assignment.id))
    assert again.active_seconds == 0.0
    with store.writing() as connection:
        connection.execute(table.update().values(presented_at=started))
    labels.save(store, ann, again.token, BAD, 5.0)
    assert [row.active_seconds for row in rows(store)] == [70.0, 5.0]
    with store.reading() as connection:
        [label] = label_rows.item_labels(connection, 1)
    assert (label.revision, label.active_seconds) == (2, 75.0)


def test_twenty_copies_of_one_click_save_once(store: Store) -> None:
    ann = sampled(store)[0]
    presented = present_to(store, ann)
    receipts: list[Receipt] = []
    threads = [
        threading.Thread(target=lambda: receipts.append(labels.save(store, ann, presented.token, GOOD)))
        for _ in range(20)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(receipts) == 20 and len(set(map(str, receipts))) == 1
    assert len(rows(store)) == 1


def test_an_item_keeps_its_token_until_it_is_answered(store: Store) -> None:
    ann = sampled(store)[0]
    first, again = present_to(store, ann), present_to(store, ann)
    assert first.token == again.token
    labels.save(store, ann, first.token, GOOD)
    assert present_to(store, ann).token != first.token


def test_a_draft_comes_back_and_goes_with_the_label(store: Store) -> None:
    ann = sampled(store)[0]
    presented = present_to(store, ann)
    assert not labels.save_draft(
        store, ann, presented.token, {"trait_shown": "no", "comment": "half a \0sent\ud800"}
    )
    assert dict(present_to(store, ann).answers) == {"trait_shown": "no", "comment": "half a sent?"}
    assert not labels.save_draft(store, ann, presented.token, {"trait_shown": "maybe", "other": "x"})
    assert dict(present_to(store, ann).answers) == {}
    labels.save(store, ann, presented.token, GOOD)
    assert labels.save_draft(store, ann, presented.token, BAD) == presented.assignment.id
    assignment = labels.own_assignment(store, ann, presented.assignment.id)
    assert dict(labels.show(store, ann, assignment).answers) == GOOD


def test_nobody_reaches_another_s_item(store: Store) -> None:
    ann, ben, _ = sampled(store)
    presented = present_to(store, ann)
    for attempt in (
        lambda: labels.save(store, ben, presented.token, GOOD),
        lambda: labels.save_draft(store, ben, presented.token, GOOD),
        lambda: labels.show(store, ben, presented.assignment),
        lambda: labels.own_assignment(store, ben, presented.assignment.id),
        lambda: labels.own_assignment(store, ben, 99_999),
        lambda: labels.save(store, ben, "no such token", GOOD),
    ):
        with pytest.raises(AnnotationError):
            attempt()
    assert rows(store) == []


def test_too_quick_is_refused_recorded_and_told_how_long(store: Store) -> None:
    ann = sampled(store, min_seconds=5)[0]
    presented = present_to(store, ann)
    with pytest.raises(TooSoon, match=r"you can save in \d s") as caught:
        labels.save(store, ann, presented.token, GOOD)
    assert 3 < caught.value.wait <= 5
    assert "save in 1 s" in str(TooSoon(0.2))
    with store.reading() as connection:
        assert presentation_rows.rejected_submission_counts(connection) == {ann.id: 1}
    assert labels.save(store, ann, presented.token, GOOD, now=1e10).revision == 1


def test_active_time_is_never_more_than_the_time_that_passed(store: Store) -> None:
    ann = sampled(store)[0]
    presented = present_to(store, ann)
    labels.save(store, ann, presented.token, GOOD, active_seconds=9_999_999)
    [row] = rows(store)
    assert row.active_seconds == row.wall_seconds < 60


@pytest.mark.parametrize(
    ("answers", "message"),
    [
        ({}, "'Trait shown\\?' has no answer"),
        ({"trait_shown": "yes"}, "'Coherent\\?' has no answer"),
        ({"trait_shown": "yes", "coherent": "perhaps"}, "'Coherent\\?' has no answer"),
        ({"trait_shown": "no", "coherent": "yes", "comment": "  "}, "needs a comment"),
    ],
)
def test_answers_that_are_not_complete_are_refused(
    store: Store, answers: dict[str, str], message: str
) -> None:
    ann = sampled(store)[0]
    with pytest.raises(AnnotationError, match=message):
        labels.save(store, ann, present_to(store, ann).token, answers)
    assert rows(store) == []


def test_a_retired_annotator_saves_nothing_more(store: Store) -> None:
    ann, *_ = sampled(store, ["Ann", "Ben", "Cas", "Dee"])
    presented = present_to(store, ann)
    accounts.retire(store, ann)
    with pytest.raises(AnnotationError, match="no longer yours"):
        labels.save(store, accounts.find(store, "Ann"), presented.token, GOOD)


def test_a_snapshot_outlives_its_dialogue(store: Store) -> None:
    from oceanchat.store.imports import imported_dialogues

    ann = sampled(store)[0]
    before = present_to(store, ann).assignment.item.content
    with store.writing() as connection:
        connection.execute(imported_dialogues.delete())
    assert present_to(store, ann).assignment.item.content == before
    with store.reading() as connection:
        assert sample_rows.latest_sample(connection) is not None
