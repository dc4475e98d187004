"""A corpus is in the store whole or not at all."""

import hashlib
from contextlib import closing
from pathlib import Path

import pytest

from oceanchat.corpus.essays import open_corpus
from oceanchat.corpus.ingest import SPLIT_AS_IN_VERSION, ingest_corpus
from oceanchat.corpus.segmentation import sentences_of
from oceanchat.progress import Silence, Stage
from oceanchat.store import corpora as corpus_rows
from oceanchat.store.database import open_store


class Interrupted(Exception):
    """Stands for whatever stops a reading halfway."""


class Stopping(Silence):
    """Stops the reading at the first progress."""

    def done(self, stage: Stage, count: int) -> None:
        """Stop."""
        raise Interrupted


class Counting(Silence):
    """Counts the essays that were split."""

    def __init__(self) -> None:
        self.split = 0

    def done(self, stage: Stage, count: int) -> None:
        """Count."""
        self.split += count


def test_every_sentence_is_found_where_its_essay_says(tmp_path: Path) -> None:
    corpus = open_corpus()
    with closing(open_store(tmp_path / "s.db")) as store:
        stored = ingest_corpus(corpus, store, Silence())
        with store.reading() as connection:
            outlines = corpus_rows.essay_outlines(connection, stored.id)
            first, last = outlines[0], outlines[-1]
            asked = [(last.number, last.sentence_count - 1), (first.number, 0)]
            sentences = corpus_rows.sentences_at(connection, stored.id, asked)
            text = corpus_rows.essay_text(connection, stored.id, first.id)
    assert stored.facts["essays"] == corpus.count == len(outlines)
    assert stored.facts["sentences"] == sum(outline.sentence_count for outline in outlines)
    assert [sentence.essay_id for sentence in sentences] == [last.id, first.id]
    assert [sentence.position for sentence in sentences] == [asked[0][1], 0]
    assert text[sentences[1].start : sentences[1].end].split() == sentences[1].text.split()


def test_a_stored_corpus_is_not_split_again_and_a_half_stored_one_is(tmp_path: Path) -> None:
    corpus = open_corpus()
    with closing(open_store(tmp_path / "s.db")) as store:
        with pytest.raises(Interrupted):
            ingest_corpus(corpus, store, Stopping())
        again, third = Counting(), Counting()
        stored = ingest_corpus(corpus, store, again)
        assert ingest_corpus(corpus, store, third) == stored
        with store.reading() as connection:
            assert len(corpus_rows.essay_outlines(connection, stored.id)) == corpus.count
    assert (again.split, third.split) == (corpus.count, 0)


def test_the_bundled_essays_are_split_as_in_the_version_their_ids_name() -> None:
    corpus = open_corpus()
    digest = hashlib.sha256()
    for essay in corpus.essays:
        for sentence in sentences_of(essay).sentences:
            digest.update(sentence.model_dump_json().encode())
    assert {corpus.fingerprint: "1"} == SPLIT_AS_IN_VERSION
    assert digest.hexdigest() == "7d557a9ca80c2aa55e0888516ae1ec1b7a47433e057b7803b86e04bc1765eda8"
