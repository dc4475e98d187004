"""Trait-levels are named the same way everywhere, and two ways that differ are one clear line."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oceanchat.cli.trait_levels import chosen_trait_levels
from oceanchat.errors import InputError
from oceanchat.traits import TRAIT_LEVELS, levels_named, traits_named
from tests.oceanchat.cli.conftest import Command

TRAITS, LEVELS = st.sampled_from(["O", "all", None]), st.sampled_from(["high", "all", None])


def codes(*words: str, trait: str | None = None, level: str | None = None) -> list[str]:
    traits = traits_named(trait) if trait else None
    levels = levels_named(level) if level else None
    return [each.code for each in chosen_trait_levels(words, traits, levels)]


def test_every_spelling_is_one_trait_level_and_the_papers_order_is_kept() -> None:
    assert codes("n-low", "O+", "high openness") == ["O+", "N-"]
    assert codes("all") == [each.code for each in TRAIT_LEVELS]


def test_arguments_and_options_that_agree_are_taken() -> None:
    assert codes("O+", trait="O", level="high") == codes(trait="O", level="high") == ["O+"]
    assert codes("O+", "O-", trait="O", level="all") == ["O+", "O-"]
    assert codes("O+", "N+", level="high") == ["O+", "N+"]


@pytest.mark.parametrize(
    ("words", "trait", "level", "message"),
    [
        (("O+",), "N", "high", "'O+' and --trait 'N' and --level 'high' name different trait-levels"),
        (("O+",), "O", "all", "'O+' and --trait 'O' and --level 'all' name different"),
        (("all",), "O", None, "'all' and --trait 'O' name different"),
        ((), "O", None, "--trait alone names no trait-level; add --level"),
        ((), None, "low", "--level alone names no trait-level; add --trait"),
        ((), None, None, "no trait-level is named; write one or more of O+"),
        (("extroversion",), None, None, "trait-level 'extroversion' is not known; did you mean E+ or E-?"),
        (("O+", "high opennes"), None, None, "'high opennes' is not known; did you mean high Openness?"),
    ],
)
def test_what_is_wrong_is_one_line_that_says_what_to_write(
    words: tuple[str, ...], trait: str | None, level: str | None, message: str
) -> None:
    with pytest.raises(InputError) as error:
        codes(*words, trait=trait, level=level)
    assert message in str(error.value) and "\n" not in str(error.value)


@given(st.lists(st.text() | st.sampled_from(["O+", "all", "n-low"])), TRAITS, LEVELS)
def test_any_words_are_trait_levels_or_an_input_error(
    words: list[str], trait: str | None, level: str | None
) -> None:
    try:
        assert set(codes(*words, trait=trait, level=level)) <= {each.code for each in TRAIT_LEVELS}
    except InputError as error:
        assert str(error)


def test_build_show_and_export_take_the_same_words(command: Command) -> None:
    assert command("build", "O+", "n-low", "--count", "1").code == 0
    shown = json.loads(command("show", "N-", "o-high", "--count", "9", "--json").out)
    assert [(each["trait"], each["level"]) for each in shown] == [("O", "high"), ("N", "low")]
    assert json.loads(command("show", shown[1]["id"][:6], "--json").out) == shown[1:]
    exported = command("export", "dialogues", "N-", "-o", "n.jsonl")
    assert "1 dialogue" in exported.err
    refused = command("export", "sentences", "O+")
    assert refused.code == 1 and "trait-levels do not fit sentences" in refused.err
