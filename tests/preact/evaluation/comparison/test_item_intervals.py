"""Intervals over items: right as often as they say, paired, and absent where nothing can be drawn."""

import numpy as np
import pytest

from oceanchat.traits import CODES, TRAITS
from preact.evaluation.comparison.comparing import WEIGHTS
from preact.evaluation.comparison.item_intervals import (
    NO_VARIANCE,
    TOO_FEW,
    ClusterScore,
    contrast_interval,
    item_interval,
)


def scores(
    dice: np.random.Generator, groups: int, *, size: int = 1, runs: int = 1, hard: np.ndarray | None = None
) -> list[ClusterScore]:
    """Scores whose expectation over all items is 3.5 and 2.5: items differ, and so do judgements."""
    items = dice.normal(0, 0.5, (10, groups * size)) if hard is None else hard
    result = []
    for run in range(runs):
        order = dice.permutation(groups * size)
        for row, code in enumerate(CODES):
            for n in range(groups):
                own = order[n * size : (n + 1) * size]
                noise = dice.normal(0, 0.2)
                score = (3.5 if code[1] == "+" else 2.5) + float(items[row][own].mean()) + noise
                result.append(ClusterScore(code, run, tuple(f"{code[0]}{i}" for i in own), score))
    return result


def overall(scores: list[ClusterScore]) -> float:
    means = [np.mean([s.score for s in scores if s.trait_level == code]) for code in CODES]
    return float(sum(WEIGHTS["Overall"][code] * mean for code, mean in zip(CODES, means, strict=True)))


@pytest.mark.parametrize(("groups", "size", "runs"), [(3, 3, 1), (10, 1, 5)])
def test_95_of_100_intervals_hold_what_all_items_would_give(groups: int, size: int, runs: int) -> None:
    dice = np.random.default_rng(groups)
    held = 0
    for _ in range(100):
        own = scores(dice, groups, size=size, runs=runs)
        figure = item_interval(overall(own), own, WEIGHTS["Overall"])
        assert figure.low is not None and figure.high is not None
        held += figure.low <= 1.0 <= figure.high
    assert held >= 90


def test_a_contrast_on_the_same_items_is_narrower_than_on_others() -> None:
    dice = np.random.default_rng(1)
    hard = dice.normal(0, 1, (10, 10))
    first, second = (scores(dice, 10, hard=hard) for _ in "ab")
    paired = contrast_interval(overall(first) - overall(second), first, second, WEIGHTS["Overall"])
    alone = item_interval(overall(first), first, WEIGHTS["Overall"])
    assert (
        paired.low is not None
        and paired.high is not None
        and alone.low is not None
        and alone.high is not None
    )
    assert paired.low <= 0 <= paired.high
    assert paired.high - paired.low < (alone.high - alone.low) / 2


def test_only_runs_and_items_that_both_have_are_drawn() -> None:
    first = scores(np.random.default_rng(1), 10, runs=2)
    second = [score for score in first if score.run == 0]
    assert contrast_interval(0.0, first, second, WEIGHTS["O+"]).note == NO_VARIANCE
    other = [score._replace(items=("elsewhere",)) for score in first]
    assert contrast_interval(0.0, first, other, WEIGHTS["O+"]) == (0.0, None, None, TOO_FEW)


def test_one_cluster_a_trait_and_equal_scores_give_no_width_and_say_so() -> None:
    one = [ClusterScore(code, 0, (f"{code[0]}1", f"{code[0]}2"), 4.0) for code in CODES]
    assert item_interval(0.0, one, WEIGHTS["Overall"]) == (0.0, None, None, TOO_FEW)
    equal = [ClusterScore(f"{t.value}{s}", 0, (str(n),), 4.0) for t in TRAITS for s in "+-" for n in range(3)]
    figure = item_interval(0.0, equal, WEIGHTS["Overall"])
    assert figure.value == 0.0 and figure.note == NO_VARIANCE


def test_a_missing_score_is_left_out_and_equal_scores_give_equal_intervals() -> None:
    own = scores(np.random.default_rng(1), 3, size=3)
    holed = [s for n, s in enumerate(own) if n != 4]
    first, again = (item_interval(overall(holed), holed, WEIGHTS["Overall"]) for _ in "ab")
    assert first == again and first.low is not None
    assert item_interval(float("nan"), holed, WEIGHTS["Overall"]).value is None


def test_scores_that_are_missing_leave_the_interval_around_its_figure_or_none() -> None:
    def of(high: list[float | None], low: list[float | None]) -> list[ClusterScore]:
        both = (("O+", high), ("O-", low))
        return [ClusterScore(code, 0, (str(n),), s) for code, row in both for n, s in enumerate(row) if s]

    most = of([3.7, 4.2, 3.8], [None, 4.0, 3.3])
    few = of([None, 4.3, 2.6], [None, 3.5, None])  # as an untrained model's answers were judged
    assert contrast_interval(0.15, most, few, {"O-": 1.0}) == (0.15, None, None, TOO_FEW)
    assert item_interval(0.0, few, {"O+": 0.5, "O-": -0.5}).note == TOO_FEW
    # where one level has two scores of three, what is drawn of the other still lies around its mean
    lone = of([1.0, 3.0, 5.0], [3.0, 3.2, None])
    figure = item_interval(0.0, lone, {"O+": 1.0, "O-": -1.0})
    assert figure.low is not None and figure.high is not None
    assert abs(figure.low + figure.high) < 0.2 * (figure.high - figure.low)
