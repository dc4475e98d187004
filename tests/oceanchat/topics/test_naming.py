"""Names of topics: read strictly, asked for once, and words where a model gives none."""

import asyncio
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oceanchat.errors import BuildStopped
from oceanchat.llm.endpoint.openai_endpoint import OpenAIEndpoint
from oceanchat.llm.settings import CallSettings
from oceanchat.store.database import Store, open_store
from oceanchat.topics.naming import TopicLabelConfig, TopicNames, by_words, name_topics, parse_topic_label
from oceanchat.topics.topic_model import Topics, TopicShare
from tests.endpoint import Endpoint

TEXTS = ["Do you sail?\nAt every tide.", "Who cooks?\nMe, soup mostly.", "Still at sea?\nYes, rowing."]
SEA = TopicShare("boat, tide, gull", ("boat", "tide", "gull", "sail"), 2, 0.667, {"O": 0.667})
SOUP = TopicShare("soup, pan, oven", ("soup", "pan", "oven", "onion"), 1, 0.333, {"C": 0.333})
FOUND = Topics((SEA, SOUP), {}, 0, ((0, 2), (1,)))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = open_store(tmp_path / "store.db")
    yield opened
    opened.close()


def named_by(reply: str, store: Store) -> TopicNames:
    """The topics named by a server that always gives this reply."""
    endpoint = Endpoint(reply=reply)
    try:
        config = TopicLabelConfig(labeler="served", calls=endpoint.settings(max_attempts=2))
        return asyncio.run(name_topics(config, store, FOUND, TEXTS, OpenAIEndpoint))
    finally:
        endpoint.close()


@pytest.mark.parametrize(
    ("reply", "label"),
    [
        ("Label: boats and tides", "boats and tides"),
        ('**Label:** "Boats and tides."', "Boats and tides"),
        ("Thinking of the words.\nlabel : caf\u00e9s & rock-climbing\n", "caf\u00e9s & rock-climbing"),
        ("Label: one two three four five six", "one two three four five six"),
        ("Label: one two three four five six seven", None),
        ("Label: boats", None),
        ("Label:", None),
        ("boats and tides", None),
        ("Label: boats and tides\nLabel: soup and pans", None),
        ("Label: neurotic sailors", None),
        ("Label: Extraversion at sea", None),
        ("Label: the $x^2$ topic", None),
        ("Label: \u6d77 \u8239 and tides", None),
        (f"Label: {'a' * 40} {'b' * 40}", None),
    ],
)
def test_a_label_is_two_to_six_plain_words(reply: str, label: str | None) -> None:
    assert parse_topic_label(reply) == label


@given(st.text() | st.text().map("Label: {}".format))
def test_any_reply_gives_a_plain_label_or_none(reply: str) -> None:
    label = parse_topic_label(reply)
    if label is not None:
        assert len(label) <= 48
        assert re.fullmatch(r"[^\x00-\x1f$<>{}*_]+", label)


@given(st.lists(st.from_regex(r"[bdfghjk]{1,7}", fullmatch=True), min_size=2, max_size=6))
def test_plain_words_come_back_as_they_are(words: list[str]) -> None:
    label = " ".join(words)
    assert parse_topic_label(f"Label: {label}") == (label if len(label) <= 48 else None)


def test_the_scripted_model_names_a_topic_by_its_first_words(store: Store) -> None:
    config = TopicLabelConfig(labeler="scripted")
    first, second = (asyncio.run(name_topics(config, store, FOUND, TEXTS, OpenAIEndpoint)) for _ in range(2))
    assert [named.topic.label for named in first.topics] == ["boat and tide", "soup and pan"]
    assert {named.labelled_by for named in first.topics} == {"scripted"}
    assert second.topics == first.topics
    assert (first.usage.answered, second.usage.answered, second.usage.replayed) == (2, 0, 2)


def test_an_unreadable_reply_leaves_the_words_and_says_so(store: Store) -> None:
    naming = named_by("I see boats here.", store)
    assert [named.topic for named in naming.topics] == [SEA, SOUP]
    assert {(named.labelled_by, named.reason) for named in naming.topics} == {("its words", "unparseable")}
    assert naming.usage.answered == 4
    assert naming.labeler_used is None


def test_a_refusal_is_the_reason_given(store: Store) -> None:
    naming = named_by("I'm sorry, but I can't help with that.", store)
    assert {named.reason for named in naming.topics} == {"refused"}


def test_no_two_topics_bear_one_label(store: Store) -> None:
    sea, soup = named_by("Label: everyday things", store).topics
    assert (sea.topic.label, sea.labelled_by, sea.further_words) == ("everyday things", "served", SEA.terms)
    assert (soup.topic, soup.labelled_by) == (SOUP, "its words")
    assert soup.reason == "'everyday things' names another topic"


def test_what_stops_a_build_stops_the_naming(store: Store) -> None:
    calls = CallSettings(offline=True)
    with pytest.raises(BuildStopped, match="--offline"):
        asyncio.run(
            name_topics(TopicLabelConfig(labeler="gone", calls=calls), store, FOUND, TEXTS, OpenAIEndpoint)
        )


def test_without_a_model_topics_are_labelled_by_their_words() -> None:
    assert [named.topic for named in by_words(FOUND)] == [SEA, SOUP]
    assert [named.further_words for named in by_words(FOUND)] == [("sail",), ("onion",)]
