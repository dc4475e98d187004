"""The answer is taken out of a reply: thoughts, tokens, fences, tags and entities are not part of it."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oceanchat.llm.answer_text import answer_text, never_stops_thinking, without_thoughts

ANSWER = "Reason: worry\nLabel: anxiety-high"


@pytest.mark.parametrize(
    "reply",
    [
        ANSWER,
        f"<think>\n\n</think>\n\n{ANSWER}",
        f"<think>\nLabel: neutral? No.\n</think>\n{ANSWER}",
        f"<think>The tag <think> opens it.</think>\n{ANSWER}",
        f"Label: neutral, I suppose.\n</think>\n\n{ANSWER}",
        f"{ANSWER}\n<think>That will do.</think>",
        f"<reasoning effort='low'>Hm.</reasoning>{ANSWER}",
        f"[THINK]Label: neutral[/THINK]{ANSWER}",
        f"\u25c1think\u25b7Hm\u25c1/think\u25b7{ANSWER}",
        f"<|channel|>analysis<|message|>Label: neutral<|end|><|start|>assistant"
        f"<|channel|>final<|message|>{ANSWER}<|return|>",
        f"analysisThe user wants a label.assistantfinal{ANSWER}",
        f"<|im_start|>assistant\n{ANSWER}<|im_end|>",
        f"{ANSWER}<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\nAnything else?",
        f"{ANSWER}</s>",
        f"```text\n{ANSWER}\n```",
        f"```\n<|im_start|>assistant\n{ANSWER}\n```",
        f"~~~\n{ANSWER}\n~~~",
        f"Here it is:\n<answer>\n{ANSWER}\n</answer>\nDone.",
        f"<output>{ANSWER}",
        ANSWER.replace("\n", "\r\n"),
        ANSWER.replace("\n", "<br>"),
        ANSWER.replace("\n", "\\n"),
        "<b>Reason:</b> worry<p>Label: anxiety-high</p>",
        "Reason: worry\nLabel\u200b: anxiety-high\ufeff",
        "Reason&#58; worry\nLabel: anxiety&#45;high",
        '{"Reason": "worry", "Label": "anxiety-high"}',
        '```json\n{"Reason": "worry",\n "Label": "anxiety-high"}\n```',
    ],
)
def test_what_is_around_an_answer_is_taken_off(reply: str) -> None:
    assert answer_text(reply) == ANSWER


@pytest.mark.parametrize(
    "reply",
    [
        "<think>Label: neutral",
        "Label: neutral\n<think>But wait",
        "<think>a</think>",
        "<|channel|>analysis<|message|>Hm.",
    ],
)
def test_thoughts_that_never_end_are_no_answer(reply: str) -> None:
    assert answer_text(reply) == ""


def test_only_thoughts_are_told_from_nothing() -> None:
    assert never_stops_thinking("<think>Hm") and never_stops_thinking("<think>Hm</think> ")
    assert not never_stops_thinking("") and not never_stops_thinking("I think so.")


@pytest.mark.parametrize(
    ("reply", "text"),
    [
        ("Tom &amp; I said &quot;no&quot;", 'Tom & I said "no"'),
        ("Tom &amp;amp; I", "Tom & I"),
        ("I &heart you", "I &heart you"),
        ("I &lt;3 tea", "I <3 tea"),
        ("don&#39;t\u2028go", "don't go"),
        ("the \\*whole\\* time", "the *whole* time"),
    ],
)
def test_escapes_are_turned_back(reply: str, text: str) -> None:
    assert answer_text(reply) == text


def test_a_score_in_json_survives_the_loss_of_its_thoughts() -> None:
    assert without_thoughts('<think>{"score": 1}</think>Good.\n{"score": 4}') == 'Good.\n{"score": 4}'


@pytest.mark.parametrize(
    "reply",
    [
        "&lt;think&gt;no&lt;/think&gt;\nyes",
        "&amp;lt;think&amp;gt;no&amp;lt;/think&amp;gt;yes",
        "<|begin_of_thought|>no<|end_of_thought|><|begin_of_solution|>yes<|end_of_solution|>",
        '<details type="reasoning" done="true">\n<summary>Thought for 3 s</summary>\nno\n</details>\nyes',
        "Thinking...\nno\n...done thinking.\n\nyes",
    ],
)
def test_thoughts_in_other_clothes_are_no_answer(reply: str) -> None:
    assert answer_text(reply) == "yes"


@given(st.text())
def test_any_reply_has_an_answer_or_none(reply: str) -> None:
    assert answer_text(reply) == answer_text(reply).strip()


@given(st.from_regex(r"[A-Za-z][A-Za-z ,.'?-]{0,80}", fullmatch=True))
def test_plain_words_are_left_as_they_are(words: str) -> None:
    assert answer_text(words) == words.strip()


@pytest.mark.parametrize(
    "repeated", ["<think>", "</think>", "```", "<answer>", "&amp;", "<|a|>", "[[", '{"a":']
)
def test_a_long_reply_takes_time_in_proportion(repeated: str) -> None:
    begun = time.process_time()
    answer_text(repeated * (100_000 // len(repeated)))
    assert time.process_time() - begun < 5
