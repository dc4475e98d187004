"""How a figure is written, with and without a value, an interval and a note."""

import math

import pytest

from oceanchat.statistics.agreement import FIGURES
from oceanchat.statistics.figure import COEFFICIENT, NAMES, SHARE, Figure, form_of, number, signed


@pytest.mark.parametrize(
    ("figure", "form", "cells", "text"),
    [
        (Figure(0.9, 0.596, 0.982), SHARE, ("90.0%", "59.6% to 98.2%"), "90.0% (59.6% to 98.2%)"),
        (Figure(0.5, 0.25, 0.75), COEFFICIENT, ("0.500", "0.250 to 0.750"), "0.500 (0.250 to 0.750)"),
        (Figure(1.0, note="rejected nothing"), SHARE, ("100.0%", ""), "100.0%"),
        (Figure(None, note="one category"), SHARE, ("-", ""), "one category"),
        (Figure(None), COEFFICIENT, ("-", ""), "undefined"),
    ],
)
def test_a_figure_is_written_as_cells_and_as_text(
    figure: Figure, form: str, cells: tuple[str, str], text: str
) -> None:
    assert figure.cells(form) == cells and figure.text(form) == text


def test_bounds_leave_the_note_out() -> None:
    assert Figure(0.5, 0.25, 0.75, "a note").bounds() == {"value": 0.5, "low": 0.25, "high": 0.75}


def test_every_figure_of_agreement_has_a_name_and_a_form() -> None:
    assert set(FIGURES) < set(NAMES)
    assert [form_of(name) for name in ("observed", "recall")] == [SHARE, SHARE]
    assert form_of("fleiss_kappa") == form_of("alpha_ordinal") == form_of("ac1") == COEFFICIENT


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1.005, "1.00"),
        (None, "-"),
        (math.nan, "-"),
        (math.inf, "infinite"),
        (-math.inf, "-infinite"),
        (-0.001, "0.00"),
        (-0.01, "-0.01"),
    ],
)
def test_a_number_has_a_dash_for_the_unknown_words_for_the_infinite_and_no_negative_zero(
    value: float | None, text: str
) -> None:
    assert number(value, 2) == text


def test_a_difference_has_its_sign() -> None:
    values = (0.5, -0.5, math.nan, 0.0, -0.001)
    assert [signed(value) for value in values] == ["+0.50", "-0.50", "-", "0.00", "0.00"]
    assert Figure(-0.2, -1.0, 0.0).cells("+.2f") == ("-0.20", "-1.00 to 0.00")
    assert Figure(-0.0001).cells(SHARE) == ("0.0%", "")
