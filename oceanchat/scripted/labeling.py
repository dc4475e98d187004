"""Label a sentence for one trait.

The label is the facet and level its words speak for, or neutral. The strength grows with the evidence; a
sentence that is not about its writer counts for less. Replies have the form the label prompt asks for. Knows
the lexica, nothing of corpora or selection.
"""

import functools
import re
from collections.abc import Mapping
from typing import NamedTuple

from oceanchat.errors import InputError
from oceanchat.scripted.lexica import FacetLevel, label_index, signs_of
from oceanchat.scripted.patterns import WORD_CLASSES, tokens_of
from oceanchat.traits import Trait, traits_named

_NEEDED = 2.0
"""The least evidence that is not neutral: one telling word, or two that hint."""
_STEPS = (3.0, 5.0, 7.0)
"""Evidence at which the strength passes from 2 to 3, 4 and 5."""
_USUAL_LENGTH = 30
"""Words; in a longer sentence the same evidence is thinner."""
_NUMBERED = re.compile(r"^\s*(\d+)[.)]\s*(.*)$")


class SentenceLabel(NamedTuple):
    """What the lexica say of a sentence."""

    facet_level: FacetLevel | None
    """None for neutral."""
    strength: int
    """1 (hardly) to 5 (plainly); 0 for neutral."""
    quotes: tuple[str, ...]
    """The words that spoke for it, at most three."""


def label_sentence(sentence: str, trait: Trait) -> SentenceLabel:
    """The facet-level with the most evidence in the sentence."""
    tokens = tokens_of(sentence)
    scores: dict[str, float] = {}
    quotes: dict[str, list[str]] = {}
    facet_levels: dict[str, FacetLevel] = {}
    for sign in signs_of(label_index(trait).find(tokens)):
        key = sign.facet_level.key
        facet_levels[key] = sign.facet_level
        scores[key] = scores.get(key, 0.0) + sign.weight
        quotes.setdefault(key, []).append(" ".join(tokens[sign.start : sign.end]))
    if not scores:
        return SentenceLabel(None, 0, ())
    best = max(scores, key=lambda key: (scores[key], key))
    level = facet_levels[best].level
    rival = max((scores[key] for key in scores if facet_levels[key].level is not level), default=0.0)
    score = scores[best] - rival / 2
    if not WORD_CLASSES["i"].intersection(tokens):
        score -= 1.5
    score *= min(1.0, _USUAL_LENGTH / max(len(tokens), 1))
    evidence = tuple(quotes[best][:3])
    if score < _NEEDED:
        return SentenceLabel(None, 0, evidence)
    return SentenceLabel(facet_levels[best], 2 + sum(score >= step for step in _STEPS), evidence)


@functools.lru_cache(maxsize=64)
def _trait(text: str) -> Trait | None:
    try:
        return traits_named(text)[0] if text.strip().lower() != "all" else None
    except InputError:
        return None


def _reason(label: SentenceLabel) -> str:
    if label.facet_level is None:
        return "nothing in the sentence speaks clearly for either level"
    quoted = " and ".join(f"'{quote}'" for quote in dict.fromkeys(label.quotes))
    return f"{quoted} suggests someone who {label.facet_level.facet.manner(label.facet_level.level)}"


def label_reply(tags: Mapping[str, str]) -> str:
    """The reply to the `label` task."""
    trait = _trait(tags.get("trait", ""))
    label = SentenceLabel(None, 0, ()) if trait is None else label_sentence(tags.get("sentence", ""), trait)
    if label.facet_level is None:
        return f"Reason: {_reason(label)}.\nLabel: neutral"
    return f"Reason: {_reason(label)}.\nLabel: {label.facet_level.key}\nStrength: {label.strength}"


def label_many_reply(tags: Mapping[str, str]) -> str:
    """The reply to the `label_many` task: one line for each numbered sentence."""
    trait = _trait(tags.get("trait", ""))
    lines = []
    for match in map(_NUMBERED.match, tags.get("sentences", "").splitlines()):
        if match is None:
            continue
        label = SentenceLabel(None, 0, ()) if trait is None else label_sentence(match.group(2), trait)
        name = "neutral" if label.facet_level is None else f"{label.facet_level.key} {label.strength}"
        lines.append(f"{match.group(1)}. {name} | {_reason(label)}")
    return "\n".join(lines) or "Nothing to label: the sentences carry no numbers."
