"""Character that is stated is told from character that is shown."""

import pytest

from oceanchat.pipeline.replies.character_words import leading_words, self_description


@pytest.mark.parametrize(
    "text",
    [
        "I'm just lazy, I guess.",
        "Honestly, I\u2019m so unreliable it's not even funny.",
        "I've always been a huge procrastinator.",
        "I'm really disorganized with that stuff.",
        "I guess I'm a very shy person.",
        "I am not the ambitious type.",
        "I'd call myself easygoing.",
    ],
)
def test_who_sums_themselves_up_is_heard(text: str) -> None:
    assert self_description(text) is not None


@pytest.mark.parametrize(
    "text",
    [
        "I'm responsible for the keys this week.",
        "I was so nervous that I spilled my tea.",
        "I'm worried about the bus, and I'm afraid of dogs.",
        "My brother's lazy, he says so himself.",
        "I'm calm when the boat rocks.",
        "I'm not sure. I'm at home in bed.",
        "I felt shy that day.",
    ],
)
def test_what_somebody_feels_or_does_is_no_summary(text: str) -> None:
    assert self_description(text) is None


@pytest.mark.parametrize(
    "text",
    [
        "It sounds like you were really anxious. What did you do then?",
        "You must be a very sensitive person. How did it go on?",
        "So you tend to put things off a lot, don't you?",
        "It's normal to feel anxious in a new place. What do you do?",
        "Aren't you worried?",
        "You seem quite calm telling me that.",
        "That was very kind of you. What did she say?",
        "You left it on the desk, didn't you?",
    ],
)
def test_a_leading_questioner_is_heard(text: str) -> None:
    assert leading_words(text) is not None


@pytest.mark.parametrize(
    "text",
    [
        "What did you do then?",
        "That sounds uncomfortable. Where did you go?",
        "You must know every inch of that shelf. What stands on it?",
        "Do you read a lot?",
        "It sounds like you had a long day. How was the evening?",
        "How do you feel about it?",
        "Were you there when it happened?",
    ],
)
def test_an_open_question_is_none(text: str) -> None:
    assert leading_words(text) is None
