"""How many sentences a corpus holds.

Where the store has not split it yet, part of its essays are split, and the number is an extrapolation.
"""

import itertools
from pathlib import Path
from typing import Any, NamedTuple

from oceanchat.corpus.essays import Corpus, open_corpus
from oceanchat.corpus.ingest import id_of_corpus
from oceanchat.corpus.segmentation import sentences_of
from oceanchat.pipeline.config import BuildConfig
from oceanchat.store.corpora import stored_corpus
from oceanchat.store.database import Store

ESSAYS = 300
"""So many are split at most: enough for two digits, in about a second."""


class CorpusSize(NamedTuple):
    """The size of a corpus."""

    name: str
    essays: int
    sentences: int
    """Those that can become seed topics."""
    counted: bool
    """Whether all essays were split; otherwise `sentences` is an extrapolation."""
    notes: tuple[str, ...]
    """What a user should know about how its columns were read, a line each."""

    def as_json(self) -> dict[str, Any]:
        """For `--json`."""
        return self._asdict()


def corpus_size(config: BuildConfig, store: Store) -> CorpusSize | None:
    """The size of a build's corpus; None for one that would have to be fetched from the Hub.

    Raises CorpusError where it cannot be read.
    """
    on_hub = config.essays is not None and "/" in config.essays and not Path(config.essays).suffix
    if on_hub and not Path(str(config.essays)).exists():
        return None
    return size_of(open_corpus(config.essays, config.columns), store)


def size_of(corpus: Corpus, store: Store) -> CorpusSize:
    """The size of a corpus that was opened, as the store knows it or from part of its essays."""
    with store.reading() as connection:
        stored = stored_corpus(connection, id_of_corpus(corpus))
    if stored is not None and "sentences" in stored.facts:
        return CorpusSize(corpus.name, corpus.count, int(stored.facts["sentences"]), True, corpus.notes)
    # Every so many, since the essays of one kind often stand together.
    part = list(itertools.islice(corpus.essays, 0, None, -(-corpus.count // ESSAYS)))
    sentences = sum(len(sentences_of(essay).sentences) for essay in part)
    every = len(part) == corpus.count
    return CorpusSize(
        corpus.name, corpus.count, round(sentences * corpus.count / len(part)), every, corpus.notes
    )
