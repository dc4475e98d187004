"""Which texts of a set are near-duplicates of one another, and how much of one text stands in another.

All pairs above a Jaccard similarity of word 5-grams, exactly: by prefix filtering, two texts are compared
only when they share one of their rarest 5-grams, so time grows with the near-duplicates and not with the
square of the texts.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import NamedTuple

from oceanchat.near_duplicates import shingles


class NearPair(NamedTuple):
    """Two texts by their places, the earlier first."""

    first: int
    second: int
    jaccard: float


def near_pairs(texts: Sequence[str], threshold: float = 0.5, n: int = 5) -> list[NearPair]:
    """Every pair with at least this Jaccard similarity, ordered by place. `threshold` is above 0."""
    sets = [shingles(text, n) for text in texts]
    frequency = Counter(gram for grams in sets for gram in grams)
    index: defaultdict[str, list[int]] = defaultdict(list)
    pairs: list[NearPair] = []
    for place, grams in enumerate(sets):
        # Sets that reach the threshold share one of the size - ceil(threshold * size) + 1 rarest of each.
        prefix = sorted(grams, key=lambda gram: (frequency[gram], gram))
        prefix = prefix[: len(grams) - math.ceil(threshold * len(grams)) + 1]
        for other in sorted({seen for gram in prefix for seen in index[gram]}):
            if min(len(grams), len(sets[other])) < threshold * max(len(grams), len(sets[other])):
                continue
            shared = len(grams & sets[other])
            similarity = shared / (len(grams) + len(sets[other]) - shared)
            if similarity >= threshold:
                pairs.append(NearPair(other, place, similarity))
        for gram in prefix:
            index[gram].append(place)
    return sorted(pairs)


def repeats(text: str, source: str, n: int) -> bool:
    """Whether `text` holds n words in a row of `source`."""
    runs = shingles(source, n)
    return any(len(run.split()) == n for run in runs & shingles(text, n))
