"""Strengths are read from numbers, fractions and words, and never guessed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oceanchat.pipeline.replies.strength import read_strength


@pytest.mark.parametrize(
    ("written", "strength"),
    [
        ("4", 4),
        ("(4)", 4),
        ("4/5", 4),
        ("3 out of 5", 3),
        ("8/10", 4),
        ("80 %", 4),
        ("4.5", 4),
        ("3.6", 4),
        ("Moderate", 3),
        ("very strong", 5),
        ("four", 4),
        ("faint", 1),
        ("9", None),
        ("0", None),
        ("-3", None),
        ("3-4", None),
        ("1 to 5", None),
        ("3/7", None),
        ("", None),
    ],
)
def test_a_strength_is_read(written: str, strength: int | None) -> None:
    assert read_strength(written) == strength


def test_words_count_only_where_a_strength_is_stated() -> None:
    assert read_strength("anxiety is strong", digits_only=True) is None
    assert read_strength("strength moderate", digits_only=True) == 3


@given(st.text())
def test_any_text_is_a_strength_or_none(text: str) -> None:
    assert read_strength(text) in (None, 1, 2, 3, 4, 5)
