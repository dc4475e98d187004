"""Find near-duplicate texts by their word n-grams.

The Jaccard similarity is exact, without sketching: an inverted index compares a text only with those that
share an n-gram with it. Equal input in equal order gives equal answers.
"""

import re
from collections import Counter
from typing import NamedTuple

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
    """An index of texts that finds the one most similar to a new one; hashes of 64 bits stand for n-grams."""

    def __init__(self, n: int = 5) -> None:
        self._n = n
        self._keys: list[str] = []
        self._sizes: list[int] = []
        self._first: dict[int, int] = {}
        self._later: dict[int, list[int]] = {}

    def __len__(self) -> int:
        return len(self._keys)

    def add(self, key: str, text: str) -> None:
        """Add a text under its key."""
        number = len(self._keys)
        grams = shingles(text, self._n)
        self._keys.append(key)
        self._sizes.append(len(grams))
        for gram in map(hash, grams):
            if self._first.setdefault(gram, number) != number:
                self._later.setdefault(gram, []).append(number)

    def closest(self, text: str) -> Closest | None:
        """The text with the highest Jaccard similarity (the earliest of equals); None if nothing is
        shared."""
        grams = shingles(text, self._n)
        shared: Counter[int] = Counter()
        for gram in map(hash, grams):
            if gram in self._first:
                shared[self._first[gram]] += 1
                shared.update(self._later.get(gram, ()))
        best: tuple[float, int] | None = None
        for number, count in shared.items():
            similarity = count / (len(grams) + self._sizes[number] - count)
            if best is None or (similarity, -number) > (best[0], -best[1]):
                best = (similarity, number)
        return None if best is None else Closest(self._keys[best[1]], best[0])


def repeats(text: str, source: str, n: int) -> bool:
    """Whether `text` holds n words in a row of `source`."""
    runs = shingles(source, n)
    return any(len(run.split()) == n for run in runs & shingles(text, n))
