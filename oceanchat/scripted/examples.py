"""Weigh words by the trait-levels they show.

The weights are learned from the example lines under parts/. Each word or pair of words weighs, for each
trait-level, the logarithm of how much commoner it is in that trait-level's lines than in plain small talk.
Knows the lines, nothing of the dialogues it will be used on.
"""

import functools
import itertools
import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from oceanchat.scripted.grammar import parts
from oceanchat.scripted.patterns import tokens_of
from oceanchat.traits import TRAIT_LEVELS, TraitLevel

Weights = Mapping[str, tuple[float, ...]]
"""Word or pair -> one weight for each of the ten trait-levels, in their order."""

_PRIOR = 1000.0
"""How many average words each trait-level's count is smoothed with."""
_MAX_WEIGHT = 3.0
"""No word counts for more than this, whichever way."""
_DIGITS = 9
"""Behind the point: words of equal rates weigh the same, whichever Python and C library reckon it."""
_ENDINGS = ("ing", "ed", "es", "s", "ly")
_MIN_STEM = 3
_MARKS = re.compile(r"\{\w+\}|[()|]")


def features(text: str) -> Iterable[str]:
    """The stems of a text's words, and pairs of them that stand together in a clause."""
    stems = [_stem(token) for token in tokens_of(text)]
    yield from (stem for stem in stems if stem != "|")
    yield from (f"{a} {b}" for a, b in itertools.pairwise(stems) if "|" not in (a, b))


def _stem(word: str) -> str:
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= _MIN_STEM:
            return word[: -len(ending)]
    return word


def lines_of(trait_level: TraitLevel) -> list[str]:
    """All lines that show a trait-level, slots and choices as they are written."""
    lines: list[str] = []
    for part in parts(f"{trait_level.trait.label.lower()}_{trait_level.level.value}").values():
        lines.extend(line for story in part["stories"] for line in story.values())
        lines.extend(line for choices in part["any"].values() for line in choices)
    return lines


def _plain_lines() -> list[str]:
    smalltalk = parts("smalltalk")
    lines = [line for choices in smalltalk["plain"].values() for line in choices]
    kinds = (part for kind, part in smalltalk.items() if kind != "plain")
    return lines + [line for part in kinds for pair in part["pairs"] for line in pair["answer"]]


def _counts(lines: Sequence[str]) -> Counter[str]:
    counts: Counter[str] = Counter()
    for line in lines:
        counts.update(set(features(_MARKS.sub(" , ", line))))
    return counts


@functools.cache
def weights() -> Weights:
    """The weights of every word and pair in the example lines."""
    counts = [_counts(lines_of(trait_level)) for trait_level in TRAIT_LEVELS]
    counts.append(_counts(_plain_lines()))
    sizes = [each.total() for each in counts]
    everything: Counter[str] = Counter()
    for each in counts:
        everything.update(each)
    total = everything.total()
    table: dict[str, tuple[float, ...]] = {}
    for feature, count in everything.items():
        rates = [
            (each[feature] + _PRIOR * count / total) / (size + _PRIOR)
            for each, size in zip(counts, sizes, strict=True)
        ]
        mean = math.fsum(rates) / len(rates)
        *shown, plain = (max(-_MAX_WEIGHT, min(_MAX_WEIGHT, math.log(rate / mean))) for rate in rates)
        table[feature] = tuple(round(each - plain, _DIGITS) for each in shown)
    return table
