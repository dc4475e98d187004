"""The scripted checker and judge: by evidence alone, mostly right, unsure where nothing is said."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oceanchat.pipeline.back_validation import parse_verdict
from oceanchat.pipeline.replies.verdict import parse_verdicts
from oceanchat.prompts import open_prompts
from oceanchat.scripted.checking import trait_levels_shown
from oceanchat.scripted.examples import weights
from oceanchat.scripted.judging import answers_in
from oceanchat.scripted.lexica import FACET_LEVELS
from oceanchat.scripted.model import reply_to
from tests.oceanchat.scripted.test_conversation import SEEDS, dialogue

WORRIED = (
    "I lay awake worrying, what if something goes wrong, my heart was pounding and I checked the stove again."
)
CALM = "I slept fine, I wasn't worried. We'll see how it goes, it works out, and I had a sandwich."


def check(text: str) -> str:
    return reply_to(open_prompts(None)["check"].fill(dialogue=text))


def score(answers: str, trait: str = "Neuroticism") -> float | None:
    filled = open_prompts(None)["judge_batch"].fill(trait=trait, definition="d", facets="f", answers=answers)
    value = json.loads(reply_to(filled).splitlines()[-1])["score"]
    assert value is None or 1 <= value <= 5
    return None if value is None else float(value)


def test_most_scripted_dialogues_are_recognised_but_not_all_of_them() -> None:
    right = total = 0
    for facet_level in FACET_LEVELS.values():
        for seed in SEEDS:
            answers = [turn.text for turn in dialogue(facet_level, seed) if turn.role == "discloser"]
            total += 1
            right += [each.trait_level for each in trait_levels_shown(answers)] == [facet_level.trait_level]
    assert 0.80 <= right / total < 1


def test_only_the_answers_count() -> None:
    assert "Neuroticism-high" in check(f"Questioner: How are you?\nSelf-discloser: {WORRIED}")
    assert "Neuroticism" not in check(f"Questioner: {WORRIED}\nSelf-discloser: It is on the second floor.")


def test_nothing_said_is_nothing_shown() -> None:
    for text in ("", "Questioner: Hello?", "Questioner: Hello?\nSelf-discloser: Zzz qqq."):
        seen = parse_verdict(check(text))
        assert seen is not None and not seen.shown


def test_words_that_are_as_common_weigh_the_same_on_every_python() -> None:
    for column in zip(*weights().values(), strict=True):
        assert len(set(column)) == len({round(weight, 6) for weight in column})


def test_several_dialogues_are_each_judged_as_if_alone() -> None:
    texts = [f"Questioner: How are you?\nSelf-discloser: {text}" for text in (WORRIED, "Zzz qqq.", CALM)]
    numbered = "\n\n".join(f"Dialogue {number}\n{text}" for number, text in enumerate(texts, 1))
    assert parse_verdicts(check(numbered), 3) == [parse_verdict(check(text)) for text in texts]


def test_a_verdict_is_what_the_parser_reads() -> None:
    seen = parse_verdict(check(f"Questioner: How are you?\nSelf-discloser: {WORRIED}"))
    assert seen is not None
    assert seen.shown
    assert seen.reason


@settings(max_examples=80, deadline=None)
@given(st.text(max_size=300))
def test_any_dialogue_gets_a_readable_verdict(text: str) -> None:
    assert parse_verdict(check(text)) is not None


def test_the_judge_puts_worry_above_calm() -> None:
    worried, calm = score(f"1. Q: How are you?\nA: {WORRIED}"), score(f"1. Q: How are you?\nA: {CALM}")
    assert worried is not None
    assert calm is not None
    assert calm < 3 < worried


def test_the_judge_has_no_score_without_an_answer() -> None:
    assert score("") is None
    assert score("1. Question: Are you nervous?\nAnswer:") is None
    assert score("Anything at all.", trait="Sleepiness") is None


def test_the_judge_has_no_score_without_evidence() -> None:
    assert score("Answer: Zzz qqq.") is None
    assert score("Answer: The bus leaves from the bridge.", "Agreeableness") is None


def test_the_judge_is_less_sure_of_a_few_words_than_of_many() -> None:
    few, many = score("Answer: I worry."), score(f"Answer: {WORRIED} {WORRIED}")
    assert few is not None and many is not None
    assert 3 < few < 4 < many


@pytest.mark.parametrize(
    ("text", "answers"),
    [
        ("1. Question: Do you?\n   Answer: I do.", ["I do."]),
        ("Q1: Do you?\nA1: I do.\nReally.", ["I do.", "Really."]),
        ("Just an answer.", ["Just an answer."]),
        ("Question: Do you\nreally?\nAnswer: Yes.", ["Yes."]),
    ],
)
def test_questions_are_told_from_answers(text: str, answers: list[str]) -> None:
    assert answers_in(text) == answers
