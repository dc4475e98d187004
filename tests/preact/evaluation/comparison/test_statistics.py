"""Statistics against scipy, statsmodels and worked examples from the literature."""

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.power import TTestIndPower

from preact.evaluation.comparison.statistics import (
    agreement,
    benjamini_hochberg,
    cluster_bootstrap,
    detectable_effect,
    hedges_g,
    holm,
    intraclass,
    mean_interval,
    sign_flip,
    spread,
    welch,
)

SCORES = st.lists(st.integers(100, 500).map(lambda n: n / 100), min_size=2, max_size=8)
P_VALUES = st.lists(st.floats(0, 1), min_size=1, max_size=20)


@given(SCORES, SCORES)
def test_welch_agrees_with_scipy_wherever_anything_varies(first: list[float], second: list[float]) -> None:
    assume(np.ptp(first) > 0 and np.ptp(second) > 0)
    ours, theirs = welch(first, second), stats.ttest_ind(first, second, equal_var=False)
    interval = theirs.confidence_interval()
    assert ours.t == pytest.approx(theirs.statistic, abs=1e-9)
    assert ours.p == pytest.approx(theirs.pvalue, abs=1e-9)
    assert (ours.low, ours.high) == pytest.approx((interval.low, interval.high), abs=1e-9)


def test_two_sides_without_variance_that_differ_give_an_infinite_t_and_say_so() -> None:
    contrast = welch([5.0] * 5, [4.0] * 5)
    assert contrast.t == math.inf and contrast.g == math.inf
    assert math.isnan(contrast.p) and math.isnan(contrast.low)
    assert "neither side varied" in contrast.note
    assert welch([4.0] * 5, [5.0] * 5).t == -math.inf


def test_two_equal_sides_without_variance_cannot_be_tested_and_say_so() -> None:
    contrast = welch([5.0] * 5, [5.0] * 5)
    assert math.isnan(contrast.t) and math.isnan(contrast.p) and "same value" in contrast.note


def test_one_side_without_variance_is_tested_and_noted() -> None:
    contrast = welch([5.0] * 5, [4.8, 4.9, 4.7, 4.8, 4.9])
    assert 0 < contrast.p < 0.01 and "one side" in contrast.note


def test_a_single_run_has_a_difference_and_no_test() -> None:
    contrast = welch([5.0], [4.0])
    assert contrast.difference == 1.0 and math.isnan(contrast.p) and "fewer than two runs" in contrast.note


def test_runs_without_a_score_are_not_said_to_be_absent() -> None:
    assert mean_interval([3.0], 2).note.startswith("all its scores exist in 1 of 2 runs, so")
    assert welch([5.0], [4.0, 3.0], 2).note.startswith(
        "all its scores exist in fewer than two runs on a side"
    )


def test_the_interval_of_five_runs_is_1_24_standard_deviations_wide_on_each_side() -> None:
    interval = mean_interval([1.0, 2.0, 3.0, 4.0, 5.0])
    assert (interval.high - interval.value) / np.std([1, 2, 3, 4, 5], ddof=1) == pytest.approx(
        1.2417, abs=1e-4
    )
    low, high = stats.t.interval(0.95, 4, loc=3.0, scale=stats.sem([1, 2, 3, 4, 5]))
    assert (interval.low, interval.high) == pytest.approx((low, high))


def test_the_interval_of_one_run_has_no_ends() -> None:
    assert (
        mean_interval([3.0])[:3] == (3.0, None, None) and "fewer than two runs" in mean_interval([3.0]).note
    )
    assert mean_interval([3.0, 3.0]).low is None and "same value" in mean_interval([3.0, 3.0]).note


def test_the_spread_is_the_population_standard_deviation() -> None:
    assert spread([2, 4, 4, 4, 5, 5, 7, 9]) == 2.0
    assert math.isnan(spread([2])) and spread([2, 2]) == 0


@pytest.mark.parametrize("seed", range(12))
def test_holm_and_benjamini_hochberg_agree_with_statsmodels(seed: int) -> None:
    dice = np.random.default_rng(seed)
    p_values = [float(p) for p in dice.choice(dice.random(9) ** 3, size=1 + 7 * seed)]
    assert holm(p_values) == pytest.approx(multipletests(p_values, method="holm")[1].tolist())
    theirs = multipletests(p_values, method="fdr_bh")[1].tolist()
    assert benjamini_hochberg(p_values) == pytest.approx(theirs)


@given(P_VALUES)
def test_corrections_never_lower_a_p_value_nor_change_their_order(p_values: list[float]) -> None:
    for adjusted in (holm(p_values), benjamini_hochberg(p_values)):
        assert all(p - 1e-12 <= a <= 1 for p, a in zip(p_values, adjusted, strict=True))
        assert [a for _, a in sorted(zip(p_values, adjusted, strict=True))] == sorted(adjusted)


def test_corrections_leave_out_what_could_not_be_tested() -> None:
    assert holm([0.01, math.nan, 0.04])[::2] == [0.02, 0.04] and math.isnan(holm([0.01, math.nan])[1])
    assert benjamini_hochberg([0.01, math.nan, 0.04])[::2] == [0.02, 0.04]


def test_hedges_g_of_a_worked_example() -> None:
    # Means 5 and 3, both sample variances 2.5: d = 2 / sqrt(2.5), corrected by 1 - 3 / (4 * 8 - 1).
    assert hedges_g([3, 4, 5, 6, 7], [1, 2, 3, 4, 5]) == pytest.approx(2 / math.sqrt(2.5) * (1 - 3 / 31))


def test_the_exact_sign_flip_test_of_five_runs_cannot_go_below_one_sixteenth() -> None:
    assert sign_flip([0.4, 0.5, 0.3, 0.6, 0.2]) == 0.0625
    assert sign_flip([0.4, -0.4]) == 1.0


def test_sign_flip_agrees_with_scipys_permutation_test() -> None:
    differences = [0.31, -0.12, 0.44, 0.27, 0.09, -0.05]
    theirs = stats.permutation_test((differences,), np.mean, permutation_type="samples", n_resamples=np.inf)
    assert sign_flip(differences) == pytest.approx(theirs.pvalue)


def test_five_runs_need_an_effect_of_two_standard_deviations_for_80_percent_power() -> None:
    expected = TTestIndPower().solve_power(effect_size=None, nobs1=5, alpha=0.05, power=0.8)
    assert detectable_effect(5) == pytest.approx(float(expected), abs=1e-4) == pytest.approx(2.03, abs=0.01)


def test_two_runs_find_only_enormous_effects() -> None:
    assert 5 < detectable_effect(2) < 7 and detectable_effect(20) < 1


def test_the_intraclass_correlation_of_shrout_and_fleiss() -> None:
    ratings = [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]]
    assert intraclass(ratings) == pytest.approx(0.29, abs=0.005)


def test_agreement_reports_shift_that_a_correlation_hides() -> None:
    result = agreement([(1.0, 2.0), (2.0, 3.0), (3.0, 4.0), (4.0, 5.0)])
    assert result.correlation == pytest.approx(1.0) and result.difference == 1.0 and result.icc < 0.85


def test_agreement_with_a_judge_that_never_varies_is_not_a_number() -> None:
    assert math.isnan(agreement([(3.0, 1.0), (3.0, 5.0)]).correlation)
    assert math.isnan(agreement([]).difference)


def test_the_clustered_bootstrap_is_wider_than_one_that_ignores_clusters() -> None:
    clusters = [[1.0, 1.1, 0.9, 1.0], [5.0, 4.9, 5.1, 5.0], [3.0, 3.1, 2.9, 3.0], [2.0] * 4, [4.0] * 4]
    clustered = cluster_bootstrap(clusters)
    flat = cluster_bootstrap([[value] for cluster in clusters for value in cluster])
    assert clustered.value == pytest.approx(flat.value) == pytest.approx(3.0)
    assert clustered.high - clustered.low > 1.5 * (flat.high - flat.low)
    assert cluster_bootstrap(clusters) == clustered
    assert cluster_bootstrap([[3.0], [3.0]]) == (3.0, None, None, "every item gave the same value")


def test_a_bootstrap_of_single_values_agrees_with_scipy() -> None:
    values = list(np.random.default_rng(1).normal(3, 1, 40))
    rng = np.random.default_rng(2)
    theirs = stats.bootstrap((values,), np.mean, method="percentile", rng=rng).confidence_interval
    ours = cluster_bootstrap([[v] for v in values], draws=9999)
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=0.03)
