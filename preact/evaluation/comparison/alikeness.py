"""Find systems that were not set up alike.

Systems of one table should draw their answers alike, and systems on one backbone should have had the same
one: same weights, number format and quantization. What differs is said above the table; nothing is refused,
since a difference may be what is studied. It reads headers and no weights.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from preact.evaluation.comparison.trait_scores import ScoredInterview

DECODING = ("temperature", "top_p", "max_tokens")
"""What decides how answers are drawn, for systems on this machine and behind an endpoint."""
IDENTITY = ("weights_sha256", "config_sha256", "revision", "architecture", "dtype", "quantisation")
"""What a backbone is, as a run or an interview records it."""
UNRECORDED = "not recorded"
_SHOWN = 12
"""Digits of a hash that are shown."""


def differences_in_setup(scored: Sequence[ScoredInterview]) -> list[str]:
    """One sentence for each setting in which systems differ that should not; empty when all are alike."""
    sentences = []
    for name in DECODING:
        values = {_label(entry): _text(entry.interview.header.system.get(name)) for entry in scored}
        if len(set(values.values())) > 1:
            sentences.append(f"answers were not drawn alike: {name} is {_listed(values)}")
    for backbone in dict.fromkeys(entry.interview.header.backbone for entry in scored):
        group = [entry for entry in scored if entry.interview.header.backbone == backbone]
        for name in IDENTITY:
            values = {entry.interview.header.model: _text(_identity(entry).get(name)) for entry in group}
            if len(set(values.values())) > 1:
                sentences.append(
                    f"systems called '{backbone}' differ in their backbone: {name} is {_listed(values)}"
                )
    return sentences


def _identity(entry: ScoredInterview) -> Mapping[str, Any]:
    return entry.interview.header.system.get("backbone_used") or {}


def _label(entry: ScoredInterview) -> str:
    return f"{entry.interview.header.backbone} {entry.interview.header.model}"


def _text(value: Any) -> str:
    text = UNRECORDED if value in (None, "") else str(value)
    return f"{text[:_SHOWN]}…" if len(text) == 64 else text


def _listed(values: Mapping[str, str]) -> str:
    """'0.7 (P-React, LoRA) and 0 (Prompt)'."""
    labels: dict[str, list[str]] = {}
    for label, value in values.items():
        labels.setdefault(value, []).append(label)
    return " and ".join(f"{value} ({', '.join(names)})" for value, names in labels.items())
