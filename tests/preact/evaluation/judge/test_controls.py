"""Controls: what they are, and what they say of good and bad judges."""

from collections import Counter
from collections.abc import Sequence

import pytest

from oceanchat.near_duplicates import NearDuplicates
from oceanchat.traits import Trait
from preact.evaluation.interview.inventories import load_inventory
from preact.evaluation.judge.controls import ControlCheck, check, controls, judgement_of
from preact.evaluation.judge.verdicts import JudgeVerdict, VerdictState


def checked(scores: dict[str, float | None], state: VerdictState = "scored") -> ControlCheck:
    return check(
        [
            judgement_of(
                control, JudgeVerdict(scores[control.kind], state if scores[control.kind] else "no-ground")
            )
            for control in controls()
        ]
    )


def test_there_are_four_kinds_for_each_of_five_traits() -> None:
    assert Counter(control.kind for control in controls()) == dict.fromkeys(
        ("high", "low", "blank", "gibberish"), 5
    )
    assert all(len(control.pairs) == 3 for control in controls())
    assert controls() == controls()


def test_gibberish_holds_no_vowel_and_blank_nothing() -> None:
    answers = [pair.answer for c in controls() if c.kind == "gibberish" for pair in c.pairs]
    assert answers and not any(set("aeiou") & set(answer) for answer in answers)
    assert {pair.answer for c in controls() if c.kind == "blank" for pair in c.pairs} == {""}


def test_control_questions_are_not_the_inventorys() -> None:
    known = NearDuplicates(3)
    for item in load_inventory("ipip50").items:
        known.add(item.id, item.question)
    nearest = [known.closest(pair.question) for control in controls() for pair in control.pairs]
    assert all(near is None or near.jaccard < 0.3 for near in nearest)


def test_a_sound_judge_passes_without_a_word() -> None:
    result = checked({"high": 4.8, "low": 1.2, "blank": None, "gibberish": None})
    assert result.warnings == () and result.gaps[Trait.O] == pytest.approx(3.6)


def test_a_judge_that_always_says_three_does_not_tell_high_from_low() -> None:
    assert (
        "does not tell clear high answers from clear low ones"
        in checked({"high": 3.0, "low": 3.0, "blank": 3.0, "gibberish": 3.0}).warnings[0]
    )


def test_a_judge_that_gives_no_score_is_named_as_such() -> None:
    result = checked({"high": None, "low": None, "blank": None, "gibberish": None})
    assert result.warnings == ("the judge gave no score to clear answers of 5 of 5 traits",)


def test_a_judge_that_scores_gibberish_and_blanks_is_named_as_such() -> None:
    words = checked({"high": 4.8, "low": 1.2, "blank": 1.0, "gibberish": 5.0}).warnings
    assert len(words) == 2 and "blank" in words[0] and "gibberish" in words[1]


def test_a_judge_that_is_turned_round_is_warned_of_with_its_gap() -> None:
    words: Sequence[str] = checked({"high": 1.0, "low": 5.0, "blank": None, "gibberish": None}).warnings
    assert "-4.00 points apart" in words[0]
