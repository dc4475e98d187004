"""How much a text speaks for each trait-level, by the words and tells of the lexica.

The one measure behind checking and judging. It reads what was said and nothing else, and can be wrong.
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from oceanchat.llm.scripted.lexica import evidence_index, signs_of
from oceanchat.llm.scripted.patterns import tokens_of
from oceanchat.traits import Trait, TraitLevel

_MOST_PER_PATTERN = 2
"""A repeated word counts this often."""
_FOCUS = 0.5
"""What the facets behind the strongest one add: a person shows one facet at a time."""


class Evidence(NamedTuple):
    """What speaks for one trait-level."""

    score: float
    facet: str
    """Id of the facet with the most of it."""
    quotes: tuple[str, ...]
    """The words that spoke for that facet, strongest first, at most four."""


def evidence_in(answers: Iterable[str]) -> Mapping[TraitLevel, Evidence]:
    """The trait-levels that have any evidence in the answers."""
    scores: dict[str, float] = {}
    quoted: dict[str, dict[str, float]] = {}
    times: dict[tuple[str, str], int] = {}
    sides = {}
    for answer in answers:
        tokens = tokens_of(answer)
        for sign in signs_of(evidence_index().find(tokens)):
            key, words = sign.side.key, " ".join(tokens[sign.start : sign.end])
            times[key, words] = times.get((key, words), 0) + 1
            if times[key, words] > _MOST_PER_PATTERN:
                continue
            sides[key] = sign.side
            scores[key] = scores.get(key, 0.0) + sign.weight
            quoted.setdefault(key, {}).setdefault(words, sign.weight)
    return _by_trait_level(scores, quoted, {key: side.trait_level for key, side in sides.items()})


def _by_trait_level(
    scores: Mapping[str, float], quoted: Mapping[str, Mapping[str, float]], holders: Mapping[str, TraitLevel]
) -> dict[TraitLevel, Evidence]:
    found: dict[TraitLevel, Evidence] = {}
    for trait_level in dict.fromkeys(holders.values()):
        keys = sorted((key for key in holders if holders[key] == trait_level), key=lambda k: -scores[k])
        best = keys[0]
        quotes = sorted(quoted[best], key=lambda words: -quoted[best][words])
        total = scores[best] + _FOCUS * sum(scores[key] for key in keys[1:])
        found[trait_level] = Evidence(total, best.rsplit("-", 1)[0], tuple(quotes[:4]))
    return found


def balance(answers: Iterable[str], trait: Trait) -> float:
    """Evidence for the high level minus that for the low level of one trait."""
    found = evidence_in(answers)
    return sum(
        (1 if trait_level.level.value == "high" else -1) * evidence.score
        for trait_level, evidence in found.items()
        if trait_level.trait is trait
    )
