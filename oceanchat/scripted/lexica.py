"""Lexica of words for each facet and level.

They hold words that people use of themselves and tells of how they behave. One TOML file a trait under
lexica/. `words` serve labeling and checking, `tells` (what someone like that does or mentions) only checking
and judging. Knows how to load and index them, nothing of replies.
"""

import functools
import tomllib
from collections.abc import Iterable, Mapping
from importlib import resources
from typing import NamedTuple

from oceanchat.facets import FACETS, Facet
from oceanchat.scripted.patterns import PatternIndex, PatternMatch, split_patterns
from oceanchat.traits import LEVELS, Level, Trait, TraitLevel

OPPOSITE = {Level.HIGH: Level.LOW, Level.LOW: Level.HIGH}
_FLIPPED = 0.5
"""What a negated pattern is worth for the opposite level."""


class FacetLevel(NamedTuple):
    """One facet at one level."""

    facet: Facet
    level: Level

    @property
    def key(self) -> str:
        return f"{self.facet.id}-{self.level.value}"

    @property
    def trait_level(self) -> TraitLevel:
        return TraitLevel(self.facet.trait, self.level)


class FacetSign(NamedTuple):
    """One piece of evidence in a text."""

    facet_level: FacetLevel
    weight: float
    start: int
    end: int
    """Token positions, end excluded."""


FACET_LEVELS: Mapping[str, FacetLevel] = {
    facet_level.key: facet_level
    for facets in FACETS.values()
    for facet in facets
    for facet_level in (FacetLevel(facet, level) for level in LEVELS)
}
"""The sixty facet-levels by key, such as 'fantasy-high'."""


@functools.cache
def _lexicon(trait: Trait) -> Mapping[str, Mapping[str, str]]:
    path = resources.files("oceanchat.scripted") / "lexica" / f"{trait.label.lower()}.toml"
    return tomllib.loads(path.read_text(encoding="utf-8"))


@functools.cache
def label_index(trait: Trait) -> PatternIndex:
    """The words of one trait's twelve facet-levels."""
    return PatternIndex(
        {
            key: [(text, 1.0) for text in split_patterns(part["words"])]
            for key, part in _lexicon(trait).items()
        }
    )


@functools.cache
def evidence_index() -> PatternIndex:
    """Words and tells of all sixty facet-levels; what several trait-levels share counts for less."""
    listed: dict[str, dict[str, float]] = {}
    holders: dict[str, set[str]] = {}
    for trait in Trait:
        for key, part in _lexicon(trait).items():
            for source, factor in (("words", 0.5), ("tells", 1.0)):
                for text in split_patterns(part[source]):
                    bare = text.rstrip("!")
                    listed.setdefault(key, {}).setdefault(text, factor)
                    holders.setdefault(bare, set()).add(FACET_LEVELS[key].trait_level.code)
    return PatternIndex(
        {
            key: [(text, factor / len(holders[text.rstrip("!")]) ** 2) for text, factor in patterns.items()]
            for key, patterns in listed.items()
        }
    )


def signs_of(matches: Iterable[PatternMatch]) -> list[FacetSign]:
    """The matches as evidence: negated patterns speak, more quietly, for the opposite level, and of
    overlapping patterns of one facet-level only the strongest counts."""
    last: dict[str, FacetSign] = {}
    signs: list[FacetSign] = []
    for match in matches:
        facet_level = FACET_LEVELS[match.group]
        weight = match.weight
        if match.negated:
            facet_level = FacetLevel(facet_level.facet, OPPOSITE[facet_level.level])
            weight *= _FLIPPED
        sign = FacetSign(facet_level, weight, match.start, match.end)
        before = last.get(facet_level.key)
        if before is None or match.start >= before.end:
            signs.append(sign)
            last[facet_level.key] = sign
        elif weight > before.weight:
            signs[signs.index(before)] = last[facet_level.key] = sign
    return signs
