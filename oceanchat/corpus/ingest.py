"""Store a corpus's essays and sentences, once.

A corpus is known by its fingerprint and that of the segmentation. One that is complete in the store is not
split again. An interrupted ingest leaves no corpus row and starts over, so a corpus in the store is always
complete; two ingests at once write the same rows.
"""

import itertools
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from oceanchat.corpus.essays import Corpus, Essays
from oceanchat.corpus.segmentation import sentences_of
from oceanchat.progress import Progress, Stage
from oceanchat.records import Essay, content_id
from oceanchat.store import corpora as corpus_rows
from oceanchat.store.corpora import StoredCorpus
from oceanchat.store.database import Store

SEGMENTATION_VERSION = "2"
"""Raised whenever the rules that split sentences change, so that stored corpora are split again."""
SPLIT_AS_IN_VERSION = {"c82b18f6a805e64681fe1c056c0f4849c29475db32ebb2cc97392e910c3705fd": "1"}
"""Fingerprint of the bundled essays -> the version that split them the same way, so that their ids stay."""
ESSAYS_AT_ONCE = 200
"""Essays split and stored in one transaction: memory does not grow with the corpus."""


@dataclass(frozen=True)
class Splitting:
    """What became of essays that were split."""

    sentences: int
    """Usable ones."""
    set_aside: Counter[str]
    """Others, by reason."""

    def __add__(self, other: "Splitting") -> "Splitting":
        return Splitting(self.sentences + other.sentences, self.set_aside + other.set_aside)


Split = Callable[[str, Essays, Store, Progress], Splitting]
"""Splits and stores the essays of the corpus with that id."""


def id_of_corpus(corpus: Corpus) -> str:
    """The id under which a corpus is stored as it is split today."""
    version = SPLIT_AS_IN_VERSION.get(corpus.fingerprint, SEGMENTATION_VERSION)
    return content_id(corpus.fingerprint, version)


def ingest_corpus(
    corpus: Corpus, store: Store, progress: Progress, split: Split | None = None
) -> StoredCorpus:
    """The corpus as stored with all its sentences, after storing it by `split` (None: here) if need be."""
    corpus_id = id_of_corpus(corpus)
    with store.reading() as connection:
        stored = corpus_rows.stored_corpus(connection, corpus_id)
    about = {
        "essays": corpus.count,
        "junk": dict(corpus.junk),
        "fingerprint": corpus.fingerprint,
        "shareable": corpus.shareable,
        "licence": corpus.license,
        "author_column": corpus.author_column,
    }
    if stored is not None:
        complete = StoredCorpus(corpus_id, corpus.name, stored.facts | about)
    else:
        progress.expect(Stage.SEGMENT, corpus.count)
        result = (split or split_here)(corpus_id, corpus.essays, store, progress)
        facts = {**about, "sentences": result.sentences, "set_aside": dict(result.set_aside)}
        complete = StoredCorpus(corpus_id, corpus.name, facts)
    if complete == stored:
        return complete
    with store.writing() as connection:
        corpus_rows.end_corpus(connection, complete)
    return complete


def split_here(corpus_id: str, essays: Essays, store: Store, progress: Progress) -> Splitting:
    """Split and store essays one chunk after the other."""
    total = Splitting(0, Counter())
    for first, chunk in chunks(essays):
        total += split_chunk(corpus_id, first, chunk, store)
        progress.done(Stage.SEGMENT, len(chunk))
    return total


def chunks(essays: Iterable[Essay]) -> Iterator[tuple[int, list[Essay]]]:
    """Essays by ESSAYS_AT_ONCE, each time with the number of the first."""
    left, first = iter(essays), 0
    while chunk := list(itertools.islice(left, ESSAYS_AT_ONCE)):
        yield first, chunk
        first += len(chunk)


def split_chunk(corpus_id: str, first: int, essays: Sequence[Essay], store: Store) -> Splitting:
    """Split essays, of which the first has that number, and store them with their sentences."""
    split = [(essay, sentences_of(essay)) for essay in essays]
    rows = [(essay, segmented.sentences) for essay, segmented in split]
    with store.writing() as connection:
        corpus_rows.add_essays(connection, corpus_id, first, rows)
    set_aside: Counter[str] = Counter()
    for _, segmented in split:
        set_aside.update(segmented.set_aside)
    return Splitting(sum(len(sentences) for _, sentences in rows), set_aside)
