"""Sums and products of figures with ends."""

import pytest

from oceanchat.pipeline.ranges import NO_USAGE, Range, TaskEstimate, add_up


def test_ends_are_multiplied_and_added_end_by_end() -> None:
    figure = Range(2.0, 1.0, 4.0)
    assert figure.times(figure) == Range(4.0, 1.0, 16.0)
    assert figure.plus(NO_USAGE) == figure and figure.scaled(3) == Range(6.0, 3.0, 12.0)


def test_a_sum_with_an_unknown_part_is_unknown() -> None:
    known = TaskEstimate("label", "m", Range(2.0, 1.0, 4.0), Range(1.0, 1.0, 1.0), Range(0.5, 0.5, 0.5))
    total = add_up([known, known._replace(usd=None)])
    assert total.usd is None and total.tokens == Range(2.0, 2.0, 2.0)
    assert total.as_json()["calls"]["high"] == pytest.approx(8.0)
