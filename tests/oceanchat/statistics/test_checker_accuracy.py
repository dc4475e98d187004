"""The checker beside the humans, and where it cannot be said."""

import pytest

from oceanchat.statistics.checker_accuracy import Group, checker_figures


def test_recall_weights_each_group_by_what_it_stands_for() -> None:
    found = checker_figures(Group(38, 40, 1000), Group(5, 20, 40))
    assert found.precision.value == pytest.approx(0.95)
    assert found.recall.value == pytest.approx(950 / (950 + 10))
    assert found.recall.low is not None and found.recall.high is not None
    assert found.recall.low < 950 / 960 < found.recall.high < 1


def test_no_good_one_among_the_rejected_leaves_the_interval_open() -> None:
    found = checker_figures(Group(40, 40, 400), Group(0, 5, 100)).recall
    assert found.value == 1.0 and found.low is not None and found.low < 0.95


@pytest.mark.parametrize(
    ("passed", "rejected", "said"),
    [
        (Group(0, 0, 100), Group(0, 0, 0), "no good dialogue is known"),
        (Group(0, 10, 100), Group(0, 0, 0), "no good dialogue is known"),
        (Group(9, 10, 100), Group(0, 0, 7), "none of the 7 rejected dialogues was judged"),
    ],
)
def test_what_cannot_be_said_is_said_in_words(passed: Group, rejected: Group, said: str) -> None:
    found = checker_figures(passed, rejected).recall
    assert found.value is None and said in found.note


def test_a_checker_that_rejects_nothing_misses_nothing() -> None:
    found = checker_figures(Group(9, 10, 100), Group(0, 0, 0))
    assert found.recall == (1.0, None, None, "the checker rejected nothing")
    assert checker_figures(Group(0, 0, 1), Group(0, 0, 0)).precision.value is None
