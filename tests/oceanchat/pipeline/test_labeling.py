"""Labels are read forgivingly and never guessed, whatever the reply looks like."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oceanchat.errors import CallFailed
from oceanchat.llm.chat import ChatAnswer, ChatRequest
from oceanchat.pipeline.labeling import FacetLabel, OrderedSentence, parse_label, parse_labels
from oceanchat.prompts import read_tags
from oceanchat.traits import FACETS, Level, Trait, facet_named
from tests.oceanchat.pipeline.labelers import labeler, sentence
from tests.oceanchat.pipeline.replies import Replies, one_after_the_other


def labeled(name: str, level: str, strength: int, reason: str = "because") -> FacetLabel:
    facet = facet_named(name)
    assert facet is not None
    return FacetLabel(facet, Level(level), strength, reason)


@pytest.mark.parametrize(
    "reply",
    [
        "Reason: because\nLabel: fantasy-high\nStrength: 4",
        "Strength: 4\nLABEL: FANTASY-HIGH\nReason: because",
        "**Reason:** because\n**Label:** `fantasy-high`\n**Strength:** 4/5",
        'reason: because\noutput: "Fantasy - High"\nstrength: 4 (clear)',
        "Reason: because\nLabel: high fantasy\nStrength: 4",
        "Reason: because\nLabel: fantasy-high, ideas-high\nStrength: 4",
        "Reason: because\nLabel: fantasy (high)\nStrength: 4.",
        "- Reason: because\n- Label: fantasy_high\n- Strength: 4",
    ],
)
def test_a_label_is_read_whatever_its_dress(reply: str) -> None:
    assert parse_label(reply, Trait.O) == labeled("fantasy", "high", 4)


@pytest.mark.parametrize("reply", ["Label: neutral", "Reason: an advert\nLabel: **Neutral**", '"neutral"'])
def test_neutral_is_a_label(reply: str) -> None:
    label = parse_label(reply, Trait.O)
    assert label is not None and label.facet is None and label.strength == 0


@pytest.mark.parametrize(
    "reply",
    [
        "",
        "I think this is quite open.",
        "Label: fantasy-high",  # no strength
        "Label: fantasy-high\nStrength: 9",
        "Label: fantasy\nStrength: 3",  # no level
        "Label: anxiety-high\nStrength: 3",  # a facet of another trait
        "Label: fantasy-high, ideas-low\nStrength: 3",  # both levels
        "Label: neutral or fantasy-high\nStrength: 2",
        "Label: sparkle-high\nStrength: 3",
        "Label: not fantasy-high\nStrength: 3",
        "Label: fantasy-high\nLabel: fantasy-low\nStrength: 3",
        "Label: fantasy-high\nStrength: -3",
        "Label: fantasy-high\nStrength: 4.5",
    ],
)
def test_an_unclear_label_is_never_guessed(reply: str) -> None:
    assert parse_label(reply, Trait.O) is None


@given(st.text(), st.sampled_from(list(Trait)))
def test_any_text_is_a_label_or_none(reply: str, trait: Trait) -> None:
    label = parse_label(reply, trait)
    assert label is None or label.facet is None or label.facet.trait is trait


@given(st.sampled_from(FACETS[Trait.N]), st.sampled_from(list(Level)), st.integers(1, 5))
def test_every_label_in_the_asked_for_form_is_read_back(facet: object, level: Level, strength: int) -> None:
    reply = f"Reason: r\nLabel: {facet.id}-{level.value}\nStrength: {strength}"  # type: ignore[attr-defined]
    assert parse_label(reply, Trait.N) == FacetLabel(facet, level, strength, "r")  # type: ignore[arg-type]


@given(st.text(), st.integers(1, 20))
def test_any_text_gives_one_label_or_none_for_each_sentence(reply: str, count: int) -> None:
    assert len(parse_labels(reply, Trait.O, count)) == count


def test_numbered_labels_go_to_their_sentences() -> None:
    reply = (
        "2. neutral | a fact\n1. fantasy-high 4 | dreams\n4) ideas-low 2 | bored\n9. ideas-low 2 | none such"
    )
    first, second, third, fourth = parse_labels(reply, Trait.O, 4)
    assert first == labeled("fantasy", "high", 4, "dreams")
    assert second is not None and second.facet is None
    assert third is None
    assert fourth == labeled("ideas", "low", 2, "bored")


def test_a_number_given_twice_is_unclear() -> None:
    assert parse_labels("1. fantasy-high 4 | a\n1. fantasy-low 4 | b", Trait.O, 1) == [None]


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


async def test_several_sentences_share_a_call_and_only_the_unclear_are_asked_again() -> None:
    model = one_after_the_other("1. fantasy-high 3 | a\n2. who knows\n3. neutral | c", "1. ideas-low 2 | b")
    candidates = await labeler(model, per_call=3).label([[OrderedSentence(n, sentence(n)) for n in range(3)]])
    assert [c.facet for c in candidates] == ["fantasy", "ideas", None]
    assert read_tags(model.asked[1].messages)["sentences"] == "1. w1 v1"
    shuffled = [OrderedSentence(9, sentence(2)), OrderedSentence(8, sentence(0))]
    again = await labeler(model, per_call=3).label([shuffled])
    assert [c.facet for c in again] == [None, "fantasy"] and len(model.asked) == 2
