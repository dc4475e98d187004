"""Labels are read forgivingly and never guessed; seed topics are chosen in canonical order."""

import itertools
from collections import Counter
from collections.abc import Iterator, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oceanchat.errors import CallFailed
from oceanchat.llm.chat import ChatAnswer, ChatRequest
from oceanchat.pipeline.seed_topics import (
    BLOCK,
    CHOSEN_PER_BLOCK,
    Label,
    Labeller,
    Placed,
    SeedStream,
    parse_label,
    parse_labels,
)
from oceanchat.prompts import open_prompts, read_tags
from oceanchat.records import Sentence
from oceanchat.traits import FACETS, Level, Trait, TraitLevel, facet_named
from tests.oceanchat.pipeline.replies import Replies, one_after_the_other

PROMPTS = open_prompts()
OPEN = TraitLevel(Trait.O, Level.HIGH)


def labelled(name: str, level: str, strength: int, reason: str = "because") -> Label:
    facet = facet_named(name)
    assert facet is not None
    return Label(facet, Level(level), strength, reason)


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
    assert parse_label(reply, Trait.O) == labelled("fantasy", "high", 4)


@pytest.mark.parametrize("reply", ["Label: neutral", "Reason: an advert\nLabel: **Neutral**", '"neutral"'])
def test_neutral_is_a_label(reply: str) -> None:
    found = parse_label(reply, Trait.O)
    assert found is not None and found.facet is None and found.strength == 0


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
    found = parse_label(reply, trait)
    assert found is None or found.facet is None or found.facet.trait is trait


@given(st.sampled_from(FACETS[Trait.N]), st.sampled_from(list(Level)), st.integers(1, 5))
def test_every_label_in_the_asked_for_form_is_read_back(facet: object, level: Level, strength: int) -> None:
    reply = f"Reason: r\nLabel: {facet.id}-{level.value}\nStrength: {strength}"  # type: ignore[attr-defined]
    assert parse_label(reply, Trait.N) == Label(facet, level, strength, "r")  # type: ignore[arg-type]


@given(st.text(), st.integers(1, 20))
def test_any_text_gives_one_label_or_none_for_each_sentence(reply: str, count: int) -> None:
    assert len(parse_labels(reply, Trait.O, count)) == count


def test_numbered_labels_go_to_their_sentences() -> None:
    reply = (
        "2. neutral | a fact\n1. fantasy-high 4 | dreams\n4) ideas-low 2 | bored\n9. ideas-low 2 | none such"
    )
    first, second, third, fourth = parse_labels(reply, Trait.O, 4)
    assert first == labelled("fantasy", "high", 4, "dreams")
    assert second is not None and second.facet is None
    assert third is None
    assert fourth == labelled("ideas", "low", 2, "bored")


def test_a_number_given_twice_is_unclear() -> None:
    assert parse_labels("1. fantasy-high 4 | a\n1. fantasy-low 4 | b", Trait.O, 1) == [None]


def sentence(number: int, text: str = "", essay: str = "") -> Sentence:
    return Sentence(
        id=f"s{number}",
        essay_id=essay or f"e{number}",
        author="a",
        start=0,
        end=9,
        text=text or f"w{number} v{number}",
    )


def labeller(model: Replies, per_call: int = 1) -> Labeller:
    task = "label" if per_call == 1 else "label_many"
    return Labeller(model, PROMPTS[task], Trait.O, "O+", max_attempts=3, sentences_per_call=per_call)


async def test_an_unreadable_reply_is_asked_again_under_a_new_sample_number() -> None:
    model = one_after_the_other("hm", "well", "Label: ideas-high\nStrength: 5")
    (candidate,) = await labeller(model).label([[(0, sentence(0))]])
    assert (candidate.state, candidate.facet, candidate.strength) == ("off-target", "ideas", 5)
    assert [request.sample for request in model.asked] == [0, 1, 2]
    assert model.marks == ["retried", "retried"]


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
    (candidate,) = await labeller(model).label([[(0, sentence(0))]])
    assert (candidate.state, candidate.reason, len(model.asked)) == ("failed", reason, calls)


async def test_a_failed_call_fails_its_row_and_no_other() -> None:
    def answer(request: ChatRequest) -> str:
        if "w1 " in read_tags(request.messages)["sentence"]:
            raise CallFailed("bad-request", "no")
        return "Label: neutral"

    found = await labeller(Replies(answer)).label([[(n, sentence(n))] for n in range(3)])
    assert [c.state for c in found] == ["neutral", "failed", "neutral"]
    assert found[1].reason == "bad-request"


async def test_several_sentences_share_a_call_and_only_the_unclear_are_asked_again() -> None:
    model = one_after_the_other("1. fantasy-high 3 | a\n2. who knows\n3. neutral | c", "1. ideas-low 2 | b")
    found = await labeller(model, per_call=3).label([[(n, sentence(n)) for n in range(3)]])
    assert [c.facet for c in found] == ["fantasy", "ideas", None]
    assert read_tags(model.asked[1].messages)["sentences"] == "1. w1 v1"
    again = await labeller(model, per_call=3).label([[(9, sentence(2)), (8, sentence(0))]])
    assert [c.facet for c in again] == [None, "fantasy"] and len(model.asked) == 2


def by_number(request: ChatRequest) -> str:
    """A labeller whose verdict depends on the sentence's number alone."""
    number = int(read_tags(request.messages)["sentence"].split()[0][1:])
    if number % 3:
        return "Label: neutral"
    facet = FACETS[Trait.O][number % 2 * (number % 6)]
    return f"Reason: r\nLabel: {facet.id}-{'high' if number % 2 else 'low'}\nStrength: {1 + number % 5}"


def blocks(count: int) -> Iterator[Sequence[Sequence[Placed]]]:
    numbered = iter([[(n, sentence(n))] for n in range(count)])
    while block := list(itertools.islice(numbered, BLOCK)):
        yield block


def stream(model: Replies, count: int, seeds_per_essay: int = 3) -> SeedStream:
    return SeedStream(OPEN, labeller(model), blocks(count), seeds_per_essay)


async def test_asking_for_more_begins_with_what_asking_for_fewer_gave() -> None:
    short = await stream(Replies(by_number), 2000).take(20)
    long = await stream(Replies(by_number), 2000).take(70)
    pieces = stream(Replies(by_number), 2000)
    piecewise = [seed for size in (1, 19, 30, 20) for seed in await pieces.take(size)]
    assert long[:20] == short and piecewise == long


async def test_no_sentence_is_labelled_that_nobody_needs() -> None:
    model = Replies(by_number)
    await stream(model, 2000).take(CHOSEN_PER_BLOCK)
    assert len(model.asked) <= 2 * BLOCK


async def test_the_stream_ends_when_the_corpus_does_and_gives_all_there_is() -> None:
    model = Replies(by_number)
    one = stream(model, 200)
    seeds = await one.take(1000)
    fitting = [n for n in range(200) if n % 3 == 0 and n % 2]
    assert sorted(int(s.sentence_id[1:]) for s in seeds) == fitting
    assert await one.take(1) == [] and len(model.asked) == 200
    counts = Counter(c.state for c in one.settled(seeds))
    assert counts["selected"] == len(fitting) and counts["surplus"] == 0 and counts.total() == 200


async def test_the_strongest_come_first_and_every_facet_gets_its_turn() -> None:
    def answer(request: ChatRequest) -> str:
        number = int(read_tags(request.messages)["sentence"].split()[0][1:])
        facet = "fantasy" if number < 40 else "values"
        return f"Label: {facet}-high\nStrength: {5 if number < 40 else 4}"

    seeds = await stream(Replies(answer), BLOCK).take(CHOSEN_PER_BLOCK)
    assert seeds[0].strength == 5
    assert {seed.facet for seed in seeds} == {"fantasy", "values"}


async def test_no_near_duplicates_and_at_most_so_many_an_essay() -> None:
    model = Replies(lambda request: "Label: ideas-high\nStrength: 3")
    same = [[(n, sentence(n, text="I wonder why the sky is blue"))] for n in range(10)]
    assert len(await SeedStream(OPEN, labeller(model), iter([same]), 3).take(10)) == 1
    one_essay = [[(n, sentence(n, essay="e"))] for n in range(10)]
    assert len(await SeedStream(OPEN, labeller(model), iter([one_essay]), 2).take(10)) == 2
