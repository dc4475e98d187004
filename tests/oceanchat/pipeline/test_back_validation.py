"""Verdicts are read forgivingly, never guessed, and held against the label as the check says."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oceanchat.llm.chat import ChatAnswer
from oceanchat.pipeline.back_validation import Check, Checker, judge, parse_verdict
from oceanchat.prompts import open_prompts
from oceanchat.records import Dialogue, ObservedTrait, Turn
from oceanchat.traits import TRAITS, Level, Trait, TraitLevel
from tests.oceanchat.pipeline.replies import Replies, one_after_the_other

DIALOGUE = Dialogue(
    id="d",
    trait=Trait.O,
    level=Level.HIGH,
    turns=(Turn(role="questioner", text="How?"), Turn(role="discloser", text="So.")),
)


def codes(reply: str) -> list[str] | None:
    reading = parse_verdict(reply)
    return None if reading is None else [trait.code for trait in reading.shown]


@pytest.mark.parametrize(
    ("reply", "shown"),
    [
        ("Reason: r\nResult: Openness-high", ["O+"]),
        ("Reason: r\nResult: Openness-high, Neuroticism-low", ["O+", "N-"]),
        ("**Result:** High Openness", ["O+"]),
        ("result: openness (high); extroversion (low)", ["O+", "E-"]),
        ("Result: Openness", ["O"]),
        ("Result: none", []),
        ("Result: **None**.", []),
        ("Result: high level of Agreeableness", ["A+"]),
        ("Result: Openness to Experience: high", ["O+"]),
        ("Result: Openness-low\nOn second thought\nResult: Openness-high", ["O+"]),
        ("Result: Openness-high, Openness-high", ["O+"]),
        ("Result: Openness-high, Openness-low", None),
        ("Result: curiosity", None),
        ("Result: not high Openness", None),
        ("Result: The speaker shows no Neuroticism", None),
        ("Result: none of the traits but Openness-high", None),
        ("Openness-high", None),
        ("Result:", None),
        ("", None),
    ],
)
def test_a_result_line_is_read_or_it_is_not(reply: str, shown: list[str] | None) -> None:
    assert codes(reply) == shown


@given(st.text())
def test_any_text_is_a_verdict_or_none(reply: str) -> None:
    parse_verdict(reply)
    reading = parse_verdict(f"Result: {reply}")
    assert reading is None or len(reading.shown) <= 5


@given(st.lists(st.tuples(st.sampled_from(TRAITS), st.sampled_from(list(Level))), unique_by=lambda p: p[0]))
def test_every_result_in_the_asked_for_form_is_read_back(pairs: list[tuple[Trait, Level]]) -> None:
    line = ", ".join(f"{trait.label}-{level.value}" for trait, level in pairs) or "none"
    assert codes(f"Reason: r\nResult: {line}") == [TraitLevel(*pair).code for pair in pairs]


@pytest.mark.parametrize(
    ("shown", "paper", "strict"),
    [
        (["O+"], "passed", "passed"),
        (["O-"], "passed", "wrong-level"),
        (["O"], "passed", "wrong-level"),
        (["O+", "N+"], "passed", "off-trait"),
        (["N+"], "off-trait", "off-trait"),
        ([], "off-trait", "off-trait"),
    ],
)
def test_the_two_checks_differ_as_they_should(shown: list[str], paper: str, strict: str) -> None:
    seen = tuple(
        ObservedTrait(trait=Trait(code[0]), level={"+": Level.HIGH, "-": Level.LOW}.get(code[1:]))
        for code in shown
    )
    expected: dict[Check, str] = {"paper": paper, "strict": strict}
    for check, state in expected.items():
        assert judge(seen, DIALOGUE.trait_level, check)[0] == state


def checker(model: Replies) -> Checker:
    return Checker(model, open_prompts()["check"], "strict", max_attempts=2)


async def test_the_verdict_travels_with_the_dialogue() -> None:
    checked = await checker(one_after_the_other("?", "Reason: dreams\nResult: Openness-high")).validate(
        DIALOGUE
    )
    assert checked.state == "passed" and checked.verdict is not None
    assert (checked.verdict.reason, checked.verdict.passed, checked.verdict.dialogue_id) == (
        "dreams",
        True,
        "d",
    )


async def test_an_unreadable_or_refused_verdict_is_a_failed_row() -> None:
    unread = await checker(Replies(lambda request: "hm")).validate(DIALOGUE)
    refused = await checker(Replies(lambda request: ChatAnswer("", refusal="no"))).validate(DIALOGUE)
    assert (unread.state, unread.verdict) == ("failed", None) and unread.detail.startswith("unparseable")
    assert refused.state == "failed" and refused.detail.startswith("refused")
