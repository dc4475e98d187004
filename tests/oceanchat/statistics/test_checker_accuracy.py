"""The checker beside the humans, and where it cannot be said."""

import pytest

from oceanchat.statistics.checker_accuracy import (
    CheckedDialogue,
    Group,
    checker_against_humans,
    checker_figures,
)


def test_recall_weights_each_group_by_what_it_stands_for() -> None:
    figures = checker_figures(Group(38, 40, 1000), Group(5, 20, 40))
    assert figures.precision.value == pytest.approx(0.95)
    assert figures.recall.value == pytest.approx(950 / (950 + 10))
    assert figures.recall.low is not None and figures.recall.high is not None
    assert figures.recall.low < 950 / 960 < figures.recall.high < 1


def test_no_good_one_among_the_rejected_leaves_the_interval_open() -> None:
    recall = checker_figures(Group(40, 40, 400), Group(0, 5, 100)).recall
    assert recall.value == 1.0 and recall.low is not None and recall.low < 0.95


@pytest.mark.parametrize(
    ("passed", "rejected", "reason"),
    [
        (Group(0, 0, 100), Group(0, 0, 0), "no good dialogue is known"),
        (Group(0, 10, 100), Group(0, 0, 0), "no good dialogue is known"),
        (Group(9, 10, 100), Group(0, 0, 7), "none of the 7 rejected dialogues was judged"),
    ],
)
def test_what_cannot_be_said_is_said_in_words(passed: Group, rejected: Group, reason: str) -> None:
    recall = checker_figures(passed, rejected).recall
    assert recall.value is None and reason in recall.note


def test_a_checker_that_rejects_nothing_misses_nothing() -> None:
    figures = checker_figures(Group(9, 10, 100), Group(0, 0, 0))
    assert figures.recall == (1.0, None, None, "the checker rejected nothing")
    assert checker_figures(Group(0, 0, 1), Group(0, 0, 0)).precision.value is None


def test_a_majority_decides_and_ties_and_unlabeled_dialogues_only_stand_behind_the_sample() -> None:
    passed = [CheckedDialogue(True, votes) for votes in ([True, True, False], [True, False], [], [])]
    rejected = [CheckedDialogue(False, votes) for votes in ([False], [True], [])]
    assert checker_against_humans([*passed, *rejected]) == checker_figures(Group(1, 1, 4), Group(1, 2, 3))


def test_the_figures_as_json_hold_value_low_high_and_note() -> None:
    record = checker_figures(Group(0, 0, 3), Group(0, 0, 0)).as_json()
    assert list(record) == ["precision", "recall"]
    assert record["recall"] == {
        "value": None,
        "low": None,
        "high": None,
        "note": "not computable (no good dialogue is known)",
    }
