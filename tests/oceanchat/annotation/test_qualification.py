"""Describe, practice and be admitted; first answers count."""

import pytest

from oceanchat.annotation import accounts, labels, qualification
from oceanchat.annotation.guidelines import PRACTICE_ITEMS, known_items
from oceanchat.annotation.qualification import QualificationStatus
from oceanchat.errors import AnnotationError
from oceanchat.prompts import open_prompts
from oceanchat.store.annotators import Annotator
from oceanchat.store.database import Store

PROMPTS = open_prompts()
WORDS = {"high": "asks many odd questions", "low": "keeps to plain facts"}


def status_of(store: Store, person: Annotator) -> QualificationStatus:
    return qualification.status(store, accounts.find(store, person.name), PROMPTS)


def work(store: Store, person: Annotator, wrong: int) -> None:
    """Go through all of it with so many practice items wrong."""
    for _ in range(5):
        presented = status_of(store, person).item
        assert presented is not None
        labels.save(store, person, presented.token, WORDS)
    for number in range(PRACTICE_ITEMS):
        presented = status_of(store, person).item
        assert presented is not None and presented.assignment.item.answer_key is not None
        answers = dict(presented.assignment.item.answer_key["answers"])
        if number < wrong:
            answers["coherent"] = "no" if answers["coherent"] == "yes" else "yes"
        labels.save(store, person, presented.token, answers)


def test_who_passes_is_let_in_and_stays_in(store: Store) -> None:
    ann = accounts.add(store, "Ann").annotator
    assert status_of(store, ann).stage == "describe"
    work(store, ann, wrong=2)
    status = status_of(store, ann)
    assert (status.stage, status.score.right, status.score.total) == ("ready", 8, 10)
    assert accounts.find(store, "Ann").admitted_at is not None
    assert status_of(store, ann).stage == "ready"


def test_guidelines_come_until_the_first_item_was_begun(store: Store) -> None:
    ann = accounts.add(store, "Ann").annotator
    for read in (qualification.status, qualification.style_status):
        assert [read(store, ann, PROMPTS, begin=False).item for _ in range(2)] == [None, None]
        begun = read(store, ann, PROMPTS).item
        assert begun is not None and read(store, ann, PROMPTS, begin=False).item == begun
    for _ in range(5):
        presented = qualification.status(store, ann, PROMPTS, begin=False).item
        assert presented is not None
        labels.save(store, ann, presented.token, WORDS)
    practice = qualification.status(store, ann, PROMPTS, begin=False)
    assert practice.stage == "practice" and practice.item is not None


def again(store: Store, person: Annotator, right: int) -> QualificationStatus:
    """Take the second try with so many right answers; the status afterwards."""
    while (status := status_of(store, person)).stage == "again":
        assert status.item is not None and status.item.answers == {}
        assert status.item.assignment.item.answer_key is not None
        answers = dict(status.item.assignment.item.answer_key["answers"])
        if right <= 0:
            answers["coherent"] = "no" if answers["coherent"] == "yes" else "yes"
        right -= 1
        labels.save(store, person, status.item.token, answers)
    return status


def test_a_second_try_at_the_wrong_ones_can_still_let_somebody_in(store: Store) -> None:
    ann = accounts.add(store, "Ann").annotator
    lead = accounts.add(store, "Lea", "lead").annotator
    work(store, ann, wrong=3)
    status = status_of(store, ann)
    assert (status.stage, status.done, status.total) == ("again", 0, 3)
    status = again(store, ann, right=1)
    assert (status.stage, status.score.right, status.score.first_right) == ("ready", 8, 7)
    [seen] = qualification.overview(store, lead)
    assert [(wrong.tried_again, wrong.right_now) for wrong in seen.wrong] == [
        (True, True),
        *[(False, False)] * 2,
    ]
    assert seen.wrong[0].given != seen.wrong[0].known and seen.wrong[0].opening


def test_who_falls_short_twice_waits_for_the_lead(store: Store) -> None:
    ann = accounts.add(store, "Ann").annotator
    lead = accounts.add(store, "Lea", "lead").annotator
    work(store, ann, wrong=3)
    assert again(store, ann, right=0).stage == "waiting"
    [seen] = qualification.overview(store, lead)
    assert all(wrong.tried_again and not wrong.right_now for wrong in seen.wrong)
    assert seen.score.right == 7 and seen.descriptions["Openness"] == WORDS
    assert list(seen.descriptions) == [
        "Openness",
        "Conscientiousness",
        "Extraversion",
        "Agreeableness",
        "Neuroticism",
    ]
    last = qualification.last_practice(store, ann)
    assert last is not None
    third = labels.show(store, ann, labels.own_assignment(store, ann, last.assignment_id))
    with pytest.raises(AnnotationError, match="cannot be changed"):
        labels.save(store, ann, third.token, {"trait_shown": "yes", "coherent": "yes"})
    accounts.admit(store, ann)
    assert status_of(store, ann).stage == "ready"
    with pytest.raises(AnnotationError, match="is for leads"):
        qualification.overview(store, ann)


def test_practice_shows_its_answer_afterwards(store: Store) -> None:
    ann = accounts.add(store, "Ann").annotator
    for _ in range(5):
        presented = status_of(store, ann).item
        assert presented is not None
        labels.save(store, ann, presented.token, WORDS)
    assert qualification.last_practice(store, ann) is None
    presented = status_of(store, ann).item
    assert presented is not None
    labels.save(store, ann, presented.token, {"trait_shown": "no", "coherent": "yes"})
    last = qualification.last_practice(store, ann)
    assert last is not None and last.answer_key is not None
    assert last.answer_key["why"] == known_items(PROMPTS)[0].why


def test_everybody_practices_on_the_same_items_by_themselves(store: Store) -> None:
    ann, ben = (accounts.add(store, name).annotator for name in ("Ann", "Ben"))
    work(store, ann, wrong=0)
    status = status_of(store, ben)
    assert status.stage == "describe" and status.score.answered == 0
    presented = status.item
    assert presented is not None
    with pytest.raises(AnnotationError):
        labels.save(store, ann, presented.token, WORDS)


def test_a_description_of_two_words_is_not_one(store: Store) -> None:
    ann = accounts.add(store, "Ann").annotator
    presented = status_of(store, ann).item
    assert presented is not None
    with pytest.raises(AnnotationError, match="'so what' is very short"):
        labels.save(store, ann, presented.token, {"high": "talks of many things", "low": "so what"})
