"""Signs that an annotator does not read.

Judged from labels alone: time on items without idle time, answers that are all alike, submissions that came
too fast, gold items and silent repeats. It warns; it never blocks anybody.
"""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from oceanchat.annotation.qualification import is_right
from oceanchat.counting import counted
from oceanchat.statistics.agreement import cohen
from oceanchat.statistics.figure import Figure
from oceanchat.statistics.intervals import wilson
from oceanchat.store.assignments import COUNTED, ROUTINE
from oceanchat.store.labels import ItemLabel

MAX_WORDS_PER_SECOND = 15.0
"""Faster than anybody reads attentively: two to four times ordinary reading."""
RECENT_LABELS = 20
"""Labels that warnings are based on."""


@dataclass(frozen=True)
class AttentionReport:
    """How attentively one annotator works."""

    labels: int
    """Answered items, repeats and gold items included."""
    median_seconds: float | None
    """Median time on an item, idle time left out."""
    repeated: Figure
    """Share of silent repeats answered the same."""
    intra_kappa: Figure
    """Cohen's kappa between first answers and repeats."""
    gold: Figure
    """Share of gold items answered right."""
    warnings: tuple[str, ...]


def recent_labels(own: Sequence[ItemLabel]) -> list[ItemLabel]:
    """The labels that warnings are based on: the last to be saved."""
    routine = [label for label in own if label.purpose in ROUTINE]
    return sorted(routine, key=lambda label: label.label_id)[-RECENT_LABELS:]


def attention_report(
    own: Sequence[ItemLabel], rejected_submissions: int, words: Mapping[int, int]
) -> AttentionReport:
    """The attention that one annotator's current labels show; `words` is item id -> words of the item, for
    the recent labels at least."""
    routine = [label for label in own if label.purpose in ROUTINE]
    first = {label.item_id: label.value for label in routine if label.purpose == COUNTED}
    repeats = [label for label in routine if label.purpose == "repeat" and label.item_id in first]
    pairs = [(first[label.item_id], label.value) for label in repeats]
    gold = [is_right(label) for label in routine if label.purpose == "gold"]
    return AttentionReport(
        labels=len(routine),
        median_seconds=statistics.median(label.active_seconds for label in routine) if routine else None,
        repeated=_share([a == b for a, b in pairs], "no repeat is answered yet"),
        intra_kappa=cohen(pairs),
        gold=_share(gold, "no gold item is answered yet"),
        warnings=tuple(_warnings(recent_labels(own), words, rejected_submissions, gold, pairs)),
    )


def _share(hits: Sequence[bool], reason: str) -> Figure:
    return wilson(sum(hits), len(hits))._replace(note="" if hits else f"not computable ({reason})")


def _warnings(
    recent: Sequence[ItemLabel],
    words: Mapping[int, int],
    rejected_submissions: int,
    gold: Sequence[bool],
    pairs: Sequence[tuple[str, str]],
) -> list[str]:
    warnings = []
    hurried = sum(
        words.get(label.item_id, 0) > MAX_WORDS_PER_SECOND * max(label.active_seconds, 0.1)
        for label in recent
    )
    if len(recent) >= 5 and hurried >= len(recent) / 4:
        warnings.append(
            f"{hurried} of the last {counted(len(recent), 'item')} were answered faster than they can be read"
        )
    if rejected_submissions >= 5:
        warnings.append(f"tried {rejected_submissions} times to save before the minimum time was over")
    if len(recent) == RECENT_LABELS and len({tuple(sorted(label.answers.items())) for label in recent}) == 1:
        warnings.append(f"the last {RECENT_LABELS} answers are all the same")
    if len(gold) >= 5 and sum(gold) < 0.7 * len(gold):
        warnings.append(f"{sum(gold)} of {len(gold)} gold items right")
    if len(pairs) >= 5 and sum(a == b for a, b in pairs) < 0.7 * len(pairs):
        warnings.append(f"{sum(a == b for a, b in pairs)} of {len(pairs)} repeats answered the same")
    return warnings


def words_of(content: Mapping[str, Any]) -> int:
    """The words of an item's dialogue."""
    return sum(len(turn["text"].split()) for turn in content.get("turns", ()))
