"""Measure how far answers show each trait-level.

Evidence is the words that answers share with examples and with the lexica. The one measure behind checking
and judging. It reads what was said and nothing else, and can be wrong.
"""

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from oceanchat.scripted.examples import features, weights
from oceanchat.scripted.lexica import FacetLevel, evidence_index, signs_of
from oceanchat.scripted.patterns import tokens_of
from oceanchat.traits import TRAIT_LEVELS, Level, Trait, TraitLevel

_MAX_QUOTES = 3
_STRONG = 1.0
"""What a word of the example lines must weigh to speak for a level."""
_OF_EXAMPLES = 0.25
"""What such a word counts beside a sign of the lexica."""
_UNSAID = 60
"""Words without evidence by which few words are made to weigh little."""


class Evidence(NamedTuple):
    """What speaks for one trait-level."""

    trait_level: TraitLevel
    score: float
    """Above 0 the answers are likelier from somebody of this trait-level than plain small talk."""
    facet_level: FacetLevel | None
    """The facet-level with the most signs in the lexica, if any has one."""
    quotes: tuple[str, ...]
    """Words that spoke for it, strongest first, at most three."""


def evidence_in(answers: Sequence[str]) -> list[Evidence]:
    """The evidence for all ten trait-levels, strongest first."""
    spoken = {feature for answer in answers for feature in features(answer)}
    table = weights()
    known = {feature: table[feature] for feature in sorted(spoken) if feature in table}
    scores = [math.fsum(column) for column in zip(*known.values(), strict=True)] or [0.0] * len(TRAIT_LEVELS)
    signs = _signs(answers)
    evidence = []
    for number, trait_level in enumerate(TRAIT_LEVELS):
        here = {each: words for each, words in signs.items() if each.trait_level == trait_level}
        score = scores[number] + math.fsum(weight for words in here.values() for weight in words.values())
        facet_level = max(here, key=lambda each: (math.fsum(here[each].values()), each.key)) if here else None
        evidence.append(Evidence(trait_level, score, facet_level, _quotes(here, known, number)))
    return sorted(evidence, key=lambda each: -each.score)


def _signs(answers: Sequence[str]) -> dict[FacetLevel, dict[str, float]]:
    signs: dict[FacetLevel, dict[str, float]] = {}
    for answer in answers:
        tokens = tokens_of(answer)
        for sign in signs_of(evidence_index().find(tokens)):
            words = signs.setdefault(sign.facet_level, {})
            quote = " ".join(tokens[sign.start : sign.end])
            words[quote] = words.get(quote, 0.0) + sign.weight
    return signs


def _quotes(
    signs: Mapping[FacetLevel, Mapping[str, float]], known: Mapping[str, tuple[float, ...]], number: int
) -> tuple[str, ...]:
    spoken: dict[str, float] = {}
    for words in signs.values():
        spoken.update(words)
    if not spoken:
        spoken = {feature: row[number] for feature, row in known.items() if row[number] > 0}
    ranked = sorted(spoken, key=lambda words: (-spoken[words], words))
    return tuple(words for words in ranked if "|" not in words)[:_MAX_QUOTES]


def balance(answers: Sequence[str], trait: Trait) -> float | None:
    """Evidence for the high level less that for the low level of one trait, for a hundred words.

    None where the lexica find no sign of either level: words that merely go with the subjects of example
    lines are no evidence alone. It is taken as if 60 words without evidence had been said besides, so that
    few words hardly move it.
    """
    own = {each: words for each, words in _signs(answers).items() if each.facet.trait is trait}
    if not own:
        return None
    signs = math.fsum(
        math.fsum(spoken_words.values()) * (1 if each.level is Level.HIGH else -1)
        for each, spoken_words in own.items()
    )
    high, low = (TRAIT_LEVELS.index(TraitLevel(trait, level)) for level in (Level.HIGH, Level.LOW))
    table = weights()
    spoken = sorted({feature for answer in answers for feature in features(answer)})
    leans = (table[feature][high] - table[feature][low] for feature in spoken if feature in table)
    words = sum(len(answer.split()) for answer in answers)
    strong = math.fsum(lean for lean in leans if abs(lean) >= _STRONG)
    return (signs + _OF_EXAMPLES * strong) * 100 / (words + _UNSAID)
