"""Values are read in one voice: what is wrong is said with the value, the bounds and a guess."""

import math

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

from oceanchat.cli.values import Number, WholeNumber, Word, unify

VALUES = st.text() | st.floats().map(str) | st.integers().map(str)


def refusal(kind: click.ParamType[object], value: str) -> str:
    with pytest.raises(click.BadParameter) as error:
        kind.convert(value, None, None)
    return error.value.message


@pytest.mark.parametrize(
    ("kind", "value", "message"),
    [
        (WholeNumber(), "x", "'x' cannot be used: it should be a whole number"),
        (WholeNumber(1), "0", "'0' cannot be used: it should be a whole number, 1 or more"),
        (WholeNumber(0, 9), "1.5", "'1.5' cannot be used: it should be a whole number from 0 to 9"),
        (Number(), "nan", "'nan' cannot be used: it should be a number"),
        (Number(0, 1, above=True), "0", "'0' cannot be used: it should be a number above 0, at most 1"),
        (Number(0, above=True), "-1", "'-1' cannot be used: it should be a number above 0"),
        (Number(None, 2), "inf", "'inf' cannot be used: it should be a number, at most 2"),
        (Word(["strict", "paper"]), "strickt", "'strickt' is not known; did you mean strict?"),
        (Word(["strict", "paper"]), "x", "'x' is not known; write one of strict, paper"),
    ],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
def test_a_refusal_says_value_bounds_and_guess(
    kind: click.ParamType[object], value: str, message: str
) -> None:
    assert refusal(kind, value) == message


def test_both_spellings_of_a_word_are_taken() -> None:
    assert Word(["behaviour"]).convert("behavior", None, None) == "behaviour"
    assert "not known" in refusal(Word(["dose"]), "behavior")


@given(VALUES)
def test_any_text_is_a_number_within_the_bounds_or_refused(value: str) -> None:
    for kind in (WholeNumber(0, 9), Number(0, 1, above=True), Number()):
        try:
            number = kind.convert(value, None, None)
            assert not math.isnan(number) and (
                kind.low is None or kind.low <= number <= float(kind.high or 0)
            )
        except click.BadParameter as error:
            assert "cannot be used" in error.message


def test_unify_replaces_clicks_types_in_subcommands_too() -> None:
    inner = click.Command("inner", params=[click.Option(["--many"], type=click.FloatRange(0, min_open=True))])
    unify(click.Group("outer", commands=[inner], params=[click.Option(["--count"], default=3)]))
    kind = inner.params[0].type
    assert isinstance(kind, Number) and kind.above and kind.low == 0
