"""The exam's questions: how many, none twice, none told by its length."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import combinations

from oceanchat.traits import TRAITS, Level
from preact.evaluation.exam.content import (
    harmful_requests,
    neutral_texts,
    plain_questions,
    situations,
    small_talk,
)
from preact.systems.statements import statements


def words(text: str) -> list[str]:
    return re.findall(r"[a-z'-]+", text.lower())


def alike(texts: Iterable[str], share: float = 0.7) -> list[tuple[str, str]]:
    """Pairs of which the one holds most of the other's words."""
    return [
        (a, b)
        for a, b in combinations(texts, 2)
        if len({*words(a)} & {*words(b)}) > share * min(len({*words(a)}), len({*words(b)}))
        and min(len(words(a)), len(words(b))) > 3
    ]


def test_there_are_as_many_as_the_page_says() -> None:
    assert Counter(s.trait for s in situations()) == dict.fromkeys(TRAITS, 8)
    assert (len(plain_questions()), len(harmful_requests()), len(neutral_texts())) == (60, 30, 20)
    assert set(Counter(q.topic for q in plain_questions()).values()) == {10}
    assert [m.role for m in small_talk()] == ["user", "assistant"] * 20


def test_nothing_stands_there_twice() -> None:
    for texts in (
        [s.text for s in situations()],
        [course for s in situations() for course in s.courses.values()],
        [r.text for r in harmful_requests()],
        [t.text for t in neutral_texts()],
    ):
        assert len(set(texts)) == len(texts) and alike(texts, 0.8) == []
    for group in (situations(), plain_questions(), harmful_requests()):
        ids: Sequence[str] = [one.id for one in group]  # type: ignore[attr-defined]
        assert len(set(ids)) == len(ids)
    assert len({q.text for q in plain_questions()}) == 60
    assert all(len(set(q.answers)) == 4 for q in plain_questions())


def test_courses_of_action_are_no_statements_that_vectors_are_made_of() -> None:
    known = {statement.text for statement in statements()}
    assert not known & {course for s in situations() for course in s.courses.values()}


def test_length_does_not_tell_the_courses_of_action_apart() -> None:
    for trait in TRAITS:
        pairs = [(s.courses[Level.HIGH], s.courses[Level.LOW]) for s in situations() if s.trait is trait]
        assert all(len(high.split()) == len(low.split()) for high, low in pairs)
        letters = [len(high) - len(low) for high, low in pairs]
        assert abs(sum(letters)) <= 2 * len(pairs), f"{trait}: {letters}"
    longer = [len(s.courses[Level.HIGH]) > len(s.courses[Level.LOW]) for s in situations()]
    assert 0.25 <= sum(longer) / len(longer) <= 0.75


def test_length_does_not_tell_the_right_answer() -> None:
    questions = plain_questions()
    assert all(len(answer.split()) == 1 for q in questions for answer in q.answers)
    for choose in (max, min):
        # Who takes the longest, or the shortest, and draws among equals, is right about once in four.
        ends = [[len(answer) == choose(map(len, q.answers)) for answer in q.answers] for q in questions]
        assert sum(end[0] / sum(end) for end in ends) / len(questions) < 0.35
    mean = sum(len(q.answers[0]) for q in questions) / 60
    assert abs(mean - sum(len(a) for q in questions for a in q.answers[1:]) / 180) < 0.5


def test_neutral_text_is_impersonal() -> None:
    personal = {"i", "me", "my", "we", "our", "you", "your", "feel", "love", "hate"}
    assert all(not personal & {*words(t.text)} for t in neutral_texts())
    assert all(40 <= len(t.text.split()) <= 60 for t in neutral_texts())


def test_predictions_name_both_levels() -> None:
    for s in situations():
        assert f"{s.trait.value}+" in s.prediction and f"{s.trait.value}-" in s.prediction
        assert s.text.endswith("What do you do?")
