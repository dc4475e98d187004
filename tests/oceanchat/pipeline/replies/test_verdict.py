"""Verdicts are read forgivingly and never guessed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oceanchat.pipeline.replies.verdict import parse_verdict, parse_verdicts
from oceanchat.traits import TRAITS, Level, Trait, TraitLevel


def codes(reply: str) -> list[str] | None:
    reading = parse_verdict(reply)
    return None if reading is None else [trait.code for trait in reading.shown]


@pytest.mark.parametrize(
    ("reply", "shown"),
    [
        ("Reason: r\nResult: Openness-high", ["O+"]),
        ("Reason: r\nResult: Openness-high, Neuroticism-low", ["O+", "N-"]),
        ("**Result:** High Openness", ["O+"]),
        ("result: openness (high); extroversion (low)", ["O+", "E-"]),
        ("Result: Openness", ["O"]),
        ("Result: none", []),
        ("Result: **None**.", []),
        ("Result: high level of Agreeableness", ["A+"]),
        ("Result: Openness to Experience: high", ["O+"]),
        ("Result: Openness-low\nOn second thought\nResult: Openness-high", ["O+"]),
        ("Result: Openness-high, Openness-high", ["O+"]),
        ("Result: Openness-high, Openness-low", None),
        ("Result: curiosity", None),
        ("Result: not high Openness", None),
        ("Result: The speaker shows no Neuroticism", None),
        ("Result: none of the traits but Openness-high", None),
        ("Result:\n- Openness-high\n- Neuroticism-low", ["O+", "N-"]),
        ("Result: Openness-high (no other trait is clearly shown)", ["O+"]),
        ("Result: Openness-high. No other traits are clearly shown.", ["O+"]),
        ("Reason: It shows. Result: Openness-high", ["O+"]),
        ("### Result\nOpenness-high", ["O+"]),
        ("Final result: Openness-high", ["O+"]),
        ("Result: Openness-high\n\nNote: Neuroticism is not shown.", ["O+"]),
        ("Result: Openness-neutral, Neuroticism-low, Extraversion: not shown", ["N-"]),
        ("Result: Openness-very high", ["O+"]),
        ("Result: Openness (level: high)", ["O+"]),
        ("Result: high on Openness", ["O+"]),
        ("Result: Openness \u2192 high", ["O+"]),
        ("Result: Openness=high", ["O+"]),
        ("Result: Openness\u2011high", ["O+"]),
        ("Result\uff1aOpenness\u2013high", ["O+"]),
        ("Result: Openness-high (strong), Neuroticism-low (moderate)", ["O+", "N-"]),
        ("Result: High Openness and low Neuroticism", ["O+", "N-"]),
        ("Result: O+, N-", ["O+", "N-"]),
        ("<think>Result: Openness-low</think>\nResult: none of the five traits", []),
        ('{"reason": "r", "result": ["Openness-high"]}', ["O+"]),
        ("Result: Openness-high<|im_end|>", ["O+"]),
        ("Result: Openness-moderate", None),
        ("Result: Openness-high, but not Neuroticism-high", None),
        ("<think>Result: Openness-high", None),
        ("Openness-high", None),
        ("Result:", None),
        ("", None),
    ],
)
def test_a_result_line_is_read_or_it_is_not(reply: str, shown: list[str] | None) -> None:
    assert codes(reply) == shown


@given(st.text())
def test_any_text_is_a_verdict_or_none(reply: str) -> None:
    parse_verdict(reply)
    reading = parse_verdict(f"Result: {reply}")
    assert reading is None or len(reading.shown) <= 5


@given(st.lists(st.tuples(st.sampled_from(TRAITS), st.sampled_from(list(Level))), unique_by=lambda p: p[0]))
def test_every_result_in_the_asked_for_form_is_read_back(pairs: list[tuple[Trait, Level]]) -> None:
    line = ", ".join(f"{trait.label}-{level.value}" for trait, level in pairs) or "none"
    assert codes(f"Reason: r\nResult: {line}") == [TraitLevel(*pair).code for pair in pairs]


FIVE_LINES = (
    "Reason: Worry runs through it.\nMain trait: Neuroticism-high\nAlso: {also}\nQuestioner: {asked}\n"
    "Trait named outright: {named}"
)


@pytest.mark.parametrize(
    ("also", "asked", "named", "shown", "leading", "outright"),
    [
        ("none", "neutral", "no", ["N+"], False, False),
        ("Openness-low, Agreeableness-low", "leading (turn 3)", "yes", ["N+", "O-", "A-"], True, True),
        ("None.", "**Leading**", "No, nobody does", ["N+"], True, False),
        ("Neuroticism-high", "not leading", "Yes.", ["N+"], False, True),
        ("none", "How was your trip?", "perhaps", ["N+"], None, None),
    ],
)
def test_main_trait_further_traits_and_the_questions_are_read_apart(
    also: str, asked: str, named: str, shown: list[str], leading: bool | None, outright: bool | None
) -> None:
    reading = parse_verdict(FIVE_LINES.format(also=also, asked=asked, named=named))
    assert reading is not None
    assert [trait.code for trait in reading.shown] == shown
    assert (reading.leading, reading.named) == (leading, outright)
    assert reading.reason == "Worry runs through it."


def test_a_trait_at_one_level_as_main_and_at_the_other_as_further_is_unclear() -> None:
    assert parse_verdict(FIVE_LINES.format(also="Neuroticism-low", asked="neutral", named="no")) is None


HEADS = (
    "Dialogue {} (The coast)",
    "Verdict for dialogue {}",
    "<dialogue{}>",
    "Dialogue {}",
    "**Dialogue {}**",
    "### Dialogue {}:",
    "{}.",
    "**{}.**",
    "Dialogue #{}",
    "[Dialogue {}]",
)


@given(st.sampled_from(HEADS), st.integers(1, 6), st.sampled_from(["\n", "\n\n"]), st.data())
def test_several_verdicts_are_read_under_whatever_number(
    head: str, count: int, gap: str, data: st.DataObject
) -> None:
    levels = data.draw(st.lists(st.sampled_from(["high", "low", "unclear"]), min_size=count, max_size=count))
    parts = [
        f"{head.format(number)}{gap}Reason: r{number}{gap}Main trait: Openness-{level}{gap}Also: none"
        for number, level in enumerate(levels, 1)
    ]
    readings = parse_verdicts("Here you are.\n\n" + "\n\n".join(parts), count)
    expected = [{"high": "O+", "low": "O-", "unclear": None}[level] for level in levels]
    assert [r.shown[0].code if r and r.shown else None for r in readings] == expected


def test_a_number_that_comes_twice_counts_where_both_say_the_same() -> None:
    one, other = "Dialogue 1\nMain trait: Openness-high\n", "Dialogue 1\nMain trait: Openness-low\n"
    assert parse_verdicts(one + one, 1) == [parse_verdict(one)]
    assert parse_verdicts(one + other, 1) == [None]
    assert parse_verdicts("Main trait: Openness-high", 2) == [None, None]


@pytest.mark.parametrize(
    "numbers", [(1, 2), (0, 1, 2), (1, 2, 3, 4)], ids=["one left out", "from 0", "one too many"]
)
def test_no_verdict_is_taken_for_another_dialogues_where_the_numbers_do_not_fit(
    numbers: tuple[int, ...],
) -> None:
    reply = "\n\n".join(f"Dialogue {number}\nMain trait: Openness-high" for number in numbers)
    assert parse_verdicts(reply, 3) == [None] * 3


def test_a_result_under_an_unknown_heading_is_not_taken_for_the_one_before() -> None:
    reply = "Dialogue 1\nMain trait: Openness-high\n\nThe second:\nMain trait: Openness-low"
    assert parse_verdicts(reply, 2) == [None, None]


@given(st.text(max_size=300), st.integers(1, 4))
def test_any_text_about_several_is_read_or_left(text: str, count: int) -> None:
    assert len(parse_verdicts(text, count)) == count
