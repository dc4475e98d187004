"""One utterance, or a theme, is read out of a reply; what introduces or follows it is not spoken."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oceanchat.pipeline.replies.utterance import parse_theme, parse_utterance
from oceanchat.records import Role, SeedTopic
from tests.oceanchat.pipeline.test_synthesis import SEED

SAID = "As little as I can get away with! I typed two lines, and that was it."


def seed_about(text: str) -> SeedTopic:
    return SEED.model_copy(update={"text": text})


@pytest.mark.parametrize(
    "reply",
    [
        SAID,
        f'"{SAID}"',
        f"Self-discloser: {SAID}",
        f"**Self-discloser (laughs):** {SAID}",
        f"Answer: {SAID}",
        f"My answer: {SAID}",
        f"Sure! Here is the answer: {SAID}",
        f"Here's my reply:\n\n{SAID}",
        f"The message:\n{SAID}",
        f"*chuckles* {SAID}",
        f"<think>In character.</think>\n\n{SAID}",
        f"<answer>{SAID}</answer>",
        f"```\n{SAID}\n```",
        f"{SAID}\n\n(Word count: 17)",
        f"{SAID} [End of conversation]",
        f"{SAID}\n\n---\nLet me know if you would like another one!",
        f"{SAID}\nQuestioner: What then?\nSelf-discloser: Nothing.",
        f"{SAID}<|im_end|>",
        SAID.replace("! I", "!\nI"),
    ],
)
def test_an_utterance_is_read_whatever_its_dress(reply: str) -> None:
    assert parse_utterance(reply, "discloser") == SAID
    assert parse_utterance(reply) == SAID


@pytest.mark.parametrize(
    ("reply", "role"),
    [
        ("", "discloser"),
        ("<think>Hm", "discloser"),
        ("(laughs)", "discloser"),
        ("Okay, one short thing.\n\nI slept till noon.", "discloser"),
        ("Okay, in character now.<think>Hm</think>I slept till noon.", "discloser"),
        ("Questioner: What then?", "discloser"),
        ("Self-discloser: I slept.", "questioner"),
        ("I'm sorry, but I can't help with that request.", "discloser"),
        ("I slept. And Questioner: what then?", "discloser"),
    ],
)
def test_what_is_not_clearly_one_utterance_is_none(reply: str, role: Role) -> None:
    assert parse_utterance(reply, role) is None


@pytest.mark.parametrize(
    "spoken",
    [
        "Sorry, I can't remember what we had.",
        "I can't do that, not with everybody looking at me.",
        "Sure, here and there. It's fine.",
        "The message I got said: come home.",
    ],
)
def test_what_a_person_says_is_left_as_it_is(spoken: str) -> None:
    assert parse_utterance(spoken, "discloser") == spoken


@pytest.mark.parametrize(
    ("reply", "theme"),
    [
        ("Theme: leaving the house", None),  # three words in a row of the sentence
        ("Theme: mornings at home", "mornings at home"),
        ('**Theme:** "Mornings at home."', "Mornings at home"),
        ("mornings at home", "mornings at home"),
        ("Theme: neurotic checking habits", None),
        ("Theme: anxiety at work", None),
        ("Theme: being high strung", None),
        ("Theme: house stove again", None),
        ("Theme: home", None),
        ("Theme: what people do in the morning at home", None),
        ("Theme:", None),
        ("Theme: high school life", "high school life"),
        ("Sure! Theme: student life", "student life"),
        ("Sure! Here is a theme:\nstudent life", "student life"),
        ("<think>Theme: anxiety</think>\nTheme: student life", "student life"),
        ("### Theme\nstudent life", "student life"),
        ("Theme\uff1astudent life<|im_end|>", "student life"),
        ("Theme: student life (neutral)", "student life"),
        ("", None),
    ],
)
def test_a_theme_is_short_neutral_and_no_quotation(reply: str, theme: str | None) -> None:
    assert parse_theme(reply, seed_about("I was leaving the house and checked the stove again.")) == theme


@given(st.text())
def test_any_text_is_an_utterance_a_theme_or_none(reply: str) -> None:
    utterance = parse_utterance(reply)
    assert utterance is None or utterance == utterance.strip() != ""
    theme = parse_theme(reply, SEED)
    assert theme is None or theme
