"""The AUC against a second source, and what authors do to its interval."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import mannwhitneyu

from oceanchat.statistics.auc import Clustered, clustered_auc
from oceanchat.statistics.figure import Figure

VALUES = st.lists(st.integers(0, 12), min_size=1, max_size=30)


def alone(values: list[float], name: str) -> list[Clustered]:
    """Each value drawn by itself."""
    return [Clustered(value, f"{name} {number}") for number, value in enumerate(values)]


def width(figure: Figure) -> float:
    assert figure.low is not None and figure.high is not None
    return figure.high - figure.low


@given(VALUES, VALUES)
def test_it_is_mann_whitney_s_u_over_its_largest_value(high: list[float], low: list[float]) -> None:
    figure = clustered_auc(alone(high, "h"), alone(low, "l"))
    expected = mannwhitneyu(high, low).statistic / (len(high) * len(low))
    assert figure.value == pytest.approx(expected, abs=1e-12)
    assert figure.low is not None and figure.high is not None
    assert 0 <= figure.low <= expected + 1e-12 and expected - 1e-12 <= figure.high <= 1


@given(VALUES, VALUES)
def test_the_other_way_round_it_is_mirrored(high: list[float], low: list[float]) -> None:
    figure = clustered_auc(alone(high, "h"), alone(low, "l"))
    mirrored = clustered_auc(alone(low, "l"), alone(high, "h"))
    assert mirrored.value is not None and figure.value == pytest.approx(1 - mirrored.value)
    assert mirrored.high is not None and figure.low == pytest.approx(1 - mirrored.high)


def test_nothing_to_compare_with_is_undefined() -> None:
    assert clustered_auc([], alone([1.0], "l")) == clustered_auc(alone([1.0], "h"), []) == Figure(None)


def test_complete_separation_is_surer_with_more_dialogues() -> None:
    few, many = (clustered_auc(alone([9.0] * n, "h"), alone([1.0] * n, "l")) for n in (2, 300))
    assert few.value == many.value == few.high == 1.0
    assert few.low is not None and few.low < 0.5 and many.low is not None and many.low > 0.98


def test_many_dialogues_of_few_authors_are_no_surer_than_few_dialogues() -> None:
    values = [(1, 4), (9, 5), (1, 6), (9, 4), (1, 5), (9, 6)]
    once = clustered_auc(
        [Clustered(high, n) for n, (high, _) in enumerate(values)],
        [Clustered(low, -1 - n) for n, (_, low) in enumerate(values)],
    )
    copied = clustered_auc(
        [Clustered(high, n) for n, (high, _) in enumerate(values) for _ in range(50)],
        [Clustered(low, -1 - n) for n, (_, low) in enumerate(values) for _ in range(50)],
    )
    assert copied.value == pytest.approx(once.value)
    assert width(copied) == pytest.approx(width(once))
