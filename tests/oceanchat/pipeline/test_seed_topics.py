"""Seed topics are chosen in canonical order, spread over facets and essays, and never twice."""

import itertools
from collections import Counter
from collections.abc import Iterator, Sequence

from oceanchat.facets import FACETS
from oceanchat.llm.chat import ChatRequest
from oceanchat.pipeline.labeling import OrderedSentence
from oceanchat.pipeline.seed_topics import BLOCK, CHOSEN_PER_BLOCK, SeedSelector
from oceanchat.prompts import read_tags
from oceanchat.traits import Level, Trait, TraitLevel
from tests.oceanchat.pipeline.labelers import labeler, sentence
from tests.oceanchat.pipeline.listed_replies import Replies

OPEN = TraitLevel(Trait.O, Level.HIGH)


def by_number(request: ChatRequest) -> str:
    """A labeler whose verdict depends on the sentence's number alone."""
    number = int(read_tags(request.messages)["sentence"].split()[0][1:])
    if number % 3:
        return "Label: neutral"
    facet = FACETS[Trait.O][number % 2 * (number % 6)]
    return f"Reason: r\nLabel: {facet.id}-{'high' if number % 2 else 'low'}\nStrength: {1 + number % 5}"


def blocks(count: int) -> Iterator[Sequence[Sequence[OrderedSentence]]]:
    numbered = iter([[OrderedSentence(n, sentence(n))] for n in range(count)])
    while block := list(itertools.islice(numbered, BLOCK)):
        yield block


def selector(model: Replies, count: int, seeds_per_essay: int = 3) -> SeedSelector:
    return SeedSelector(OPEN, labeler(model), blocks(count), seeds_per_essay)


async def test_asking_for_more_begins_with_what_asking_for_fewer_gave() -> None:
    short = await selector(Replies(by_number), 2000).next(20)
    long = await selector(Replies(by_number), 2000).next(70)
    pieces = selector(Replies(by_number), 2000)
    piecewise = [seed for size in (1, 19, 30, 20) for seed in await pieces.next(size)]
    assert long[:20] == short and piecewise == long


async def test_no_sentence_is_labeled_that_nobody_needs() -> None:
    model = Replies(by_number)
    await selector(model, 2000).next(CHOSEN_PER_BLOCK)
    assert len(model.asked) <= 2 * BLOCK


async def test_the_selection_ends_when_the_corpus_does_and_gives_all_there_is() -> None:
    model = Replies(by_number)
    whole = selector(model, 200)
    seeds = await whole.next(1000)
    fitting = [n for n in range(200) if n % 3 == 0 and n % 2]
    assert sorted(int(s.sentence_id[1:]) for s in seeds) == fitting
    assert await whole.next(1) == [] and len(model.asked) == 200
    counts = Counter(c.state for c in whole.final_candidates())
    assert counts["selected"] == len(fitting) and counts["surplus"] == 0 and counts.total() == 200


async def test_the_strongest_come_first_and_every_facet_gets_its_turn() -> None:
    def answer(request: ChatRequest) -> str:
        number = int(read_tags(request.messages)["sentence"].split()[0][1:])
        facet = "fantasy" if number < 40 else "values"
        return f"Label: {facet}-high\nStrength: {5 if number < 40 else 4}"

    seeds = await selector(Replies(answer), BLOCK).next(CHOSEN_PER_BLOCK)
    assert seeds[0].strength == 5
    assert {seed.facet for seed in seeds} == {"fantasy", "values"}


async def test_no_near_duplicates_and_at_most_so_many_an_essay() -> None:
    model = Replies(lambda request: "Label: ideas-high\nStrength: 3")
    same = [[OrderedSentence(n, sentence(n, text="I wonder why the sky is blue"))] for n in range(10)]
    assert len(await SeedSelector(OPEN, labeler(model), iter([same]), 3).next(10)) == 1
    one_essay = [[OrderedSentence(n, sentence(n, essay="e"))] for n in range(10)]
    assert len(await SeedSelector(OPEN, labeler(model), iter([one_essay]), 2).next(10)) == 2


async def test_sentences_that_show_too_little_are_no_topics_and_count_as_surplus() -> None:
    def strengths(request: ChatRequest) -> str:
        number = int(read_tags(request.messages)["sentence"].split()[0][1:])
        return f"Label: ideas-high\nStrength: {1 + number % 5}"

    choosy = SeedSelector(OPEN, labeler(Replies(strengths)), blocks(40), 3, min_strength=4)
    seeds = await choosy.next(40)
    assert len(seeds) == 16 and {seed.strength for seed in seeds} == {4, 5}
    assert Counter(c.state for c in choosy.final_candidates()) == {"selected": 16, "surplus": 24}
