"""Describe, practise, and be let in; first answers count."""

import pytest

from oceanchat.annotation import accounts, qualification
from oceanchat.annotation import labels as labelling
from oceanchat.annotation.guidelines import PRACTISED, known_items
from oceanchat.annotation.qualification import Standing
from oceanchat.errors import AnnotationError
from oceanchat.prompts import open_prompts
from oceanchat.store.annotators import Annotator
from oceanchat.store.database import Store

PROMPTS = open_prompts()
WORDS = {"high": "asks many odd questions", "low": "keeps to plain facts"}


def standing(store: Store, person: Annotator) -> Standing:
    return qualification.standing(store, accounts.find(store, person.name), PROMPTS)


def work(store: Store, person: Annotator, wrong: int) -> None:
    """Go through all of it with so many practice items wrong."""
    for _ in range(5):
        shown = standing(store, person).shown
        assert shown is not None
        labelling.save(store, person, shown.token, WORDS)
    for number in range(PRACTISED):
        shown = standing(store, person).shown
        assert shown is not None and shown.seat.item.known is not None
        answers = dict(shown.seat.item.known["answers"])
        if number < wrong:
            answers["coherent"] = "no" if answers["coherent"] == "yes" else "yes"
        labelling.save(store, person, shown.token, answers)


def test_who_passes_is_let_in_and_stays_in(store: Store) -> None:
    ann = accounts.add(store, "Ann").annotator
    assert standing(store, ann).stage == "describe"
    work(store, ann, wrong=2)
    found = standing(store, ann)
    assert (found.stage, found.score.right, found.score.total) == ("ready", 8, 10)
    assert accounts.find(store, "Ann").admitted is not None
    assert standing(store, ann).stage == "ready"


def test_who_falls_short_waits_for_the_lead(store: Store) -> None:
    ann = accounts.add(store, "Ann").annotator
    lead = accounts.add(store, "Lea", "lead").annotator
    work(store, ann, wrong=3)
    assert standing(store, ann).stage == "waiting"
    [seen] = qualification.overview(store, lead)
    assert seen.score.right == 7 and seen.descriptions["Openness"] == WORDS
    assert list(seen.descriptions) == [
        "Openness",
        "Conscientiousness",
        "Extraversion",
        "Agreeableness",
        "Neuroticism",
    ]
    accounts.admit(store, ann)
    assert standing(store, ann).stage == "ready"
    with pytest.raises(AnnotationError, match="for the lead"):
        qualification.overview(store, ann)


def test_practice_shows_its_answer_afterwards_and_takes_no_second_try(store: Store) -> None:
    ann = accounts.add(store, "Ann").annotator
    for _ in range(5):
        shown = standing(store, ann).shown
        assert shown is not None
        labelling.save(store, ann, shown.token, WORDS)
    assert qualification.practised(store, ann) is None
    shown = standing(store, ann).shown
    assert shown is not None
    labelling.save(store, ann, shown.token, {"trait_shown": "no", "coherent": "yes"})
    last = qualification.practised(store, ann)
    assert last is not None and last.known is not None
    assert last.known["why"] == known_items(PROMPTS)[0].why
    again = labelling.show(store, ann, labelling.own_seat(store, ann, shown.seat.id))
    with pytest.raises(AnnotationError, match="stand as first given"):
        labelling.save(store, ann, again.token, {"trait_shown": "yes", "coherent": "yes"})


def test_everybody_practises_on_the_same_items_by_themselves(store: Store) -> None:
    ann, ben = (accounts.add(store, name).annotator for name in ("Ann", "Ben"))
    work(store, ann, wrong=0)
    found = standing(store, ben)
    assert found.stage == "describe" and found.score.answered == 0
    shown = found.shown
    assert shown is not None
    with pytest.raises(AnnotationError):
        labelling.save(store, ann, shown.token, WORDS)


def test_a_description_of_two_words_is_not_one(store: Store) -> None:
    ann = accounts.add(store, "Ann").annotator
    shown = standing(store, ann).shown
    assert shown is not None
    with pytest.raises(AnnotationError, match="'so what' is very short"):
        labelling.save(store, ann, shown.token, {"high": "talks of many things", "low": "so what"})
