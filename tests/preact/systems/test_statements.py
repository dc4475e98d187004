"""The statements behind the control vectors, and how they are parted."""

from collections import Counter

import pytest

from oceanchat.errors import EvaluationError
from oceanchat.traits import TRAITS, Level
from preact.evaluation.interview.inventories import load_inventory
from preact.systems.statements import split_statements, statements, without_overlap


def test_each_trait_has_eight_statements_a_level_and_none_is_said_twice() -> None:
    listed = statements()
    assert Counter((s.trait, s.level) for s in listed) == {(t, level): 8 for t in TRAITS for level in Level}
    assert len({s.text for s in listed}) == 80


def test_none_of_them_overlaps_the_bundled_inventory() -> None:
    questions = [item.question for item in load_inventory("ipip50").items]
    assert len(without_overlap(statements(), questions)) == 80


def test_a_statement_that_an_inventory_asks_for_is_left_out() -> None:
    first = statements()[0]
    assert first not in without_overlap(statements(), [f"Is it true that {first.text}"])


def test_every_fourth_statement_of_a_trait_and_level_is_held_out() -> None:
    build, measure = split_statements(statements())
    assert len(build) == 60 and len(measure) == 20 and not set(build) & set(measure)
    assert Counter((s.trait, s.level) for s in measure) == {(t, level): 2 for t in TRAITS for level in Level}


def test_too_few_statements_are_refused() -> None:
    with pytest.raises(EvaluationError, match="too few statements on 'Openness'"):
        split_statements(statements()[:3])
