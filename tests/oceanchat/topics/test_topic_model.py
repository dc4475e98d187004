"""Topics: planted ones are found again, the same each time."""

import random

import pytest

from oceanchat.errors import ReleaseError
from oceanchat.topics.topic_model import find_topics
from tests.oceanchat.release.factories import THEMES

TEXTS = [" and ".join(random.Random(n).sample(list(THEMES.values())[n % 6], 7)) for n in range(180)]
TRAITS = [random.Random(n).choice("OCEAN") for n in range(180)]


def test_planted_themes_are_found_and_named_by_their_words() -> None:
    topics = find_topics(TEXTS, TRAITS)
    assert len(topics.topics) == len(THEMES)
    for topic in topics.topics:
        homes = [name for name, words in THEMES.items() if set(topic.terms[:3]) <= set(words)]
        assert len(homes) == 1
        assert topic.dialogues == 30
        assert sum(topic.by_trait.values()) == pytest.approx(topic.share, abs=1e-5)
    assert sum(topic.dialogues for topic in topics.topics) + topics.none == len(TEXTS)


def test_a_topic_is_shown_by_dialogues_of_its_own() -> None:
    topics = find_topics(TEXTS, TRAITS)
    for topic, places in zip(topics.topics, topics.closest, strict=True):
        assert len(set(places)) == 3
        home = next(words for words in THEMES.values() if topic.terms[0] in words)
        for number in places:
            assert set(TEXTS[number].split(" and ")) <= set(home)


def test_topics_are_the_same_each_time() -> None:
    assert find_topics(TEXTS, TRAITS) == find_topics(TEXTS, TRAITS)


def test_the_number_of_topics_can_be_chosen() -> None:
    assert len(find_topics(TEXTS, TRAITS, count=4).topics) == 4


def test_too_few_dialogues_have_no_topics() -> None:
    with pytest.raises(ReleaseError, match="at least 40 dialogues, there are 3"):
        find_topics(TEXTS[:3], TRAITS[:3])


def test_dialogues_without_shared_words_are_one_line() -> None:
    with pytest.raises(ReleaseError, match="too few words"):
        find_topics([f"word{chr(97 + n % 26)}{chr(97 + n // 26)}" for n in range(60)], ["O"] * 60)
