"""Scores are read on the scale of their column, and never taken for a level."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oceanchat.corpus.scales import NumberRange, number_in, read_columns, scale_notes, word_of


def ranges(*columns: list[object]) -> list[NumberRange]:
    every = []
    for values in columns:
        numbers = NumberRange()
        for value in values:
            if (number := number_in(word_of(value))) is not None:
                numbers.add(number)
        every.append(numbers)
    return every


def levels(values: list[object], *others: list[object]) -> str:
    """`+` for high, `-` for low, `.` for none."""
    column = read_columns(ranges(values, *others))[0]
    return "".join({"high": "+", "low": "-"}.get(str(column.level(word_of(v))), ".") for v in values)


@pytest.mark.parametrize(
    ("values", "read"),
    [
        (["y", "n", "Yes", "LOW", "medium", ""], "+-+-.."),
        ([1, 0, 1.0, "0.0"], "+-+-"),
        ([1, 2, 3, 4, 5], "--.++"),
        (["1,5", "3,0", "4,75"], "-.+"),
        ([0.1, 0.5, 0.92], "-.+"),
        ([-1.3, 0, 0.4, 2.1], "-.++"),
        ([-1, 1, 1, -1], "-++-"),
        ([3, 99, 50, 72], "-+.+"),
        (["12%", "88%", "50 %"], "-+."),
        ([1, 4, 7, 6], "-.++"),
        ([0, 1, 2, 3, 4], "--.++"),
        ([1, 5, 4, -9, 2, -99], "-++.-."),
        ([1, 5, 99, 3], "-+.."),
        ([10, 30, 50, 44], "...."),
        ([8, 40, 21], "..."),
        ([24, 118, 70], "..."),
        ([1, 2, 2, 1], "...."),
        ([0, 1, 2], "..."),
        ([1, 2, 3, 9], "...."),
        ([0.4, 1.1, 0.7], "..."),
        ([1, 0, float("nan"), None, "?"], "+-..."),
        ([True, False], "+-"),
    ],
)
def test_a_column_is_read_by_its_range(values: list[object], read: str) -> None:
    assert levels(values) == read


def test_a_column_of_one_number_is_read_as_the_others_are() -> None:
    assert levels([1, 1, 1]) == "+++"
    assert levels([1, 1, 1], [1, 3, 5]) == "---"
    assert levels([1, 2, 2], [2, 3, 5]) == "---"
    assert levels([20, 30], [3, 97]) == "--"
    assert levels([0, 1, 0], [1, 3, 5]) == "-+-"


def test_what_is_neither_word_nor_number_is_an_error() -> None:
    (column,) = read_columns(ranges([1, 5]))
    for value in ("perhaps", [1], {"a": 1}, "1-5", "1 2"):
        with pytest.raises(ValueError):
            column.level(word_of(value))


def test_each_way_of_reading_is_one_line() -> None:
    read = ranges([1, 5], [1, 4], [24, 118], [])
    pairs = zip(read, read_columns(read), strict=True)
    likert, unknown = scale_notes(dict(zip(("open", "con", "sum", "words"), pairs, strict=True)))
    assert likert.startswith("label columns 'open', 'con': numbers from 1 to 5, read on a scale of 1 to 5")
    assert likert.endswith("above 3 high, below it low")
    assert unknown.startswith("label column 'sum': numbers from 24 to 118 are on no scale we know")
    assert unknown.endswith("--label-columns")


ANY = st.one_of(st.floats(), st.integers(), st.text(max_size=6), st.none(), st.booleans())


@given(st.lists(st.lists(ANY, max_size=8), min_size=1, max_size=4))
def test_any_columns_are_read(columns: list[list[object]]) -> None:
    for column, values in zip(read_columns(ranges(*columns)), columns, strict=True):
        for value in values:
            try:
                level = column.level(word_of(value))
            except ValueError:
                continue
            number = number_in(word_of(value))
            if number is not None and level is not None:
                assert column.scale is not None and (number > column.scale.middle) == (level == "high")
