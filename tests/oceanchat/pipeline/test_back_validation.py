"""Verdicts are held against the label as the check says, and travel with the dialogue."""

import pytest

from oceanchat.llm.chat import ChatAnswer
from oceanchat.pipeline.back_validation import Check, Checker, judge
from oceanchat.prompts import open_prompts
from oceanchat.records import Dialogue, ObservedTrait, Turn
from oceanchat.traits import Level, Trait
from tests.oceanchat.pipeline.listed_replies import Replies, one_after_the_other

DIALOGUE = Dialogue(
    id="d",
    trait=Trait.O,
    level=Level.HIGH,
    turns=(Turn(role="questioner", text="How?"), Turn(role="discloser", text="So.")),
)


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
