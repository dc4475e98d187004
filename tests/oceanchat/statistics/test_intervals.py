"""Wilson's interval against a second source and at its edges."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.proportion import proportion_confint

from oceanchat.statistics.figure import Figure
from oceanchat.statistics.intervals import clustered_share, wilson


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


CREDITS = [1.0, 0.0, 1.0, 1.0, 0.0, 1.0, 1.0, 0.0]


def width(share: Figure) -> float:
    assert share.low is not None and share.high is not None
    return share.high - share.low


def test_credits_drawn_one_by_one_have_nearly_wilson_s_interval() -> None:
    drawn, plain = clustered_share(CREDITS, range(8)), wilson(5, 8)
    assert drawn.value == plain.value == 0.625
    assert width(plain) <= width(drawn) <= 1.1 * width(plain)


def test_alike_credits_of_an_author_widen_the_interval_to_the_number_of_authors() -> None:
    authors = [f"a{n}" for n in range(8) for _ in range(10)]
    repeated = clustered_share([credit for credit in CREDITS for _ in range(10)], authors)
    assert width(repeated) == pytest.approx(width(clustered_share(CREDITS, range(8))))


def test_unlike_credits_of_an_author_never_narrow_it_below_that_of_all_credits() -> None:
    balanced = clustered_share([1.0, 0.0] * 20, [n // 2 for n in range(40)])
    assert width(balanced) == pytest.approx(width(wilson(20, 40)))


@pytest.mark.parametrize("credit", [0.0, 0.1, 1.0])
def test_equal_credits_count_one_an_author(credit: float) -> None:
    share = clustered_share([credit] * 30, [n % 5 for n in range(30)])
    assert share.value == pytest.approx(credit) and 0.3 < width(share) < 0.6
    assert share.low is not None and share.low >= 0 and share.high is not None and share.high <= 1


def test_no_credits_are_undefined() -> None:
    assert clustered_share([], []) == Figure(None)


@given(st.lists(st.tuples(st.floats(0, 1), st.integers(0, 4)), min_size=1, max_size=40))
def test_the_interval_holds_the_mean(rows: list[tuple[float, int]]) -> None:
    share = clustered_share([credit for credit, _ in rows], [author for _, author in rows])
    assert share.value is not None and share.low is not None and share.high is not None
    assert 0 <= share.low <= share.value + 1e-9 and share.value - 1e-9 <= share.high <= 1
