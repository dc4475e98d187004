"""Verdicts are read forgivingly and never guessed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oceanchat.pipeline.replies.verdict import parse_verdict
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
