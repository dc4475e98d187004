"""Both levels of a trait are asked for the same lengths, and any part of them is spread over the range."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oceanchat.pipeline.answer_words import WordRange, asked_of, parse_answer_words, target_words
from oceanchat.traits import Trait


@pytest.mark.parametrize(
    ("text", "canonical", "openness", "extraversion"),
    [
        ("8-40", "8-40", "8-40", "8-40"),
        (" 9 - 30 , e = 10-60", "9-30,E=10-60", "9-30", "10-60"),
        ("E=free", "8-40,E=free", "8-40", None),
        ("free,E=10-60,O=5-5", "free,O=5-5,E=10-60", "5-5", "10-60"),
        ("E=8-40,8-40", "8-40", "8-40", "8-40"),
        ("FREE", "free", None, None),
    ],
)
def test_ranges_are_read_and_written_in_one_form(
    text: str, canonical: str, openness: str | None, extraversion: str | None
) -> None:
    words = parse_answer_words(text, 80)
    assert str(words) == canonical and parse_answer_words(canonical, 80) == words
    stored = {"answer_words": canonical, "words": 80}
    assert (asked_of(stored, Trait.O), asked_of(stored, Trait.E)) == (openness, extraversion)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("9", "'9' is no range"),
        ("40-8", "from 1 or more words up"),
        ("0-8", "from 1 or more words up"),
        ("8-81", "beyond the 80 words a turn may have"),
        ("Q=8-40", "names no trait"),
        ("8-40,9-30", "of all traits twice"),
        ("E=8-40,E=9-30", "of E twice"),
        (",", "should be a range"),
        ("", "should be a range"),
    ],
)
def test_a_range_that_makes_no_sense_is_named(text: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        parse_answer_words(text, 80)


@given(st.text(alphabet="0123456789-=,EOfreefree ", max_size=30))
def test_any_text_is_a_range_or_an_error(text: str) -> None:
    try:
        words = parse_answer_words(text, 80)
    except ValueError:
        return
    assert 0 <= words.most <= 80


def test_a_stored_build_without_lengths_asked_for_none() -> None:
    assert asked_of({"words": 80}, Trait.O) is None
    assert asked_of({"answer_words": "damaged", "words": 80}, Trait.O) is None


@given(st.integers(0, 10_000), st.integers(0, 9))
def test_any_run_of_dialogues_is_spread_over_the_range(start: int, seed: int) -> None:
    words = WordRange(8, 40)
    asked = [target_words(words, Trait.E, seed, slot, 5) for slot in range(start, start + 24)]
    assert all(8 <= number <= 40 for targets in asked for number in targets)
    means = sorted(sum(targets) / 5 for targets in asked)
    quarters = [sum(16 * q <= 2 * (mean - 8) <= 16 * (q + 1) for mean in means) for q in range(4)]
    assert min(quarters) >= 3, means


def test_answers_of_one_dialogue_differ_and_seeds_and_traits_have_other_lengths() -> None:
    words = WordRange(8, 40)
    drawn = {target_words(words, trait, seed, 7, 5) for trait in Trait for seed in range(5)}
    assert len(drawn) == 25
    assert all(len(set(targets)) > 1 for targets in drawn)
    assert target_words(words, Trait.O, 0, 7, 1) != target_words(words, Trait.O, 0, 8, 1)
