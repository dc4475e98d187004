"""Dialogues are read forgivingly; the dual mode's questioner never sees what it must not know."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oceanchat.errors import CallFailed
from oceanchat.llm.chat import ChatAnswer, ChatRequest
from oceanchat.pipeline.synthesis import Mode, Writer, parse_dialogue, parse_theme, parse_utterance
from oceanchat.prompts import open_prompts, read_tags
from oceanchat.records import SeedTopic, Turn
from oceanchat.traits import Level, Trait
from tests.oceanchat.pipeline.replies import Replies, one_after_the_other

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


def seed_about(text: str) -> SeedTopic:
    return SEED.model_copy(update={"text": text})


TURNS = (Turn(role="questioner", text="How are you?"), Turn(role="discloser", text="Fine, thanks."))


@pytest.mark.parametrize(
    "reply",
    [
        "Questioner: How are you?\nSelf-discloser: Fine, thanks.",
        "**Questioner:** How are you?\n\n**Self-Discloser:** Fine, thanks.",
        "Here is the dialogue.\n1. Questioner: How are you?\n2. Self discloser: Fine,\n   thanks.",
        "Character1: How are you?\nCharacter2: Fine, thanks.",
        'Q: "How are you?"\nA: Fine, thanks.',
    ],
)
def test_a_dialogue_is_read_whatever_its_dress(reply: str) -> None:
    assert parse_dialogue(reply) == TURNS


@pytest.mark.parametrize(
    "reply", ["", "Just talk.", "Questioner: Alone?", "Questioner:\nSelf-discloser: Yes."]
)
def test_what_is_no_dialogue_is_none(reply: str) -> None:
    assert parse_dialogue(reply) is None


@given(st.text())
def test_any_text_is_a_dialogue_an_utterance_a_theme_or_none(reply: str) -> None:
    turns = parse_dialogue(reply)
    assert turns is None or (len(turns) >= 2 and all(turn.text for turn in turns))
    utterance = parse_utterance(reply)
    assert utterance is None or utterance == utterance.strip() != ""
    theme = parse_theme(reply, SEED)
    assert theme is None or theme


@given(st.lists(st.sampled_from(["questioner", "discloser"]), min_size=2, max_size=9))
def test_a_written_dialogue_is_read_back(roles: list[str]) -> None:
    labels = {"questioner": "Questioner", "discloser": "Self-discloser"}
    text = "\n".join(f"{labels[role]}: turn {n}." for n, role in enumerate(roles))
    turns = parse_dialogue(text)
    assert turns is not None and [turn.role for turn in turns] == roles


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
    ],
)
def test_a_theme_is_short_neutral_and_no_quotation(reply: str, theme: str | None) -> None:
    assert parse_theme(reply, seed_about("I was leaving the house and checked the stove again.")) == theme


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
    assert (tags["exchanges"], tags["words"], tags["seed_topic"]) == ("7", "80", SEED.text)
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
        assert set(read_tags(request.messages)) == {"task", "theme", "exchanges", "words", "conversation"}
    for request in model.asked:
        if request.task == "disclose":
            tags = read_tags(request.messages)
            assert tags["seed_topic"] == SEED.text and tags["level"] == "high"


async def test_a_dual_dialogue_without_a_neutral_theme_is_named() -> None:
    written = await writer(Replies(lambda request: "Theme: x"), "dual").write(SEED)
    assert written.state == "unparseable" and "theme" in written.detail
