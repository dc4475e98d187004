"""Dialogues are written whole or turn by turn; the dual questioner never sees what it must not know."""

import pytest

from oceanchat.errors import CallFailed
from oceanchat.llm.chat import ChatAnswer, ChatRequest
from oceanchat.pipeline.synthesis import Mode, Writer
from oceanchat.prompts import open_prompts, read_tags
from oceanchat.records import SeedTopic, Turn
from oceanchat.traits import Level, Trait
from tests.oceanchat.pipeline.listed_replies import Replies, one_after_the_other

SEED = SeedTopic(
    id="1",
    order=0,
    sentence_id="s",
    essay_id="e",
    author="a",
    trait=Trait.N,
    level=Level.HIGH,
    facet="anxiety",
    strength=4,
    text="I keep checking the stove before I leave the house because it might burn down.",
)


TURNS = (Turn(role="questioner", text="How are you?"), Turn(role="discloser", text="Fine, thanks."))


def writer(model: Replies, mode: Mode = "screenplay", exchanges: int = 5) -> Writer:
    return Writer(model, open_prompts(), mode, exchanges, words=80, max_attempts=3)


async def test_an_unreadable_screenplay_is_asked_again_and_then_named() -> None:
    model = one_after_the_other("no", "Questioner: How are you?\nSelf-discloser: Fine, thanks.")
    written = await writer(model).write(SEED)
    assert written.state == "written" and written.turns == TURNS
    assert [request.sample for request in model.asked] == [0, 1]
    hopeless = await writer(Replies(lambda request: "no")).write(SEED)
    assert hopeless.state == "unparseable" and "3 replies" in hopeless.detail


def failing(reason: str) -> Replies:
    def answer(request: ChatRequest) -> ChatAnswer:
        raise CallFailed(reason, "why")

    return Replies(answer)


@pytest.mark.parametrize(
    ("model", "state", "detail"),
    [
        (Replies(lambda request: "I'm sorry, I can't write that."), "refused", "refused"),
        (Replies(lambda request: ChatAnswer("Questioner: a?", "length")), "failed", "length"),
        (failing("timeout"), "failed", "timeout"),
        (failing("content-filter"), "refused", "content-filter"),
    ],
    ids=["refusal", "length", "timeout", "content-filter"],
)
async def test_what_cannot_be_written_is_a_named_state(model: Replies, state: str, detail: str) -> None:
    written = await writer(model).write(SEED)
    assert (written.state, written.turns) == (state, ()) and written.detail.startswith(detail)


async def test_the_screenplay_prompt_carries_what_was_asked() -> None:
    model = Replies(lambda request: "Questioner: a?\nSelf-discloser: b.")
    await writer(model, exchanges=7).write(SEED)
    tags = read_tags(model.asked[0].messages)
    assert tags["exchanges"] == "7 exchanges, that is 14 lines: 7 questions, 7 answers"
    assert (tags["words"], tags["seed_topic"]) == ("80", SEED.text)
    assert (tags["trait"], tags["level"], tags["facet"]) == ("Neuroticism", "high", "anxiety")
    assert "Neuroticism" not in tags["other_traits"] and tags["other_traits"].count(",") == 3


async def test_the_dual_questioner_is_given_the_theme_and_the_talk_and_nothing_else() -> None:
    def answer(request: ChatRequest) -> str:
        number = len(read_tags(request.messages).get("conversation", "").splitlines())
        return {
            "theme": "Theme: mornings at home",
            "question": f"What about {number}?",
            "disclose": f"Well {number}.",
        }[request.task]

    model = Replies(answer)
    written = await writer(model, "dual", exchanges=4).write(SEED)
    assert [turn.text for turn in written.turns[:3]] == ["What about 0?", "Well 1.", "What about 2?"]
    assert len(written.turns) == 8
    questions = [request for request in model.asked if request.task == "question"]
    assert len(questions) == 4
    for request in questions:
        prompt = " ".join(message.content for message in request.messages)
        assert (
            SEED.text not in prompt and "anxiety" not in prompt.lower() and "neurotic" not in prompt.lower()
        )
        assert set(read_tags(request.messages)) == {"task", "theme", "number", "words", "conversation"}
    assert [read_tags(request.messages)["number"] for request in questions] == [
        "1 of 4", "2 of 4", "3 of 4", "4 of 4, the last"
    ]  # fmt: skip
    for request in model.asked:
        if request.task == "disclose":
            tags = read_tags(request.messages)
            assert tags["seed_topic"] == SEED.text and tags["level"] == "high"


@pytest.mark.parametrize("mode", ["screenplay", "dual"])
async def test_the_words_asked_for_of_each_answer_reach_the_writer(mode: Mode) -> None:
    replies = {"theme": "Theme: mornings at home", "write": "Questioner: a?\nSelf-discloser: b."}
    model = Replies(lambda request: replies.get(request.task, "What about it?"))
    await writer(model, mode, exchanges=3).write(SEED.model_copy(update={"answer_words": (12, 31, 9)}))
    asked = [read_tags(request.messages).get("answer_words") for request in model.asked]
    assert (
        asked
        == {
            "screenplay": ["12, 31, 9"],
            "dual": [None, None, "12", None, "31", None, "9"],
        }[mode]
    )


async def test_a_dual_dialogue_that_a_gate_rejects_costs_no_further_call() -> None:
    replies = {"theme": "Theme: mornings at home", "question": "What about it?", "disclose": "I'm just lazy."}
    model = Replies(lambda request: replies[request.task])
    written = await writer(model, "dual", exchanges=4).write(SEED)
    assert [request.task for request in model.asked] == ["theme", "question", "disclose"]
    assert written.rejection is not None and written.rejection.state == "gate:self-described"
    assert [turn.text for turn in written.turns] == ["What about it?", "I'm just lazy."]


async def test_a_dual_dialogue_without_a_neutral_theme_is_named() -> None:
    written = await writer(Replies(lambda request: "Theme: x"), "dual").write(SEED)
    assert written.state == "unparseable" and "theme" in written.detail
