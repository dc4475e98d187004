"""Reading a judge's reply: what counts as a score, and that nothing else becomes one."""

import json
import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from oceanchat.traits import Trait
from preact.evaluation.judge.verdicts import Judgement, read_score, why_unscored


@pytest.mark.parametrize(
    ("reply", "value"),
    [
        ('They plan ahead.\n{"score": 4.5}', 4.5),
        ('{"score": 5}', 5.0),
        ('```json\n{"score": 1}\n```', 1.0),
        ('First {"score": 2} but on reflection\n{"score": 3.5}', 3.5),
        ('{"reason": "{calm}", "score": "2.5"}', 2.5),
        ('{not json} {"score": 3}', 3.0),
        ('<think>{"score": 1}? No.</think>\n{"score": 4}', 4.0),
        ('{"score": 1}, maybe.\n</think>\n\n{"score": 4}<|im_end|>', 4.0),
    ],
)
def test_a_readable_score_is_read(reply: str, value: float) -> None:
    assert read_score(reply) == (value, "scored")


@pytest.mark.parametrize(
    "reply",
    [
        "",
        "I would say 4.",
        '<think>{"score": 1} or',
        '{"score": 6}',
        '{"score": 0}',
        '{"score": true}',
        '{"score": "high"}',
        '{"score": NaN}',
        '{"score": Infinity}',
        '{"score": [4]}',
        '{"rating": 4}',
        '{"score": 4',
        "[4]",
        '{"score": -2}',
        '{"score": 4} {"score": "n/a"}',
        '{"score": 1e999}',
        '{"score": ' + "9" * 5000 + "}",
        "{" * 5000,
        '{"score": ' + "[" * 100_000,
    ],
)
def test_an_unreadable_reply_is_a_state_and_never_a_number(reply: str) -> None:
    assert read_score(reply) == (None, "unreadable")


def test_null_is_the_judges_word_for_no_ground() -> None:
    assert read_score('The answers are gibberish.\n{"score": null}') == (None, "no-ground")


@given(st.text())
@example('{"score": 3')
@example("3")
def test_any_text_gives_a_state_and_a_score_only_where_one_is_written(reply: str) -> None:
    score = read_score(reply)
    if score.value is not None:
        assert score.state == "scored" and 1 <= score.value <= 5 and '"score"' in reply
    else:
        assert score.state in ("unreadable", "no-ground")


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.just("score"), inner),
    )
)
def test_any_json_gives_a_score_only_from_its_own_number(data: object) -> None:
    score = read_score("Reasoning first.\n" + json.dumps(data))
    if score.value is not None:
        written = {float(n) for n in re.findall(r"\d+(?:\.\d+)?(?:e[+-]?\d+)?", json.dumps(data))}
        assert score.value in written


def test_the_most_frequent_reason_for_no_score_is_quoted() -> None:
    def judgement(state: str, reply: str = "", score: float | None = None) -> Judgement:
        row = {"trait_level": "O+", "run": 0, "trait": Trait.O, "number": 0, "repeat": 0, "items": ()}
        return Judgement.model_validate(row | {"state": state, "reply": reply, "score": score, "attempts": 1})

    failed = [judgement("failed", "timeout: no\nanswer"), judgement("failed", "timeout: no answer")]
    others = [judgement("refused", "No."), judgement("scored", "{}", 3.0)]
    assert why_unscored([*others, *failed]) == "the judge's calls failed (2 of 3): 'timeout: no answer'"
    assert why_unscored([judgement("no-answers")]) == "there was no answer to judge (1 of 1)"
    assert why_unscored(others[1:]) == ""
