"""Evaluations are set up blind, balanced and with systems that can be asked."""

from collections import Counter, defaultdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oceanchat.annotation.evaluation import (
    EvaluationConfig,
    RatedSystem,
    create_evaluation,
    parse_system,
    systems_of,
)
from oceanchat.errors import AnnotationError, ConfigError
from oceanchat.prompts import open_prompts
from oceanchat.store.conversations import cells_of, open_cells
from oceanchat.store.database import Store
from oceanchat.traits import TRAIT_LEVELS
from tests.oceanchat.annotation.scenes import people
from tests.oceanchat.annotation.talks import SYSTEMS, URL, evaluated, evaluation_of, questions


def test_a_system_is_a_model_by_trait_level_or_one_with_the_persona_prompt() -> None:
    named, prompted = map(parse_system, SYSTEMS)
    assert named == RatedSystem(name="preact", url=URL, model="preact:", prompted=False)
    assert [named.model_for(level) for level in TRAIT_LEVELS[::6]] == ["preact:o-high", "preact:c-low"]
    assert prompted.model_for(TRAIT_LEVELS[0]) == "base" and prompted.prompted


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("http://127.0.0.1/v1#preact:", "no usable name"),
        ("a=http://127.0.0.1/v1", "names no model"),
        ("a=http://127.0.0.1/v1#base", "told no trait-level"),
        ("a=ftp://127.0.0.1/v1#base:", "no usable URL"),
        ("a=https://me:secret-1@host/v1#base:", "credentials"),
        ("a=https://host/v1?key=secret-1#base:", "credentials"),
    ],
)
def test_other_systems_are_refused_in_one_line_without_secrets(text: str, complaint: str) -> None:
    with pytest.raises(ConfigError, match=complaint) as refused:
        parse_system(text)
    assert "\n" not in str(refused.value) and "secret-1" not in str(refused.value)


@given(st.text(max_size=40))
def test_any_text_is_a_system_or_refused(text: str) -> None:
    for tried in (text, f"a={text}", f"a={URL}#{text}", f"a=prompted:{text}#b"):
        try:
            assert parse_system(tried).name
        except ConfigError as error:
            assert str(error)


def test_every_system_meets_every_question_in_a_balanced_order_of_ones_own(store: Store) -> None:
    team = evaluated(store, levels=10, systems=[*SYSTEMS, f"other={URL}#other:"])
    evaluation = evaluation_of(store)
    assert list(systems_of(evaluation)) == ["preact", "prompt", "other"]
    assert sorted(evaluation.settings["personas"]) == sorted(level.code for level in TRAIT_LEVELS)
    with store.reading() as connection:
        cells = {cell.item_id: cell for cell in cells_of(connection, evaluation.id)}
        orders = [[cells[c.item_id] for c in open_cells(connection, a.id, evaluation.id)] for a in team]
        slots = Counter(c.slot for a in team for c in open_cells(connection, a.id, evaluation.id))
    assert len(cells) == 30 and slots == {0: 30, 1: 30, 2: 30}
    for order in orders:
        blocks = [[cell.system for cell in order[start : start + 3]] for start in range(0, 30, 3)]
        assert all(sorted(block) == ["other", "preact", "prompt"] for block in blocks)
        by_system = defaultdict(list)
        for cell in order:
            by_system[cell.system].append(cell.stratum)
        assert all(len(set(levels)) == 10 for levels in by_system.values())
    assert orders[0] != orders[1]


def test_a_second_evaluation_needs_a_word_and_takes_who_joins_later(store: Store) -> None:
    evaluated(store, ("Ann", "Ben"))
    first = evaluation_of(store)
    settings = EvaluationConfig(systems=(parse_system(SYSTEMS[0]),))
    with pytest.raises(AnnotationError, match="evaluation 1 exists"):
        create_evaluation(store, settings, questions(1), open_prompts())
    second = create_evaluation(store, settings, questions(2), open_prompts(), another=True)
    (cas,) = people(store, "Cas")
    with store.reading() as connection:
        assert (
            len(open_cells(connection, cas.id, first.id))
            == len(open_cells(connection, cas.id, second.id))
            == 2
        )
