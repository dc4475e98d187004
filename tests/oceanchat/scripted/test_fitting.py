"""Scripted answers are as long as they are asked to be, whichever level they show."""

import itertools

import pytest

from oceanchat.prompts import open_prompts
from oceanchat.scripted.conversation import DISCLOSER, read_lines
from oceanchat.scripted.fitting import to_length
from oceanchat.scripted.lexica import FACET_LEVELS
from oceanchat.scripted.model import reply_to
from oceanchat.statistics.length import misses_length
from oceanchat.traits import Level

LONG = "I went early on Monday, before the crowd came. By the time they were in I was out by the side door."
LINES = ("It took an hour. Then we went home.", "We had soup.")


@pytest.mark.parametrize(
    ("answer", "words", "fitted"),
    [
        (LONG, 21, LONG),
        (LONG, 9, "I went early on Monday, before the crowd came."),
        (LONG, 5, "I went early on Monday."),
        ("We nodded.", 6, "We nodded. It took an hour."),
        ("We nodded.", 12, "We nodded. It took an hour. Then we went home."),
        ("We nodded.", 99, "We nodded. It took an hour. Then we went home. We had soup."),
        ("Yes.", 1, "Yes."),
    ],
)
def test_an_answer_is_cut_at_its_clauses_or_goes_on(answer: str, words: int, fitted: str) -> None:
    assert to_length(answer, words, iter(LINES)) == fitted


@pytest.mark.parametrize("words", [(8, 9, 10, 8, 11), (20, 31, 24, 16, 27), (40, 40, 36, 33, 40)])
def test_both_levels_of_every_facet_keep_to_the_words_asked_for(words: tuple[int, ...]) -> None:
    means: dict[Level, list[float]] = {Level.HIGH: [], Level.LOW: []}
    for facet_level, sample in itertools.product(FACET_LEVELS.values(), range(2)):
        trait_level = facet_level.trait_level
        request = open_prompts()["write"].fill(
            trait=trait_level.trait.label,
            level=trait_level.level.value,
            description="d",
            facet=facet_level.facet.id,
            facet_description="d",
            other_traits="others",
            exchanges="5",
            words="80",
            answer_words=", ".join(map(str, words)),
            seed_topic="My roommate never washes a plate.",
        )
        answers = [line.text for line in read_lines(reply_to(request, sample)) if line.speaker == DISCLOSER]
        assert not misses_length(answers, words), (facet_level.key, answers)
        means[trait_level.level].append(sum(len(answer.split()) for answer in answers) / 5)
    high, low = (sum(of) / len(of) for of in means.values())
    assert abs(high - low) < 2, (high, low)
