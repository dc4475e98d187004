"""The words: five traits, two levels, ten trait-levels."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oceanchat.errors import InputError
from oceanchat.traits import CODES, TRAIT_LEVELS, TraitLevel, levels_named, trait_id, traits_named


def test_the_ten_trait_levels_stand_in_the_papers_order() -> None:
    assert CODES == ("O+", "C+", "E+", "A+", "N+", "O-", "C-", "E-", "A-", "N-")


def test_trait_ids_follow_the_paper() -> None:
    assert [trait_id(t) for t in TRAIT_LEVELS] == list(range(10))


def test_every_form_of_a_trait_level_is_read_back() -> None:
    for one in TRAIT_LEVELS:
        for form in (
            one.code,
            one.code.lower(),
            one.label,
            f"{one.trait.label}-{one.level}",
            f" {one.label} ",
        ):
            assert TraitLevel.parse(form) == one


@pytest.mark.parametrize("text", ["", "X+", "O", "high", "O+-", "very high Openness", "O high low"])
def test_what_is_no_trait_level_is_refused_with_its_value(text: str) -> None:
    with pytest.raises(InputError, match="trait-level"):
        TraitLevel.parse(text)


@given(st.text())
def test_any_text_is_a_trait_level_or_an_input_error(text: str) -> None:
    try:
        assert TraitLevel.parse(text) in TRAIT_LEVELS
    except InputError as error:
        assert "not known" in str(error)


def test_all_means_all_and_a_wrong_word_is_named() -> None:
    assert len(traits_named("all")) == 5 and len(levels_named("all")) == 2
    assert traits_named("Openness") == traits_named("o")
    with pytest.raises(InputError, match="'X'"):
        traits_named("X")
    with pytest.raises(InputError, match="'medium'"):
        levels_named("medium")
