"""Estimates for the whole from labels on some: held to simulation and to a second implementation."""

import numpy as np
import pytest

from oceanchat.statistics.checker_accuracy import CheckedDialogue, Group
from oceanchat.statistics.dataset_quality import WHOLE, Stratum, counted_note, dataset_quality, strata_of

LEVELS = ("O+", "C-")


def plain_prediction_powered(population: list[bool], labelled: list[tuple[bool, bool]]) -> float:
    """The textbook: mean verdict, plus the mean error of the verdict within each verdict, by its share."""
    estimate = sum(population) / len(population)
    for verdict in (True, False):
        errors = [valid - passed for passed, valid in labelled if passed is verdict]
        estimate += population.count(verdict) / len(population) * sum(errors) / len(errors)
    return estimate


def test_the_estimate_is_the_textbook_s_and_its_interval_a_bootstrap_s() -> None:
    rng = np.random.default_rng(5)
    population = [True] * 900 + [False] * 300
    labelled = [(True, bool(v)) for v in rng.random(150) < 0.9] + [
        (False, bool(v)) for v in rng.random(100) < 0.3
    ]
    groups = [
        Group(
            sum(v for p, v in labelled if p is side),
            sum(p is side for p, _ in labelled),
            population.count(side),
        )
        for side in (True, False)
    ]
    quality = dataset_quality({"O+": Stratum(*groups)})
    expected = plain_prediction_powered(population, labelled)
    assert quality["O+"].valid.value == pytest.approx(expected)
    assert quality[WHOLE].valid_rogan_gladen.value == pytest.approx(expected)
    assert quality[WHOLE].precision_rogan_gladen.value == pytest.approx(quality[WHOLE].precision.value)
    redrawn = []
    for _ in range(2000):
        again = [labelled[i] for i in rng.integers(0, 150, 150)] + [
            labelled[150 + i] for i in rng.integers(0, 100, 100)
        ]
        redrawn.append(plain_prediction_powered(population, again))
    low, high = np.quantile(redrawn, (0.025, 0.975))
    valid = quality["O+"].valid
    assert valid.low == pytest.approx(low, abs=0.01) and valid.high == pytest.approx(high, abs=0.01)
    # ppi_py 0.2.3 gives 0.775 too (lam=1, by verdict), and these standard errors of the share within each
    # verdict; of 900 and 300 dialogues the 150 and 100 labelled ones are no longer uncertain.
    errors = (0.022971802 * 0.75 * (1 - 150 / 900) ** 0.5, 0.048 * 0.25 * (1 - 100 / 300) ** 0.5)
    assert valid.value == pytest.approx(0.775)
    assert valid.high - valid.low == pytest.approx(
        2 * 1.96 * (errors[0] ** 2 + errors[1] ** 2) ** 0.5, rel=0.03
    )


@pytest.mark.parametrize(
    ("levels", "passed_share", "good_passed", "good_rejected", "each"),
    [
        (2, 0.8, 0.9, 0.3, 40),
        (2, 0.9, 0.95, 0.5, 60),
        (2, 0.6, 0.8, 0.2, 30),
        (10, 0.9, 0.965, 0.3, 40),  # the paper's share, in ten trait-levels
    ],
)
def test_intervals_cover_the_truth_in_95_of_100_studies(
    levels: int, passed_share: float, good_passed: float, good_rejected: float, each: int
) -> None:
    rng = np.random.default_rng(11)
    covered = {"precision": 0, "valid": 0, "valid_rogan_gladen": 0}
    studies = 1000 if levels == 2 else 300
    for study in range(studies):
        strata, truth = {}, {"good": 0, "passed_good": 0, "passed": 0}
        for code in range(levels):
            passed = int(400 * passed_share)
            sides = []
            for size, share in ((passed, good_passed), (400 - passed, good_rejected)):
                good = int(rng.binomial(size, share))
                drawn = min(each, size)
                sides.append(Group(int(rng.hypergeometric(good, size - good, drawn)), drawn, size))
                truth["good"] += good
                truth["passed_good"] += good if size == passed and share == good_passed else 0
            truth["passed"] += passed
            strata[str(code)] = Stratum(*sides)
        whole = dataset_quality(strata, seed=study, draws=1000)[WHOLE]
        valid = truth["good"] / (400 * levels)
        precision = truth["passed_good"] / truth["passed"]
        for name, true in (("precision", precision), ("valid", valid), ("valid_rogan_gladen", valid)):
            figure = getattr(whole, name)
            covered[name] += figure.low <= true <= figure.high
    assert all(0.93 <= times / studies <= 0.97 for times in covered.values()), covered


def test_rogan_gladen_borrows_from_other_trait_levels_what_the_checker_gets_wrong() -> None:
    known = Stratum(Group(90, 100, 1000), Group(30, 100, 250))
    nobody = Stratum(Group(0, 0, 500), Group(0, 0, 125))
    quality = dataset_quality({"O+": known, "C+": nobody})
    assert quality["C+"].precision.value is None and "no passed dialogue" in quality["C+"].precision.note
    assert quality["C+"].precision_rogan_gladen.value == pytest.approx(0.9)
    assert quality[WHOLE].precision.note == "without C+, of which people decided none"
    assert (quality["C+"].released, quality["C+"].checked, quality["C+"].judged) == (500, 625, 0)


def test_where_everything_is_labelled_nothing_is_left_to_guess() -> None:
    quality = dataset_quality({"O+": Stratum(Group(45, 50, 50), Group(2, 10, 10))})
    precision = quality["O+"].precision
    assert (precision.value, precision.low, precision.high) == (0.9, 0.9, 0.9)
    assert "nothing is left to estimate" in counted_note(precision) and not precision.note
    some = dataset_quality({"O+": Stratum(Group(45, 50, 60), Group(0, 0, 0))})["O+"]
    assert not counted_note(some.precision) and not counted_note(some.precision._replace(value=None))


def test_before_the_first_decision_the_whole_is_all_that_passed() -> None:
    open_ones = {code: Stratum(Group(0, 0, 6), Group(0, 0, 2)) for code in LEVELS}
    whole = dataset_quality(open_ones)[WHOLE]
    assert (whole.released, whole.checked, whole.judged) == (12, 16, 0)


def test_what_cannot_be_told_is_said() -> None:
    none_rejected = dataset_quality({"O+": Stratum(Group(45, 50, 500), Group(0, 0, 100))})["O+"]
    assert none_rejected.precision.value == 0.9
    assert "--include-rejected" in none_rejected.valid.note
    assert "--include-rejected" in none_rejected.precision_rogan_gladen.note
    coin = dataset_quality({"O+": Stratum(Group(5, 10, 100), Group(5, 10, 100))})["O+"]
    assert "told from chance" in coin.valid_rogan_gladen.note
    # All of the few that people judged are good, passed and rejected alike: draws without an answer are not
    # left out until certainty remains.
    all_good = dataset_quality({"O+": Stratum(Group(50, 50, 60), Group(5, 5, 5))})["O+"]
    assert all_good.precision_rogan_gladen.value is None
    unjudged = dataset_quality({"O+": Stratum(Group(0, 0, 6), Group(0, 0, 1))})[WHOLE]
    assert (unjudged.released, unjudged.checked) == (6, 7)
    assert dataset_quality({})[WHOLE].precision.value is None


def test_dialogues_are_sorted_into_strata_and_even_votes_decide_nothing() -> None:
    strata = strata_of(
        [
            ("O+", CheckedDialogue(True, (True, True, False))),
            ("O+", CheckedDialogue(True, (True, False))),
            ("O+", CheckedDialogue(False, ())),
        ]
    )
    assert strata == {"O+": Stratum(Group(1, 1, 2), Group(0, 0, 1))}
