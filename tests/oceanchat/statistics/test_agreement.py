"""Agreement against answers that are known, other libraries, and an identity."""

import math

import krippendorff
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from statsmodels.stats.inter_rater import cohens_kappa, fleiss_kappa

from oceanchat.errors import InputError
from oceanchat.statistics.agreement import (
    FIGURES,
    Agreement,
    Rating,
    agreement,
    agreement_of,
    by_stratum,
    cohen,
    majorities,
    pairwise_cohen,
    share_of,
    tabulate,
    weighted_agreement,
)
from oceanchat.statistics.coefficients import alpha, count_table, ratio_distance

K1 = {
    "A": "1 2 3 3 2 1 4 1 2 n n n",
    "B": "1 2 3 3 2 2 4 1 2 5 n 3",
    "C": "n 3 3 3 2 3 4 2 2 5 1 n",
    "D": "1 2 3 3 2 4 4 1 2 5 1 n",
}
K2 = {
    "A": "n n n n n 3 4 1 2 1 1 3 3 n 3",
    "B": "1 n 2 1 3 3 4 3 n n n n n n n",
    "C": "n n 2 1 3 4 4 n 2 1 1 3 3 n 4",
}
K3 = {"A": "0 1 0 0 0 0 0 0 1 0", "B": "1 1 1 0 0 1 0 0 0 0"}
K4 = {"A": "a a b b d c c c e d d a", "B": "b a b b b c c c e d d d"}
K5 = {"A": "5 5 4 3 5 5 2 5 1 5", "B": "5 4 4 3 5 5 3 5 1 n", "C": "5 5 5 2 5 n 2 4 3 5"}
K6 = {"A": "5 5 4 3 5 5 4 5 3 5", "B": "5 4 4 3 5 5 3 5 4 n", "C": "5 5 5 3 5 n 3 4 3 5"}
"""Scores of 1 to 5, of which nobody uses 1 and 2."""
F2 = (
    """0 0 0 0 14/0 2 6 4 2/0 0 3 5 6/0 3 9 2 0/2 2 8 1 1/7 7 0 0 0/3 2 6 3 0/2 5 3 2 2/6 5 2 1 0/0 2 2 3 7"""
)
# Fleiss 1971, table 1: thirty patients, five diagnoses, six psychiatrists.
F1 = """0 0 0 6 0/0 3 0 0 3/0 1 4 0 1/0 0 0 0 6/0 3 0 3 0/2 0 4 0 0/0 0 4 0 2/2 0 3 1 0/2 0 0 4 0/0 0 0 0 6
1 0 0 5 0/1 1 0 4 0/0 3 3 0 0/1 0 0 5 0/0 2 0 3 1/0 0 5 0 1/3 0 0 1 2/5 1 0 0 0/0 2 0 4 0/1 0 2 0 3
0 0 0 0 6/0 1 0 5 0/0 2 0 1 3/2 0 0 4 0/1 0 0 4 1/0 5 0 1 0/4 0 0 0 2/0 2 0 4 0/1 0 5 0 0/0 0 0 0 6"""
PARADOX = [[0, 3]] * 390 + [[3, 0]] + [[1, 2]] * 9


def ratings(lines: dict[str, str]) -> list[Rating]:
    return [
        Rating(f"{item}", annotator, float(value) if value.isdigit() else value)
        for annotator, line in lines.items()
        for item, value in enumerate(line.split())
        if value != "n"
    ]


def counts(text: str) -> np.ndarray:
    return np.array([[int(n) for n in row.split()] for row in text.replace("\n", "/").split("/")])


def value(figures: Agreement, name: str) -> float:
    result = getattr(figures, name).value
    assert result is not None
    return float(result)


def test_four_raters_with_missing_labels() -> None:
    result = agreement(ratings(K1))
    assert value(result, "alpha_nominal") == pytest.approx(0.743421, abs=1e-6)
    assert value(result, "alpha_ordinal") == pytest.approx(0.815388, abs=1e-6)
    assert value(result, "alpha_interval") == pytest.approx(0.849107, abs=1e-6)
    assert value(result, "ac1") == pytest.approx(0.77544, abs=1e-5)
    table = tabulate(ratings(K1))
    assert table.scale is not None
    assert alpha(table, ratio_distance(table.scale)) == pytest.approx(0.797403, abs=1e-6)
    # Gwet's generalisation of Fleiss' kappa, as the R package irrCAC prints it for the same table.
    assert value(result, "fleiss_kappa") == pytest.approx(0.76117, abs=1e-5)
    assert "1 to 4" in result.fleiss_kappa.note


@pytest.mark.parametrize(
    ("lines", "ac2"),
    # As the package irrCAC 0.4.4 computes them, with ordinal weights over the scale 1 to 5.
    [(K1, 0.89894), (K5, 0.87711), (K6, 0.92968)],
)
def test_partial_agreement_on_a_scale(lines: dict[str, str], ac2: float) -> None:
    figure = weighted_agreement(ratings(lines), (1, 2, 3, 4, 5))
    assert figure.value == pytest.approx(ac2, abs=1e-5)
    assert figure.low is not None and figure.high is not None and figure.low < ac2 < figure.high


def test_partial_agreement_on_two_points_is_ac1_and_on_one_category_undefined() -> None:
    labels = ratings(K3)
    assert weighted_agreement(labels, (0, 1)).value == pytest.approx(value(agreement(labels), "ac1"))
    fives = [Rating("1", "A", 5.0), Rating("1", "B", 5.0)]
    assert weighted_agreement(fives, (1, 2, 3, 4, 5)).note == "undefined (one category used), observed 100 %"
    assert weighted_agreement(fives[:1], (1, 2, 3, 4, 5)).note == "not computable (no item has two labels)"
    assert weighted_agreement([], (0, 1)).value is None
    with pytest.raises(InputError, match=r"value '5\.0' is not on the scale 1, 2, 3"):
        weighted_agreement(fives, (1, 2, 3))


def test_three_raters_with_most_labels_missing() -> None:
    result = agreement(ratings(K2))
    assert value(result, "alpha_nominal") == pytest.approx(0.691358, abs=1e-6)
    assert value(result, "alpha_interval") == pytest.approx(0.810845, abs=1e-6)


def test_a_rater_who_meets_nobody_counts_for_chance_alone() -> None:
    lines = {"A": "1 2 1 2 1 1 n n n", "B": "1 2 2 2 1 n n n n", "C": "n n n n n n 2 1 2"}
    result = agreement(ratings(lines))
    # By hand: 5 items with two labels, on one of which they differ; of their 10 labels 5 are a 1. Of all nine
    # items, half of each split one's, the shares of 1 and 2 are a half.
    assert value(result, "observed") == pytest.approx(4 / 5)
    for name in ("alpha_nominal", "alpha_ordinal", "alpha_interval"):
        assert value(result, name) == pytest.approx(1 - 9 * 2 / (2 * 5 * 5))
    assert value(result, "fleiss_kappa") == value(result, "ac1") == pytest.approx((4 / 5 - 1 / 2) / (1 / 2))
    pairs = pairwise_cohen(ratings(lines))
    assert pairs["A", "B"].value == pytest.approx((4 / 5 - 12 / 25) / (1 - 12 / 25))
    assert pairs["A", "C"].note == pairs["B", "C"].note == "not computable (no item labeled by both)"


def test_binary_and_word_labels_of_two_raters() -> None:
    assert value(agreement(ratings(K3)), "alpha_nominal") == pytest.approx(0.095238, abs=1e-6)
    words = agreement(ratings(K4))
    assert value(words, "alpha_nominal") == pytest.approx(0.691964, abs=1e-6)
    assert words.alpha_ordinal.value is None and "words" in words.alpha_ordinal.note
    assert words.alpha_interval.value is None and "words" in words.alpha_interval.note


@pytest.mark.parametrize(("text", "kappa", "alpha_"), [(F1, 0.430245, 0.433410), (F2, 0.209931, 0.215574)])
def test_published_count_tables(text: str, kappa: float, alpha_: float) -> None:
    result = agreement_of(count_table(counts(text), [1.0, 2.0, 3.0, 4.0, 5.0]))
    assert value(result, "fleiss_kappa") == pytest.approx(kappa, abs=1e-6)
    assert value(result, "alpha_nominal") == pytest.approx(alpha_, abs=1e-6)
    assert result.fleiss_kappa.note == ""


def test_one_answer_that_dominates_gets_the_prevalence_note() -> None:
    result = agreement_of(count_table(np.array(PARADOX), ["no", "yes"]))
    assert value(result, "observed") == pytest.approx(0.985)
    assert value(result, "fleiss_kappa") == pytest.approx(0.242424, abs=1e-6)
    assert value(result, "ac1") == pytest.approx(0.984697, abs=1e-6)
    assert value(result, "unanimous") == pytest.approx(391 / 400)
    assert "99.0% of the labels are 'yes'" in result.fleiss_kappa.note
    assert result.ac1.note == "" and result.observed.note == ""


def test_unanimous_labels_are_undefined_not_perfect() -> None:
    result = agreement([Rating(str(i), a, "yes") for i in range(20) for a in "ABC"])
    assert result.observed.value == 1.0 and result.unanimous.value == 1.0
    for name in ("fleiss_kappa", "alpha_nominal", "ac1"):
        assert getattr(result, name) == (None, None, None, "undefined (one category used), observed 100 %")


def test_kappa_below_what_agreement_can_be_is_not_printed() -> None:
    # Midway through a study, two of three items have one label.
    early = [
        Rating("1", "A", "yes"),
        Rating("1", "B", "no"),
        Rating("2", "A", "yes"),
        Rating("3", "B", "yes"),
    ]
    chance = (5 / 6) ** 2 + (1 / 6) ** 2
    assert chance / (chance - 1) == pytest.approx(-2.6)
    figure = agreement(early).fleiss_kappa
    assert figure.value is None and figure.low is None
    assert figure.note == (
        "not computable (-2.60 is below -1: too few items have two labels, and the 2 of 3 with one count for"
        " chance agreement alone)"
    )
    spread = [Rating("1", "A", 1.0), *(Rating(str(score), "B", float(score)) for score in (1, 2, 3, 4))]
    spread[1] = Rating("1", "B", 5.0)
    assert "is below -1" in weighted_agreement(spread, (1, 2, 3, 4, 5)).note
    later = agreement([*early, Rating("2", "B", "yes"), Rating("3", "A", "yes")]).fleiss_kappa
    assert later.value == pytest.approx(-0.2) and later.note.startswith("only 1 item holds")


def test_labels_that_never_meet_are_not_computable() -> None:
    for labels in ([], [Rating("1", "A", 1.0), Rating("2", "B", 2.0)]):
        for figure in agreement(labels).figures().values():
            assert figure == (None, None, None, "not computable (no item has two labels)")


def test_one_category_among_the_pairs_is_undefined_whatever_single_labels_say() -> None:
    result = agreement([Rating("1", "A", 1.0), Rating("1", "B", 1.0), Rating("2", "A", 2.0)])
    assert result.alpha_nominal.value is None and result.fleiss_kappa.value is None
    assert result.observed.value == 1.0


tables = st.tuples(st.integers(1, 12), st.integers(2, 5)).flatmap(
    lambda shape: arrays(np.int64, shape, elements=st.integers(0, 4))
)


@given(tables)
def test_alpha_is_the_krippendorff_package_s(table: np.ndarray) -> None:
    result = agreement_of(count_table(table, [float(v) for v in range(table.shape[1])]), resamples=20)
    paired = table[table.sum(axis=1) > 1]
    if not len(paired) or np.count_nonzero(paired.sum(axis=0)) < 2:
        assert result.alpha_nominal.value is None
        return
    for level in ("nominal", "ordinal", "interval"):
        theirs = krippendorff.alpha(value_counts=table, level_of_measurement=level)
        assert value(result, f"alpha_{level}") == pytest.approx(theirs, abs=1e-9)


def test_a_table_too_large_for_the_package_has_the_same_alpha(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = agreement(ratings(K1))
    monkeypatch.setattr("oceanchat.statistics.agreement._MAX_PACKAGE_CELLS", 0)
    ours = agreement(ratings(K1))
    for name in ("alpha_nominal", "alpha_ordinal", "alpha_interval"):
        assert value(ours, name) == pytest.approx(value(whole, name), abs=1e-12)


@given(st.integers(2, 6), st.integers(2, 30), st.integers(2, 5), st.integers(0, 10_000))
def test_alpha_and_kappa_keep_their_identity(raters: int, items: int, values: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    table = rng.multinomial(raters, np.full(values, 1 / values), size=items)
    result = agreement_of(count_table(table, [float(v) for v in range(values)]), resamples=10)
    if result.fleiss_kappa.value is None:
        assert result.alpha_nominal.value is None
        return
    number = raters * items
    assert value(result, "alpha_nominal") == pytest.approx(
        1 - (1 - value(result, "fleiss_kappa")) * (number - 1) / number, abs=1e-9
    )
    assert value(result, "fleiss_kappa") == pytest.approx(fleiss_kappa(table), abs=1e-9)


@given(tables)
def test_every_figure_is_finite_or_explained(table: np.ndarray) -> None:
    for figure in (
        agreement_of(count_table(table, list("abcde"[: table.shape[1]])), resamples=50).figures().values()
    ):
        if figure.value is None:
            assert figure.note and figure.low is None and figure.high is None
        else:
            assert -1 - 1e-9 <= figure.value <= 1 + 1e-9
            assert (figure.low is None) == (figure.high is None)
            assert figure.low is None or figure.low >= -1 - 1e-9


@given(
    st.dictionaries(
        st.tuples(st.integers(0, 5), st.sampled_from("ABC")), st.floats(allow_nan=False, allow_infinity=False)
    )
)
def test_any_numbers_give_figures_or_words_and_no_warning(given_: dict[tuple[int, str], float]) -> None:
    labels = [Rating(str(item), annotator, number) for (item, annotator), number in given_.items()]
    for figure in agreement(labels, resamples=30).figures().values():
        if figure.value is None:
            assert figure.note
        else:
            assert math.isfinite(figure.value)


def test_intervals_are_those_of_a_plain_bootstrap() -> None:
    table = counts(F1)
    rng = np.random.default_rng(3)
    plain = [fleiss_kappa(table[rng.integers(0, len(table), len(table))]) for _ in range(1500)]
    result = agreement_of(count_table(table, list("abcde")), resamples=1500).fleiss_kappa
    assert (result.low, result.high) == pytest.approx(np.quantile(plain, (0.025, 0.975)), abs=0.02)


def test_equal_labels_give_equal_figures_in_any_order() -> None:
    labels = ratings(K1)
    assert agreement(labels) == agreement(list(reversed(labels)))


def test_cohen_is_that_of_statsmodels_and_undefined_for_one_category() -> None:
    pairs = [("y", "y")] * 20 + [("y", "n")] * 5 + [("n", "y")] * 10 + [("n", "n")] * 15
    result = cohen(pairs)
    assert result.value == pytest.approx(cohens_kappa(np.array([[20, 5], [10, 15]])).kappa)
    assert result.low is not None and result.high is not None and result.low < 0.4 < result.high
    assert cohen([("y", "y")] * 9) == (None, None, None, "undefined (one category used), observed 100 %")
    assert cohen([]).note == "not computable (no item labeled by both)"


def test_pairs_of_annotators_meet_only_on_shared_items() -> None:
    result = pairwise_cohen(ratings(K1))
    assert list(result) == [("A", "B"), ("A", "C"), ("A", "D"), ("B", "C"), ("B", "D"), ("C", "D")]
    nine_shared = np.array([[2, 1, 0, 0], [0, 3, 0, 0], [0, 0, 2, 0], [0, 0, 0, 1]])
    assert result["A", "B"].value == pytest.approx(cohens_kappa(nine_shared).kappa)


def test_strata_are_reported_apart() -> None:
    labels = [
        Rating("1", "A", "y", "O+"),
        Rating("1", "B", "y", "O+"),
        Rating("2", "A", "y", "O-"),
        Rating("2", "B", "n", "O-"),
    ]
    result = by_stratum(labels)
    assert list(result) == ["O+", "O-"]
    assert result["O+"].observed.value == 1.0 and result["O-"].observed.value == 0.0


def test_majority_decides_and_ties_are_left_out() -> None:
    decided = majorities(
        [Rating("1", a, v) for a, v in zip("ABC", "yyn", strict=True)]
        + [Rating("2", a, v) for a, v in zip("AB", "yn", strict=True)]
    )
    assert decided == {"1": "y", "2": None}
    share = share_of(decided, "y")
    assert share.value == 1.0 and share.note == "1 without a majority left out"
    assert share_of({"2": None}, "y").value is None


def test_two_labels_of_one_annotator_are_refused() -> None:
    with pytest.raises(InputError, match="two labels"):
        agreement([Rating("1", "A", 1.0), Rating("1", "A", 2.0)])


def test_a_continuous_measure_is_refused() -> None:
    with pytest.raises(InputError, match="1001 different values"):
        tabulate([Rating(str(i), "A", float(i)) for i in range(1001)])


def test_figures_come_in_reporting_order() -> None:
    assert tuple(agreement(ratings(K3)).figures()) == FIGURES


def test_figures_that_are_shown_say_where_few_items_make_an_interval_rough() -> None:
    few = [
        Rating(str(item), name, (item + 1) % 2 if name != "c" else 0) for item in range(9) for name in "abc"
    ]
    shown, note = agreement(few).reported(), "fewer than 10 items: the interval is rough"
    assert {name for name, figure in shown.items() if note in figure.note} == set(FIGURES) - {"unanimous"}
    more = [*few, Rating("9", "a", 1), Rating("9", "b", 1)]
    assert agreement(more).reported() == agreement(more).figures()


def test_items_that_are_all_alike_give_no_interval() -> None:
    split = [
        Rating(str(item), name, value) for item in range(2) for name, value in zip("abc", "001", strict=True)
    ]
    figures = agreement(split).figures()
    for name in ("observed", "fleiss_kappa", "alpha_nominal", "ac1"):
        assert figures[name].value is not None and (figures[name].low, figures[name].high) == (None, None)
        assert "no variance, no interval" in figures[name].note
    low, high = figures["unanimous"].low, figures["unanimous"].high
    assert low == 0 and high is not None and high > 0.5  # Wilson's needs no resamples
