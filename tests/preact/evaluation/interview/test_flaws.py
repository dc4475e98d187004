"""Flaws of answers: what is counted as one, what is not, and what nobody can say."""

from pathlib import Path
from typing import Any

import pytest

from preact.evaluation.clear_answers import clear_answers
from preact.evaluation.interview.flaws import FLAWS, FlawCount, flaw_counts, flaws_of
from preact.evaluation.interview.interviewing import InterviewAnswer, hold_interview
from preact.persona import parse_persona, persona_prompt
from preact.systems.local import open_local
from preact.systems.system import Sampling
from tests.preact.evaluation.stand_ins import Parrot, small_inventory


def answer(text: str, **more: Any) -> InterviewAnswer:
    return InterviewAnswer(
        trait_level="O+", run=0, item="1", question="?", answer=text, state="answered", **more
    )


@pytest.mark.parametrize(
    ("text", "flaw"),
    [
        ("I like to walk by the sea and I like to walk by the sea and I like to walk.", "repeats"),
        ("I am curious and full of imagination, that is me.", "prompt-leak"),
        ("My Conscientiousness is low.", "prompt-leak"),
        ("<persona>high Openness</persona>", "prompt-leak"),
        ("You should plan your day, and you will see that your work gets done.", "second-person"),
        ("Here are a few tips: breathe, plan, rest.", "assistant"),
        ("1. Breathe slowly.\n2. Make a plan.", "assistant"),
        ("How can I help you today?", "assistant"),
        ("I was trained on many texts.", "machine"),
    ],
)
def test_a_flaw_is_named(text: str, flaw: str) -> None:
    assert flaw in flaws_of(answer(text))


def test_answers_that_people_wrote_have_none() -> None:
    assert {flaw for clear in clear_answers() for flaw in flaws_of(answer(clear.answer))} == set()
    assert flaws_of(answer("Of course I help. You know me, I would drop it all for a friend.")) == frozenset()


def test_the_whole_persona_prompt_is_a_leak() -> None:
    assert "prompt-leak" in flaws_of(answer(persona_prompt(parse_persona("N-"))))


def test_cut_and_not_fluent_are_told_by_what_the_system_says() -> None:
    assert flaws_of(answer("I like", finish_reason="length")) == {"cut"}
    odd = answer("Purple engine of the of sideways", loss=6.0)
    assert flaws_of(odd, 5.0) == {"not-fluent"} and flaws_of(odd, 7.0) == flaws_of(odd) == frozenset()


async def test_what_nobody_can_say_is_not_counted(tmp_path: Path) -> None:
    interview = await hold_interview(
        Parrot(says="As an AI, I am."), small_inventory(), tmp_path / "a", runs=1
    )
    counts = flaw_counts(interview)
    assert list(counts) == list(FLAWS)
    assert counts["cut"] == counts["not-fluent"] == FlawCount(0, 0) and counts["machine"] == FlawCount(20, 20)


async def test_a_local_system_says_how_answers_end_and_how_likely_they_are(
    runs: dict[str, Path], tmp_path: Path
) -> None:
    system = open_local(str(runs["preact"]), Sampling(max_tokens=3))
    interview = await hold_interview(system, small_inventory(), tmp_path / "a", runs=1)
    answers = [one for one in interview.answers if one.state == "answered"]
    assert answers and all(one.loss is not None and one.loss > 0 for one in answers)
    assert {one.finish_reason for one in answers} <= {"length", "stop"} and len(interview.fluent) == 30
    assert flaw_counts(interview)["cut"].shown > 0
