"""Find all near-duplicates among many texts.

The Jaccard similarity of word n-grams is exact, without sketching: two texts are compared only when they
share one of their rarest n-grams. Hashes of 64 bits stand for n-grams, and those of one text alone are
dropped, so memory is some ten bytes a word.
"""

import itertools
import math
from array import array
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np

from oceanchat.near_duplicates import shingles


class NearPair(NamedTuple):
    """Two texts by their numbers in the sequence, the smaller first."""

    first: int
    second: int
    jaccard: float


class _Text(NamedTuple):
    """What near-duplicates of a text are found by."""

    size: int
    """Its n-grams."""
    shared: Any
    """Ranks of those that other texts have too, the rarest first."""

    def prefix(self, threshold: float) -> Any:
        """The ranks of which every text that reaches the threshold shares one."""
        # Sets that reach it share one of the size - ceil(threshold * size) + 1 rarest of each, and those that
        # no other text has come before all others.
        rarest = self.size - math.ceil(threshold * self.size) + 1
        return self.shared[: max(0, rarest - (self.size - len(self.shared)))]


def near_pairs(texts: Iterable[str], threshold: float = 0.5, n: int = 5) -> list[NearPair]:
    """Every pair with at least this Jaccard similarity, in order; `threshold` is above 0.

    Time grows with the near-duplicates and not with the square of the texts. The texts are read once and not
    held.
    """
    earlier: list[_Text] = []
    index: defaultdict[int, list[int]] = defaultdict(list)
    pairs: list[NearPair] = []
    for number, text in enumerate(_ranked(texts, n)):
        prefix, grams = text.prefix(threshold).tolist(), set(text.shared.tolist())
        for other in sorted({before for gram in prefix for before in index.get(gram, ())}):
            size = earlier[other].size
            if min(text.size, size) < threshold * max(text.size, size):
                continue
            shared = len(grams.intersection(earlier[other].shared.tolist()))
            similarity = shared / (text.size + size - shared)
            if similarity >= threshold:
                pairs.append(NearPair(other, number, similarity))
        for gram in prefix:
            index[gram].append(number)
        earlier.append(text)
    return sorted(pairs)


def _ranked(texts: Iterable[str], n: int) -> Iterator[_Text]:
    """For each text its n-grams that others have too, as ranks by how many texts have them."""
    hashes, ends = array("q"), array("Q", [0])
    for text in texts:
        hashes.extend(map(hash, shingles(text, n)))
        ends.append(len(hashes))
    grams = np.frombuffer(hashes, dtype=np.int64) if hashes else np.zeros(0, np.int64)
    ordered = np.sort(grams)
    repeated, counts = np.unique(ordered[1:][ordered[1:] == ordered[:-1]], return_counts=True)
    del ordered
    ranks = np.empty(len(repeated), dtype=np.int32)
    ranks[np.lexsort((repeated, counts))] = np.arange(len(repeated), dtype=np.int32)
    for start, end in itertools.pairwise(ends):
        own = grams[start:end]
        at = np.searchsorted(repeated, own)
        at = at[np.take(repeated, np.minimum(at, len(repeated) - 1)) == own] if len(repeated) else at[:0]
        yield _Text(end - start, np.sort(ranks[at]))
