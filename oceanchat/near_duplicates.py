"""Find near-duplicate texts by their word n-grams.

The Jaccard similarity is exact, without sketching: an inverted index compares a text only with those that
share an n-gram with it. Equal input in equal order gives equal answers.
"""

import itertools
import re
import sqlite3
import weakref
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

from oceanchat.errors import TemporaryFilesError

CACHE_KIB = 1000
"""Of an index that are held in memory."""
GRAMS_AT_ONCE = 100
"""N-grams in one query."""
# One statement for any number of n-grams: SQLite keeps each that differs, at 100 kB.
_SHARED = f"select text, count(*) from grams where gram in ({', '.join('?' * GRAMS_AT_ONCE)}) group by text"
_WORD = re.compile(r"[a-z0-9']+")


def words_of(text: str) -> list[str]:
    """The lower-case words of a text."""
    return _WORD.findall(text.lower().replace("\u2019", "'"))


def shingles(text: str, n: int = 5) -> frozenset[str]:
    """The word n-grams of a text; a text shorter than n words is one shingle."""
    words = words_of(text)
    if len(words) <= n:
        return frozenset([" ".join(words)] if words else [])
    return frozenset(" ".join(words[i : i + n]) for i in range(len(words) - n + 1))


class Closest(NamedTuple):
    """The most similar of the texts added so far."""

    key: str
    jaccard: float
    """Shared n-grams over all n-grams of the two, from 0 to 1."""


class NearDuplicates:
    """An index of texts that finds the one most similar to a new one; hashes of 64 bits stand for n-grams.

    It lies in a database of its own in the folder for temporary files, gone with the index: memory grows by
    the keys alone. Raises TemporaryFilesError where that folder is full.
    """

    def __init__(self, n: int = 5) -> None:
        self._n = n
        self._keys: list[str] = []
        self._sizes = array("I")
        # A database without a name is a temporary file, written once CACHE_KIB are full.
        self._grams = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        weakref.finalize(self, self._grams.close)
        for statement in (
            "pragma journal_mode = off",
            f"pragma cache_size = -{CACHE_KIB}",
            "create table grams (gram integer, text integer, primary key (gram, text)) without rowid",
            "begin",  # and never committed: nobody else reads it
        ):
            self._grams.execute(statement)

    def __len__(self) -> int:
        return len(self._keys)

    def add(self, key: str, text: str) -> None:
        """Add a text under its key."""
        number = len(self._keys)
        grams = sorted(set(map(hash, shingles(text, self._n))))
        self._keys.append(key)
        self._sizes.append(len(grams))
        with _in_temporary_files():
            self._grams.executemany("insert into grams values (?, ?)", zip(grams, itertools.repeat(number)))

    def closest(self, text: str) -> Closest | None:
        """The text with the highest Jaccard similarity (the earliest of equals); None if nothing is
        shared."""
        grams = sorted(set(map(hash, shingles(text, self._n))))
        best: tuple[float, int] | None = None
        for number, count in self._shared(grams):
            similarity = count / (len(grams) + self._sizes[number] - count)
            if best is None or (similarity, -number) > (best[0], -best[1]):
                best = (similarity, number)
        return None if best is None else Closest(self._keys[best[1]], best[0])

    def _shared(self, grams: Sequence[int]) -> Iterable[tuple[int, int]]:
        """The numbers of the texts that hold some of these n-grams, each with how many."""
        shared: Counter[int] = Counter()
        with _in_temporary_files():
            for start in range(0, len(grams), GRAMS_AT_ONCE):
                some = grams[start : start + GRAMS_AT_ONCE]
                blank = [None] * (GRAMS_AT_ONCE - len(some))
                shared.update(dict(self._grams.execute(_SHARED, [*some, *blank])))
        return shared.items()


@contextmanager
def _in_temporary_files() -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise TemporaryFilesError(error) from None


def repeats(text: str, source: str, n: int) -> bool:
    """Whether `text` holds n words in a row of `source`."""
    runs = shingles(source, n)
    return any(len(run.split()) == n for run in runs & shingles(text, n))
