"""Check a dialogue: which trait-levels the self-discloser's answers show, by the evidence in them.

Names the strongest trait-level and any other that comes close to it; names none where the evidence is thin.
It sees the dialogue alone, so it can be wrong, and it turns weak dialogues away.
"""

from collections.abc import Mapping

from oceanchat.llm.scripted.conversation import DISCLOSER, read_lines
from oceanchat.llm.scripted.evidence import Evidence, evidence_in
from oceanchat.traits import TraitLevel, facet_named

_NEEDED = 2.0
"""The least evidence that is named at all."""
_CLOSE = 0.7
"""Another trait is named too when it has this share of the strongest one's evidence."""


def shown(answers: list[str]) -> dict[TraitLevel, Evidence]:
    """The trait-levels that the answers show, strongest first, at most one level of a trait."""
    ranked = sorted(evidence_in(answers).items(), key=lambda item: (-item[1].score, item[0].code))
    if not ranked or ranked[0][1].score < _NEEDED:
        return {}
    named: dict[TraitLevel, Evidence] = {}
    for trait_level, evidence in ranked:
        close = evidence.score >= _CLOSE * ranked[0][1].score
        if close and all(other.trait is not trait_level.trait for other in named):
            named[trait_level] = evidence
    return named


def check_reply(tags: Mapping[str, str]) -> str:
    """The reply to the `check` task."""
    lines = read_lines(tags.get("dialogue", ""))
    found = shown([line.text for line in lines if line.speaker == DISCLOSER])
    if not found:
        return "Reason: the answers hold too little evidence of any trait.\nResult: none"
    reasons = [_reason(trait_level, evidence) for trait_level, evidence in found.items()]
    result = ", ".join(f"{each.trait.label}-{each.level.value}" for each in found)
    return f"Reason: {'; '.join(reasons)}.\nResult: {result}"


def _reason(trait_level: TraitLevel, evidence: Evidence) -> str:
    quoted = ", ".join(f"'{quote}'" for quote in evidence.quotes)
    facet = facet_named(evidence.facet)
    manner = facet.manner(trait_level.level) if facet else trait_level.label
    return f"{quoted} suggest somebody who {manner}"
