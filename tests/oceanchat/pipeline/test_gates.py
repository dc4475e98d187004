"""Each gate closes on what it is for, and on nothing else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oceanchat.pipeline.gates import GATES, NEAR_DUPLICATE, Bounds, GateRunner, early_rejection
from oceanchat.records import Turn

BOUNDS = Bounds(exchanges=5, words=80)
ESSAY = "Yesterday I walked along the river with my sister and we counted every single boat that went by us."


def conversation(count: int = 10, **changed: str) -> list[Turn]:
    """A sound dialogue of `count` turns; `t3="..."` changes turn 3."""
    turns = []
    for number in range(count):
        asks = number % 2 == 0
        text = (
            f"What happened on day {number}?"
            if asks
            else f"On day {number} we painted fence number {number * 7}."
        )
        turns.append(Turn(role="questioner" if asks else "discloser", text=changed.get(f"t{number}", text)))
    return turns


def rejecting(turns: list[Turn], essay: str = ESSAY, bounds: Bounds = BOUNDS) -> str | None:
    rejection = GateRunner(bounds).rejection("x", turns, essay)
    return rejection.gate if rejection else None


@pytest.mark.parametrize("count", range(6, 13))
def test_six_to_twelve_turns_pass_at_five_exchanges(count: int) -> None:
    assert rejecting(conversation(count)) is None


@pytest.mark.parametrize("count", [2, 5, 13, 20])
def test_other_lengths_are_rejected(count: int) -> None:
    assert rejecting(conversation(count)) == "length"


@pytest.mark.parametrize(
    ("changed", "gate"),
    [
        ({"t0": "Tell me about day one."}, "opening"),
        ({"t3": "word " * 81}, "words"),
        ({"t3": "I guess that is my Neuroticism speaking."}, "named"),
        ({"t2": "Are you an introvert?"}, "named"),
        ({"t3": "My level of openness, well."}, "named"),
        ({"t3": "As an AI I have no fence."}, "assistant"),
        ({"t3": "I\u2019m sorry, but I can\u2019t help with that."}, "assistant"),
        ({"t3": "I went to church here in LOCNAME."}, "leftovers"),
        ({"t3": "Fine. Questioner: And then?"}, "leftovers"),
        ({"t9": "Fine. --- Let me know."}, "leftovers"),
        ({"t3": "(shrugs) Fine."}, "stage"),
        ({"t3": "Fine. *looks down*"}, "stage"),
        ({"t3": "I'm just lazy, I guess."}, "self-described"),
        ({"t3": "I\u2019ve always been a worrier."}, "self-described"),
        ({"t2": "It sounds like you were really anxious. And then?"}, "leading"),
        ({"t2": "You put things off, don't you?"}, "leading"),
        ({"t9": "We counted every single boat that went by us, all day."}, "copied"),
    ],
)
def test_each_gate_rejects_on_its_own(changed: dict[str, str], gate: str) -> None:
    assert rejecting(conversation(**changed)) == gate


def test_what_repeats_its_essay_is_called_copied_whatever_else_is_wrong_with_it() -> None:
    """By that state its words are withheld from releases of essays that may not be passed on."""
    turns = conversation(t0="No question.", t9="We counted every single boat that went by us, all day.")
    early = early_rejection(turns, BOUNDS)
    assert early is not None and early.gate == "opening"
    for before in (None, early):
        rejection = GateRunner(BOUNDS).rejection("x", turns, ESSAY, early=before)
        assert rejection is not None and rejection.gate == "copied"
    assert GateRunner(BOUNDS).rejection("x", turns, "", early=early) == early


@pytest.mark.parametrize(
    "text",
    [
        "I leave the door open and the openness of the valley comes in."[:30],
        "We had a high level of water in the cellar.",
        "I'm sorry I came late, the bus broke down.",
        "Sorry, I can't remember what we had.",
        "I can't help thinking about the fence (and the gate).",
        "I was so nervous that I painted it twice.",
        "We counted every boat there was.",
        "word " * 80,
    ],
)
def test_ordinary_talk_passes(text: str) -> None:
    assert rejecting(conversation(t3=text)) is None


@pytest.mark.parametrize(
    ("asked", "passes"),
    [
        ((), True),
        ((8,) * 5, True),
        ((4,) * 5, True),  # four words are nothing
        ((11, 3, 17, 8, 6), True),
        ((12,) * 5, True),
        ((13,) * 5, False),
        ((3,) * 5, False),
    ],
)
def test_answers_are_about_as_long_as_they_were_asked_to_be(asked: tuple[int, ...], passes: bool) -> None:
    """Every answer of the conversation has eight words."""
    rejection = GateRunner(BOUNDS).rejection("x", conversation(), ESSAY, asked)
    assert (rejection is None) == passes
    if rejection is not None:
        assert rejection.state == "gate:answer-length"
        assert rejection.reason == f"8 words an answer, {asked[0]} were asked for"


def test_wrong_roles_are_rejected_wherever_they_stand() -> None:
    turns = conversation()
    assert rejecting(turns[1:]) == "roles"
    assert rejecting([*turns[:4], turns[2], *turns[4:]]) == "roles"


def test_a_near_duplicate_of_one_that_passed_is_rejected_in_order() -> None:
    runner = GateRunner(BOUNDS)
    assert runner.rejection("first", conversation(), "") is None
    rejection = runner.rejection("second", conversation(t9="Another ending altogether, as it happens."), "")
    assert rejection is not None and rejection.gate == NEAR_DUPLICATE and "first" in rejection.reason


def test_what_a_gate_rejected_is_not_remembered() -> None:
    runner = GateRunner(BOUNDS)
    assert runner.rejection("first", conversation(t0="No question."), "") is not None
    assert runner.rejection("second", conversation(), "") is None


def test_a_dialogue_that_is_being_written_is_rejected_for_what_further_turns_cannot_mend() -> None:
    assert early_rejection(conversation(1), BOUNDS) is None
    assert early_rejection(conversation(3), BOUNDS) is None
    early = early_rejection(conversation(2, t1="I'm just lazy."), BOUNDS)
    assert early is not None and (early.gate, early.state) == ("self-described", "gate:self-described")
    assert early_rejection(conversation(1, t0="Tell me."), BOUNDS) == (
        "opening",
        "the first turn is no question",
    )


@given(
    st.lists(st.tuples(st.sampled_from(["questioner", "discloser"]), st.text(min_size=1)), min_size=1),
    st.text(),
)
def test_any_dialogue_gets_a_verdict(turns: list[tuple[str, str]], essay: str) -> None:
    dialogue = [
        Turn(role="questioner" if role == "questioner" else "discloser", text=text) for role, text in turns
    ]
    assert rejecting(dialogue, essay) in {None, NEAR_DUPLICATE, *(name for name, _ in GATES)}
