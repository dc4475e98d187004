"""Controls: what they are, and what they say of good and bad judges."""

import math
from collections import Counter
from collections.abc import Sequence
from typing import get_args

import pytest

from oceanchat.near_duplicates import NearDuplicates
from oceanchat.traits import Trait
from preact.evaluation.interview.inventories import load_inventory
from preact.evaluation.judge.controls import ControlCheck, ControlKind, check, controls, judgement_of
from preact.evaluation.judge.verdicts import JudgeVerdict, VerdictState


def checked(scores: dict[str, float | None], state: VerdictState = "scored") -> ControlCheck:
    """What these scores show; a longer or shuffled answer's is that of the plain one unless it is named."""
    verdicts = []
    for control in controls():
        plain = scores.get(control.kind.split("-")[0])
        score = scores.get(control.kind, None if control.kind.endswith("shuffled") else plain)
        verdicts.append(judgement_of(control, JudgeVerdict(score, state if score else "no-ground")))
    return check(verdicts)


KINDS = get_args(ControlKind)


def test_every_kind_has_three_answers_for_each_of_five_traits_shown_alone_in_item_mode() -> None:
    assert Counter(control.kind for control in controls()) == dict.fromkeys(KINDS, 5)
    assert all(len(control.pairs) == 3 for control in controls()) and controls() == controls()
    alone = controls("item")
    assert len(alone) == 3 * len(controls()) == len({control.key for control in alone})
    assert all(len(control.pairs) == 1 for control in alone)


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


def test_longer_answers_keep_the_content_and_shuffled_ones_the_words() -> None:
    by_key = {(control.kind, control.trait): control.pairs for control in controls()}
    for level in ("high", "low"):
        for plain, long, shuffled in zip(
            *(by_key[kind, Trait.N] for kind in (level, f"{level}-long", f"{level}-shuffled")), strict=True
        ):
            assert (
                long.answer.startswith(plain.answer)
                and len(long.answer.split()) > len(plain.answer.split()) + 20
            )
            assert sorted(shuffled.answer.split()) == sorted(plain.answer.split()) != shuffled.answer.split()


def test_a_judge_that_rates_what_says_nothing_is_named_by_the_kind() -> None:
    sound: dict[str, float | None] = {"high": 4.8, "low": 1.2, "blank": None, "gibberish": None}
    words = checked({**sound, "off-topic": 4.0, "echo": 3.2, "assistant": 1.0}).warnings
    assert len(words) == 2 and "English about other things" in words[0] and "assistant" in words[1]


def test_controls_of_an_older_judging_say_nothing_of_what_was_not_asked() -> None:
    old = [c for c in controls() if c.kind in ("high", "low", "blank", "gibberish")]
    scores = {"high": 5.0, "low": 1.0}
    result = check(
        [
            judgement_of(c, JudgeVerdict(scores.get(c.kind), "scored" if c.kind in scores else "no-ground"))
            for c in old
        ]
    )
    assert result.warnings == () and math.isnan(result.length_effect) and math.isnan(result.shuffled)
