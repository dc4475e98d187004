"""Sentences that speak of their writer are known by their words, and each essay is read once."""

import pytest

from oceanchat.corpus.essays import open_corpus
from oceanchat.corpus.ingest import ingest_corpus
from oceanchat.pipeline.first_person import FirstPerson, is_first_person
from oceanchat.progress import Silence
from oceanchat.store.corpora import essay_outlines, sentence_texts
from oceanchat.store.database import Store


@pytest.mark.parametrize(
    "text", ["i dont know why", "It bores me.", "I'm late", "I\u2019d go", "Mine broke.", "Im ok"]
)
def test_it_speaks_of_its_writer(text: str) -> None:
    assert is_first_person(text)


@pytest.mark.parametrize(
    "text", ["It rains.", "Some mining town", "He said it's fine", "In time", "they're out"]
)
def test_it_does_not(text: str) -> None:
    assert not is_first_person(text)


def test_there_is_a_flag_for_every_sentence_of_a_stored_corpus(store: Store) -> None:
    corpus = ingest_corpus(open_corpus(None), store, Silence())
    with store.reading() as connection:
        essays = essay_outlines(connection, corpus.id)[:5]
        numbers = [essay.number for essay in essays]
        texts = sentence_texts(connection, corpus.id, numbers)
    known = FirstPerson(store, corpus.id)
    flags = known.flags(numbers)
    assert [len(each) for each in flags] == [essay.sentence_count for essay in essays]
    assert [list(map(bool, each)) for each in flags] == [
        list(map(is_first_person, texts[n])) for n in numbers
    ]
    assert known.flags(numbers[::-1]) == flags[::-1]
