"""Verdicts are held against the label as the check says, and travel with the dialogue."""

import pytest

from oceanchat.errors import CallFailed
from oceanchat.llm.chat import ChatAnswer, ChatRequest
from oceanchat.pipeline.back_validation import Checker, judge
from oceanchat.prompts import open_prompts, read_tags
from oceanchat.records import Check, Dialogue, ObservedTrait, Turn
from oceanchat.traits import Level, Trait
from tests.oceanchat.pipeline.listed_replies import Replies, one_after_the_other

DIALOGUE = Dialogue(
    id="d",
    trait=Trait.O,
    level=Level.HIGH,
    turns=(Turn(role="questioner", text="How?"), Turn(role="discloser", text="So.")),
)


@pytest.mark.parametrize(
    ("shown", "paper", "main", "strict"),
    [
        (["O+"], "passed", "passed", "passed"),
        (["O-"], "passed", "wrong-level", "wrong-level"),
        (["O"], "passed", "wrong-level", "wrong-level"),
        (["O+", "N+"], "passed", "passed", "off-trait"),
        (["N+", "O+"], "passed", "off-trait", "off-trait"),
        (["N+"], "off-trait", "off-trait", "off-trait"),
        ([], "off-trait", "off-trait", "off-trait"),
    ],
)
def test_the_checks_differ_as_they_should(shown: list[str], paper: str, main: str, strict: str) -> None:
    seen = tuple(
        ObservedTrait(trait=Trait(code[0]), level={"+": Level.HIGH, "-": Level.LOW}.get(code[1:]))
        for code in shown
    )
    expected: dict[Check, str] = {"paper": paper, "main": main, "strict": strict}
    for check, state in expected.items():
        assert judge(seen, DIALOGUE.trait_level, check)[0] == state


@pytest.mark.parametrize(
    ("leading", "named", "state"),
    [(True, False, "leading-question"), (False, True, "trait-named"), (None, None, "passed")],
)
def test_leading_questions_and_named_traits_pass_the_papers_check_alone(
    leading: bool | None, named: bool | None, state: str
) -> None:
    seen = (ObservedTrait(trait=Trait.O, level=Level.HIGH),)
    checks: tuple[Check, ...] = ("paper", "main", "strict")
    states = [judge(seen, DIALOGUE.trait_level, check, leading, named)[0] for check in checks]
    assert states == ["passed", state, state]


def checker(model: Replies, dialogues_per_check: int = 1) -> Checker:
    return Checker(
        model, open_prompts()["check"], "strict", max_attempts=2, dialogues_per_check=dialogues_per_check
    )


def about(*answers: str) -> list[Dialogue]:
    turns = [(DIALOGUE.turns[0], Turn(role="discloser", text=text)) for text in answers]
    return [
        DIALOGUE.model_copy(update={"id": text, "turns": t}) for text, t in zip(answers, turns, strict=True)
    ]


def verdict(number: int, main: str, questioner: str = "neutral") -> str:
    lines = f"Reason: r{number}\nMain trait: {main}\nAlso: none\nQuestioner: {questioner}"
    return f"Dialogue {number}\n{lines}\nTrait named outright: no\n\n"


async def test_several_dialogues_share_a_check_and_the_unclear_are_asked_one_by_one() -> None:
    together = verdict(1, "Openness-high") + verdict(3, "Openness-high", "leading")
    model = one_after_the_other(together, "Reason: alone\nMain trait: Openness-low\nAlso: none")
    checked = await checker(model, 3).validate_together(about("a", "b", "c"))
    assert [d.state for d in checked] == ["passed", "wrong-level", "leading-question"]
    assert [d.verdict.reason if d.verdict else "" for d in checked] == ["r1", "alone", "r3"]
    asked = [read_tags(request.messages)["dialogue"] for request in model.asked]
    assert asked[0].count("Dialogue ") == 3 and asked[1] == "Questioner: How?\nSelf-discloser: b"
    again = await checker(model, 3).validate_together(about("c", "a"))
    assert [d.state for d in again] == ["leading-question", "passed"] and len(model.asked) == 2


async def test_a_check_of_several_that_the_endpoint_refuses_fails_them_all() -> None:
    def answer(request: ChatRequest) -> str:
        raise CallFailed("not-found", "no such model")

    checked = await checker(Replies(answer), 2).validate_together(about("a", "b"))
    assert [d.state for d in checked] == ["failed", "failed"]
    assert checked[0].detail.startswith("not-found")


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
