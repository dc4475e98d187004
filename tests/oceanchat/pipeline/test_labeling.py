"""Sentences are asked about until a label is read, alone or together; what stays unread is named."""

import pytest

from oceanchat.errors import CallFailed
from oceanchat.llm.chat import ChatAnswer, ChatRequest
from oceanchat.pipeline.labeling import OrderedSentence
from oceanchat.prompts import read_tags
from tests.oceanchat.pipeline.labelers import labeler, sentence
from tests.oceanchat.pipeline.listed_replies import Replies, one_after_the_other


async def test_an_unreadable_reply_is_asked_again_under_a_new_sample_number() -> None:
    model = one_after_the_other("hm", "well", "Label: ideas-high\nStrength: 5")
    (candidate,) = await labeler(model).label([[OrderedSentence(0, sentence(0))]])
    assert (candidate.state, candidate.facet, candidate.strength) == ("off-target", "ideas", 5)
    assert [request.sample for request in model.asked] == [0, 1, 2]
    assert model.outcomes == ["retried", "retried"]


@pytest.mark.parametrize(
    ("answer", "reason", "calls"),
    [
        (ChatAnswer("hm"), "unparseable", 3),
        (ChatAnswer("I'm sorry, but I cannot help with that."), "refused", 1),
        (ChatAnswer("", refusal="no"), "refused", 1),
        (ChatAnswer("Label: id", finish_reason="length"), "length", 1),
        (ChatAnswer("", finish_reason="content_filter"), "content-filter", 1),
    ],
)
async def test_a_reply_of_no_use_is_a_named_state(answer: ChatAnswer, reason: str, calls: int) -> None:
    model = Replies(lambda request: answer)
    (candidate,) = await labeler(model).label([[OrderedSentence(0, sentence(0))]])
    assert (candidate.state, candidate.reason, len(model.asked)) == ("failed", reason, calls)


async def test_a_failed_call_fails_its_row_and_no_other() -> None:
    def answer(request: ChatRequest) -> str:
        if "w1 " in read_tags(request.messages)["sentence"]:
            raise CallFailed("bad-request", "no")
        return "Label: neutral"

    candidates = await labeler(Replies(answer)).label([[OrderedSentence(n, sentence(n))] for n in range(3)])
    assert [c.state for c in candidates] == ["neutral", "failed", "neutral"]
    assert candidates[1].reason == "bad-request"


async def test_several_sentences_share_a_call_and_the_unclear_are_asked_one_by_one() -> None:
    model = one_after_the_other(
        "1. fantasy-high 3 | a\n2. who knows\n3. neutral | c", "hm", "Label: ideas-low\nStrength: 2"
    )
    candidates = await labeler(model, per_call=3).label([[OrderedSentence(n, sentence(n)) for n in range(3)]])
    assert [c.facet for c in candidates] == ["fantasy", "ideas", None]
    assert [request.task for request in model.asked] == ["label_many", "label", "label"]
    assert read_tags(model.asked[1].messages)["sentence"] == "w1 v1"
    assert len({c.prompt for c in candidates}) == 2, "a candidate tells which prompt labeled it"
    shuffled = [OrderedSentence(9, sentence(2)), OrderedSentence(8, sentence(0))]
    again = await labeler(model, per_call=3).label([shuffled])
    assert [c.facet for c in again] == [None, "fantasy"] and len(model.asked) == 3


@pytest.mark.parametrize(
    "reply",
    [
        ChatAnswer("I would not say."),
        ChatAnswer("I'm sorry, but I cannot help with that."),
        ChatAnswer("1. fant", finish_reason="length"),
        ChatAnswer("", finish_reason="content_filter"),
    ],
)
async def test_what_a_call_about_several_does_not_say_is_asked_one_by_one(reply: ChatAnswer) -> None:
    def answer(request: ChatRequest) -> ChatAnswer | str:
        return reply if request.task == "label_many" else "Label: neutral"

    model = Replies(answer)
    asking = labeler(model, per_call=2)
    groups = [[OrderedSentence(n, sentence(n)) for n in range(2)]]
    assert [c.state for c in await asking.label(groups)] == ["neutral", "neutral"]
    assert not asking.reads_together
    assert [c.state for c in await asking.label(groups, together=False)] == ["neutral", "neutral"]
    assert [request.task for request in model.asked] == ["label_many", *["label"] * 4]


async def test_a_call_about_several_that_the_endpoint_refuses_fails_them_all() -> None:
    def answer(request: ChatRequest) -> str:
        raise CallFailed("not-found", "no such model")

    candidates = await labeler(Replies(answer), per_call=2).label(
        [[OrderedSentence(n, sentence(n)) for n in range(2)]]
    )
    assert [(c.state, c.reason) for c in candidates] == [("failed", "not-found")] * 2
