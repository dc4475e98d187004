"""Check which trait-levels a dialogue shows.

Judges by the evidence in the self-discloser's answers. Names the strongest trait-level and those that come
close to it; names none where the evidence is thin. It sees the dialogue alone, so it can be wrong, and it
turns weak dialogues away. It was fitted to the example lines that the scripted writer speaks from, so what it
passes of that writer's says nothing of other texts.
"""

import re
from collections.abc import Mapping, Sequence

from oceanchat.scripted.conversation import DISCLOSER, read_lines
from oceanchat.scripted.evidence import Evidence, evidence_in

_HEAD = re.compile(r"^Dialogue (\d+)$", re.MULTILINE)
_CLOSE = 3.0
"""Another trait is named too when its evidence is within this of the strongest one's."""


def trait_levels_shown(answers: Sequence[str]) -> list[Evidence]:
    """The trait-levels that the answers show, strongest first, at most one level of a trait."""
    ranked = evidence_in(answers)
    named: list[Evidence] = []
    threshold = ranked[0].score - _CLOSE
    for evidence in ranked:
        known = {each.trait_level.trait for each in named}
        if evidence.score > 0 and evidence.score >= threshold and evidence.trait_level.trait not in known:
            named.append(evidence)
    return named


def check_reply(tags: Mapping[str, str]) -> str:
    """The reply to the `check` task, about one dialogue or several numbered ones.

    It does not judge the questions: those it says are neutral, which the gates look into.
    """
    text = tags.get("dialogue", "")
    heads = list(_HEAD.finditer(text))
    if not heads:
        return _verdict(text)
    ends = [*(head.start() for head in heads[1:]), len(text)]
    return "\n\n".join(
        f"Dialogue {head[1]}\n{_verdict(text[head.end() : end])}"
        for head, end in zip(heads, ends, strict=True)
    )


def _verdict(dialogue: str) -> str:
    lines = read_lines(dialogue)
    evidence = trait_levels_shown([line.text for line in lines if line.speaker == DISCLOSER])
    reason = "; ".join(map(_reason, evidence)) or "the answers hold too little evidence of any trait"
    main, *also = [f"{e.trait_level.trait.label}-{e.trait_level.level.value}" for e in evidence] or ["none"]
    return (
        f"Reason: {reason}.\nMain trait: {main}\nAlso: {', '.join(also) or 'none'}"
        "\nQuestioner: neutral\nTrait named outright: no"
    )


def _reason(evidence: Evidence) -> str:
    quoted = ", ".join(f"'{quote}'" for quote in evidence.quotes)
    if evidence.facet_level is None:
        return f"words such as {quoted} point to {evidence.trait_level.label}"
    manner = evidence.facet_level.facet.manner(evidence.trait_level.level)
    return f"words such as {quoted} suggest somebody who {manner}"
