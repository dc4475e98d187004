"""Calls about several things, counted as a build makes them."""

import pytest

from oceanchat.pipeline.filling import (
    AS_IN_THE_PILOT,
    PilotChecks,
    Rounds,
    checks_filling,
    labels_filling,
    usable_topics,
)

ONE = PilotChecks(calls=1, checked=1, passed=(1,), tried=0, instructions=100, dialogue=50)


def test_a_round_ends_with_a_check_that_is_not_full() -> None:
    assert Rounds(room=4, first=None).checks(9) == 3
    assert Rounds(room=4, first=6).checks(18) == 2 + 3  # six topics, then twelve
    assert Rounds(room=4, first=None).checks(0) == 0
    assert Rounds(4, None, checked=1, passed=0.5).checks(8) == 2 + 1 + 1 + 1 + 1  # 8, 4, 2, 1 and 1 topics
    assert Rounds(4, None, checked=0.001, passed=0.001).checks(100) > 100


def test_checks_of_a_build_are_fewer_and_hold_more() -> None:
    filling = checks_filling(ONE, Rounds(4, None), [40, 40])
    assert (filling.pilot, filling.build, filling.calls) == (1, 4, 0.25)
    assert filling.prompt == (100 + 4 * 50) / (100 + 50) and filling.completion == 4
    assert checks_filling(ONE, Rounds(4, None), [0]) == AS_IN_THE_PILOT
    assert checks_filling(ONE, Rounds(1, None), [40]).calls == 1


def test_the_call_of_a_trial_is_not_made_again_and_those_after_unread_ones_are() -> None:
    tried = ONE._replace(calls=2, tried=1)
    assert checks_filling(tried, Rounds(4, None), [40]).calls == pytest.approx(0.5 / 4)
    unread = ONE._replace(calls=5, checked=4, passed=(4,))
    assert checks_filling(unread, Rounds(4, None), [40]).calls == 1  # five calls for four dialogues


def test_a_pilot_that_took_all_usable_topics_forecasts_its_own_label_calls() -> None:
    assert usable_topics(labeled=40, fitting=20, sentences_per_call=10) == 12
    assert usable_topics(labeled=48, fitting=5, sentences_per_call=1) == 5
    assert labels_filling(3, 12).calls == 0.25 and labels_filling(3, 12).most == 1
    assert labels_filling(12, 12) == labels_filling(0, 12) == AS_IN_THE_PILOT
