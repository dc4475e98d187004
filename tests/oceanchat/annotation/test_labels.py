"""A label is saved once, read back, revised and never lost."""

import threading
from typing import Any

import pytest

from oceanchat.annotation import accounts
from oceanchat.annotation import labels as labelling
from oceanchat.annotation.labels import Receipt, TooSoon
from oceanchat.errors import AnnotationError
from oceanchat.store import assignments as seat_rows
from oceanchat.store import labels as annotation_rows
from oceanchat.store.annotators import Annotator
from oceanchat.store.database import Store
from oceanchat.store.labels import labels
from tests.oceanchat.annotation.scenes import BAD, GOOD, sampled


def rows(store: Store) -> list[Any]:
    with store.reading() as connection:
        return list(connection.execute(labels.select().order_by(labels.c.id)))


def shown_to(store: Store, person: Annotator) -> labelling.Shown:
    shown = labelling.next_item(store, person)
    assert shown is not None
    return shown


def test_a_receipt_says_what_the_database_holds(store: Store) -> None:
    ann = sampled(store)[0]
    shown = shown_to(store, ann)
    receipt = labelling.save(store, ann, shown.token, {**BAD, "comment": " shows the opposite level "}, 5)
    assert (receipt.answers, receipt.value, receipt.revision) == (BAD, "no", 1)
    assert (receipt.done, receipt.total) == (1, 10)
    [row] = rows(store)
    assert (row.saved, row.value, row.token) == (receipt.saved, "no", shown.token)


def test_the_same_token_saves_once_whatever_is_sent_again(store: Store) -> None:
    ann = sampled(store)[0]
    shown = shown_to(store, ann)
    first = labelling.save(store, ann, shown.token, GOOD)
    assert labelling.save(store, ann, shown.token, BAD) == first
    assert len(rows(store)) == 1


def test_twenty_copies_of_one_click_save_once(store: Store) -> None:
    ann = sampled(store)[0]
    shown = shown_to(store, ann)
    receipts: list[Receipt] = []
    threads = [
        threading.Thread(target=lambda: receipts.append(labelling.save(store, ann, shown.token, GOOD)))
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
    first, again = shown_to(store, ann), shown_to(store, ann)
    assert first.token == again.token
    labelling.save(store, ann, first.token, GOOD)
    assert shown_to(store, ann).token != first.token


def test_a_draft_comes_back_and_goes_with_the_label(store: Store) -> None:
    ann = sampled(store)[0]
    shown = shown_to(store, ann)
    assert labelling.keep_draft(
        store, ann, shown.token, {"trait_shown": "no", "comment": "half a \0sent\ud800"}
    )
    assert dict(shown_to(store, ann).answers) == {"trait_shown": "no", "comment": "half a sent?"}
    assert labelling.keep_draft(store, ann, shown.token, {"trait_shown": "maybe", "other": "x"})
    assert dict(shown_to(store, ann).answers) == {}
    labelling.save(store, ann, shown.token, GOOD)
    assert not labelling.keep_draft(store, ann, shown.token, BAD)
    seat = labelling.earlier(store, ann, None)
    assert seat is not None and dict(labelling.show(store, ann, seat).answers) == GOOD


def test_a_change_is_a_revision_and_undo_a_withdrawal(store: Store) -> None:
    ann = sampled(store)[0]
    shown = shown_to(store, ann)
    labelling.save(store, ann, shown.token, GOOD)
    again = labelling.show(store, ann, labelling.own_seat(store, ann, shown.seat.id))
    assert again.token != shown.token
    assert labelling.save(store, ann, again.token, BAD).revision == 2
    withdrawn = labelling.undo(store, ann)
    assert withdrawn is not None and withdrawn.answered is None
    reopened = shown_to(store, ann)
    assert reopened.seat.id == shown.seat.id and dict(reopened.answers) == BAD
    assert [(row.revision, row.value) for row in rows(store)] == [(1, "yes"), (2, "no"), (3, None)]
    with store.reading() as connection:
        assert annotation_rows.judgements(connection, 1) == []
    assert labelling.save(store, ann, reopened.token, GOOD).revision == 4


def test_undo_without_labels_is_nothing(store: Store) -> None:
    assert labelling.undo(store, sampled(store)[0]) is None


def test_back_and_forth_follow_the_order_of_saving(store: Store) -> None:
    ann = sampled(store)[0]
    saved = []
    for moment in (1e10, 1e10 + 1, 1e10 + 2):
        shown = shown_to(store, ann)
        labelling.save(store, ann, shown.token, GOOD, now=moment)
        saved.append(shown.seat.id)
    last = labelling.earlier(store, ann, None)
    assert last is not None and last.id == saved[2]
    middle = labelling.earlier(store, ann, last.answered)
    assert middle is not None and middle.id == saved[1] and middle.answered is not None
    after = labelling.later(store, ann, middle.answered)
    assert after is not None and after.id == saved[2] and after.answered is not None
    assert labelling.later(store, ann, after.answered) is None


def test_nobody_reaches_another_s_item(store: Store) -> None:
    ann, ben, _ = sampled(store)
    shown = shown_to(store, ann)
    for attempt in (
        lambda: labelling.save(store, ben, shown.token, GOOD),
        lambda: labelling.keep_draft(store, ben, shown.token, GOOD),
        lambda: labelling.show(store, ben, shown.seat),
        lambda: labelling.own_seat(store, ben, shown.seat.id),
        lambda: labelling.own_seat(store, ben, 99_999),
        lambda: labelling.save(store, ben, "no such token", GOOD),
    ):
        with pytest.raises(AnnotationError):
            attempt()
    assert rows(store) == []


def test_too_quick_is_refused_recorded_and_told_how_long(store: Store) -> None:
    ann = sampled(store, min_seconds=5)[0]
    shown = shown_to(store, ann)
    with pytest.raises(TooSoon, match=r"you can save in \d s") as caught:
        labelling.save(store, ann, shown.token, GOOD)
    assert 3 < caught.value.wait <= 5
    with store.reading() as connection:
        assert annotation_rows.refusal_counts(connection) == {ann.id: 1}
    assert labelling.save(store, ann, shown.token, GOOD, now=1e10).revision == 1


def test_active_time_is_never_more_than_the_time_that_passed(store: Store) -> None:
    ann = sampled(store)[0]
    shown = shown_to(store, ann)
    labelling.save(store, ann, shown.token, GOOD, active_seconds=9_999_999)
    [row] = rows(store)
    assert row.active_seconds == row.wall_seconds < 60


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        ({}, "'Trait shown\\?' has no answer"),
        ({"trait_shown": "yes"}, "'Coherent\\?' has no answer"),
        ({"trait_shown": "yes", "coherent": "perhaps"}, "'Coherent\\?' has no answer"),
        ({"trait_shown": "no", "coherent": "yes", "comment": "  "}, "needs a comment"),
    ],
)
def test_answers_that_are_not_complete_are_refused(store: Store, answers: dict[str, str], said: str) -> None:
    ann = sampled(store)[0]
    with pytest.raises(AnnotationError, match=said):
        labelling.save(store, ann, shown_to(store, ann).token, answers)
    assert rows(store) == []


def test_a_retired_annotator_saves_nothing_more(store: Store) -> None:
    ann, *_ = sampled(store, ["Ann", "Ben", "Cas", "Dee"])
    shown = shown_to(store, ann)
    accounts.retire(store, ann)
    with pytest.raises(AnnotationError, match="no longer yours"):
        labelling.save(store, accounts.find(store, "Ann"), shown.token, GOOD)


def test_a_snapshot_outlives_its_dialogue(store: Store) -> None:
    from oceanchat.store.imports import imported_dialogues

    ann = sampled(store)[0]
    before = shown_to(store, ann).seat.item.content
    with store.writing() as connection:
        connection.execute(imported_dialogues.delete())
    assert shown_to(store, ann).seat.item.content == before
    with store.reading() as connection:
        assert seat_rows.latest_sample(connection) is not None
