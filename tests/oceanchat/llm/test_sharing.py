"""Several things share a call; what each was told is known in any company."""

import pytest

from oceanchat.errors import CallFailed
from oceanchat.llm.chat import ChatAnswer, ChatRequest, Message
from oceanchat.llm.sharing import SharedForm, ask_about_all
from tests.oceanchat.pipeline.listed_replies import Replies, one_after_the_other

FORM: SharedForm[str, str] = SharedForm(
    lambda items: ChatRequest((Message("user", " ".join(items)),), "words", 10, 0.0),
    lambda reply, count: [
        word if word.isalpha() else None for word in (reply.split() + ["?"] * count)[:count]
    ],
    lambda word: word,
)


def asked(model: Replies) -> list[str]:
    return [request.messages[0].content for request in model.asked]


async def test_what_is_known_of_all_is_not_asked_and_stays_as_it_was() -> None:
    model = one_after_the_other("x ? z", "v w")
    assert await ask_about_all(model, FORM, ["a", "b", "c"]) == (["x", None, "z"], None)
    assert await ask_about_all(model, FORM, ["c", "a"]) == (["z", "x"], None)
    assert await ask_about_all(model, FORM, ["d", "a"]) == (["v", "x"], None), "a is known already"
    assert asked(model) == ["a b c", "d a"]


@pytest.mark.parametrize(
    ("answer", "lost"),
    [
        (ChatAnswer("x y", finish_reason="length"), False),
        (ChatAnswer("", refusal="no"), False),
        (CallFailed("content-filter", "no"), False),
        (CallFailed("not-found", "no"), True),
        (CallFailed("timeout", "no"), True),
    ],
)
async def test_a_call_that_fails_says_whether_asking_one_by_one_may_help(
    answer: ChatAnswer | CallFailed, lost: bool
) -> None:
    def reply(request: ChatRequest) -> ChatAnswer:
        if isinstance(answer, CallFailed):
            raise answer
        return answer

    readings, failure = await ask_about_all(Replies(reply), FORM, ["a", "b"])
    assert readings == [None, None] and (failure is not None) == lost


async def test_a_reply_that_says_nothing_of_any_was_asked_for_in_vain() -> None:
    model = one_after_the_other("? ?")
    await ask_about_all(model, FORM, ["a", "b"])
    assert model.outcomes == ["retried"]
