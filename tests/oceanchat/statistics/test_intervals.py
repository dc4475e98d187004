"""Wilson's interval against a second source and at its edges."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.proportion import proportion_confint

from oceanchat.statistics.figure import Figure
from oceanchat.statistics.intervals import wilson


@given(st.integers(1, 5000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_it_agrees_with_statsmodels(counts: tuple[int, int]) -> None:
    successes, total = counts
    low, high = proportion_confint(successes, total, method="wilson")
    share = wilson(successes, total)
    assert share.value == successes / total
    assert share.low == pytest.approx(low, abs=1e-12) and share.high == pytest.approx(high, abs=1e-12)


def test_nothing_of_nothing_is_undefined() -> None:
    assert wilson(0, 0) == Figure(None) and wilson(0, 0).text() == "undefined"


def test_more_than_all_is_refused() -> None:
    with pytest.raises(ValueError, match="not a share"):
        wilson(2, 1)
