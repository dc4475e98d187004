"""Choose rows whose levels are equally long.

Pairs of one dialogue of the high and one of the low level whose answers are about as long. In what is left
over length and level go together; it becomes a config of its own. Pure: the same rows give the same pairs.
"""

import heapq
import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from oceanchat.statistics.auc import Clustered, clustered_auc
from oceanchat.statistics.length import AnswerLengths
from oceanchat.traits import TRAITS, Level, Trait

TOLERANCE = 0.1
"""How much longer the answers of one of a pair may be than those of the other, as a share."""
LEFT = 0.05
"""How far P(high longer than low) may be from 0.5 among the pairs."""


class MatchedPair(NamedTuple):
    """Two dialogues of one trait."""

    high: str
    """Id."""
    low: str
    high_words: float
    """Mean words of an answer."""
    low_words: float

    @property
    def excess(self) -> float:
        """By which factor the high one is longer, as a logarithm."""
        return math.log(self.high_words / self.low_words)


def balanced_ids(lengths: Mapping[str, AnswerLengths]) -> frozenset[str]:
    """The ids of the dialogues in matched pairs of any trait, from the lengths of all by id."""
    pairs = [pair for trait in TRAITS for pair in matched_pairs(lengths, trait)]
    return frozenset(identifier for pair in pairs for identifier in (pair.high, pair.low))


def matched_pairs(lengths: Mapping[str, AnswerLengths], trait: Trait) -> list[MatchedPair]:
    """The pairs of a trait within TOLERANCE, the closest chosen first, less those that must go for balance.

    Of all dialogues in order of length, the closest two of unlike level are always neighbors: they are taken
    out, and their own neighbors become neighbors of each other.
    """
    line = _line(lengths, trait)
    before, after = list(range(-1, len(line) - 1)), list(range(1, len(line) + 1))
    heap = [_candidate(line, left, left + 1) for left in range(len(line) - 1)]
    heapq.heapify(heap)
    pairs, taken = [], [False] * len(line)
    while heap:
        distance, left, right = heapq.heappop(heap)
        if distance > math.log1p(TOLERANCE):
            break
        if taken[left] or taken[right]:
            continue
        pairs.append(_pair(line[left], line[right]))
        taken[left] = taken[right] = True
        outer_left, outer_right = before[left], after[right]
        if outer_left >= 0:
            after[outer_left] = outer_right
        if outer_right < len(line):
            before[outer_right] = outer_left
        if outer_left >= 0 and outer_right < len(line):
            heapq.heappush(heap, _candidate(line, outer_left, outer_right))
    return _evened(pairs)


class _Measured(NamedTuple):
    """One dialogue on the line of all lengths."""

    words: float
    id: str
    level: Level


def _line(lengths: Mapping[str, AnswerLengths], trait: Trait) -> list[_Measured]:
    """The dialogues of a trait that have words, the shortest first."""
    own = [(identifier, one) for identifier, one in lengths.items() if one.trait == trait and one.words > 0]
    return sorted(_Measured(one.words, identifier, one.level) for identifier, one in own)


def _candidate(line: Sequence[_Measured], left: int, right: int) -> tuple[float, int, int]:
    """How far apart two neighbors are, as a logarithm; infinitely where they are of one level."""
    first, second = line[left], line[right]
    apart = math.inf if first.level == second.level else math.log(second.words / first.words)
    return apart, left, right


def _pair(first: _Measured, second: _Measured) -> MatchedPair:
    high, low = (first, second) if first.level is Level.HIGH else (second, first)
    return MatchedPair(high.id, low.id, high.words, low.words)


def _evened(pairs: list[MatchedPair]) -> list[MatchedPair]:
    """The pairs without the most uneven ones: a hundredth goes at a time, until length tells nothing."""
    even = sorted(pairs, key=lambda pair: (pair.excess, pair.high))
    while even and abs(separation := _separation(even)) > LEFT:
        number = math.ceil(len(even) / 100)
        even = even[:-number] if separation > 0 else even[number:]
    return even


def _separation(pairs: list[MatchedPair]) -> float:
    """P(high longer than low) less a half."""
    high = [Clustered(pair.high_words, pair.high) for pair in pairs]
    low = [Clustered(pair.low_words, pair.low) for pair in pairs]
    return (clustered_auc(high, low).value or 0.0) - 0.5
