"""A mistyped word is met by the known word that is most like it, or by none."""

from hypothesis import given
from hypothesis import strategies as st

from oceanchat.suggestions import closest, did_you_mean

KNOWN = ("Extraversion", "Openness", "model")


def test_the_closest_word_is_offered_in_its_own_spelling() -> None:
    assert closest("extroversion", KNOWN) == "Extraversion"
    assert did_you_mean("modle", KNOWN, "") == "did you mean model?"


def test_letters_that_changed_places_are_put_back() -> None:
    assert closest("--modle", ("--mode", "--model")) == "--model"
    assert closest("stauts", ("stats", "status")) == "status"


def test_where_nothing_is_close_the_other_advice_is_given() -> None:
    assert did_you_mean("zzz", KNOWN, "write one of three") == "write one of three"


@given(st.text())
def test_any_text_has_a_known_word_or_none(text: str) -> None:
    assert closest(text, KNOWN) in (*KNOWN, None)
