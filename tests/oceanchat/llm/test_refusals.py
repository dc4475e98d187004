"""A declining assistant is told from a person who is sorry."""

import pytest

from oceanchat.llm.refusals import begins_like_a_refusal, is_refusal

REFUSED = [
    "I'm sorry, but I can't help with that.",
    "I\u2019m sorry, I cannot do this.",
    "I'm really sorry that you're feeling this way, but I'm unable to provide the help that you need.",
    "I can't assist with that request.",
    "I cannot generate this content.",
    "Sorry, I won't write that.",
    "As an AI, I have no opinion.",
    "I must decline to write this dialogue.",
    "I apologize, but I am unable to complete this task.",
]
SPOKEN = [
    "Sorry, I can't remember what we had.",
    "I can't do that, not with everybody looking at me.",
    "I can't help thinking about the stove.",
    "I'm sorry I came late to the party.",
    "I won't do it again, I told her.",
    "I cannot write to save my life, so I rang her.",
    "I'm not able to sleep when the wind blows.",
    "Sorry, I was miles away.",
    "I can't answer the phone before ten.",
]


@pytest.mark.parametrize("text", REFUSED)
def test_refusals_are_known(text: str) -> None:
    assert is_refusal(text) and begins_like_a_refusal(text)


@pytest.mark.parametrize("text", SPOKEN)
def test_what_a_person_says_is_no_refusal(text: str) -> None:
    assert not is_refusal(text)
