"""Pace and care: what tells the lead that somebody clicks through.

Judged from labels alone: time on items without idle time, answers that are all alike, tries that came too
fast, gold items and silent repeats. It warns; it never blocks anybody.
"""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from oceanchat.annotation.qualification import is_right
from oceanchat.statistics.agreement import cohen
from oceanchat.statistics.figure import Figure
from oceanchat.statistics.intervals import wilson
from oceanchat.store.assignments import COUNTED, ROUTINE
from oceanchat.store.labels import Judgement

FASTEST = 15.0
"""Words a second nobody reads at with care; twice to four times ordinary reading."""
RECENT = 20
"""Labels looked at for a warning."""


@dataclass(frozen=True)
class Care:
    """One annotator's pace and care."""

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


def care_of(own: Sequence[Judgement], refused: int) -> Care:
    """The pace and care that one annotator's current labels show."""
    routine = sorted((one for one in own if one.purpose in ROUTINE), key=lambda one: one.saved)
    first = {one.item_id: one.value for one in routine if one.purpose == COUNTED}
    pairs = [
        (first[one.item_id], one.value) for one in routine if one.purpose == "repeat" and one.item_id in first
    ]
    gold = [is_right(one) for one in routine if one.purpose == "gold"]
    return Care(
        labels=len(routine),
        median_seconds=statistics.median(one.active_seconds for one in routine) if routine else None,
        repeated=_share([a == b for a, b in pairs], "no repeat is answered yet"),
        intra_kappa=cohen(pairs),
        gold=_share(gold, "no gold item is answered yet"),
        warnings=tuple(_warnings(routine[-RECENT:], refused, gold, pairs)),
    )


def _share(hits: Sequence[bool], nothing: str) -> Figure:
    return wilson(sum(hits), len(hits))._replace(note="" if hits else f"not computable ({nothing})")


def _warnings(
    recent: Sequence[Judgement], refused: int, gold: Sequence[bool], pairs: Sequence[tuple[str, str]]
) -> list[str]:
    found = []
    hurried = sum(_words(one) > FASTEST * max(one.active_seconds, 0.1) for one in recent)
    if len(recent) >= 5 and hurried >= len(recent) / 4:
        found.append(f"{hurried} of the last {len(recent)} items were answered faster than they can be read")
    if refused >= 5:
        found.append(f"tried {refused} times to save before the least time was over")
    if len(recent) == RECENT and len({tuple(sorted(one.answers.items())) for one in recent}) == 1:
        found.append(f"the last {RECENT} answers are all the same")
    if len(gold) >= 5 and sum(gold) < 0.7 * len(gold):
        found.append(f"{sum(gold)} of {len(gold)} gold items right")
    if len(pairs) >= 5 and sum(a == b for a, b in pairs) < 0.7 * len(pairs):
        found.append(f"{sum(a == b for a, b in pairs)} of {len(pairs)} repeats answered the same")
    return found


def _words(judgement: Judgement) -> int:
    return sum(len(turn["text"].split()) for turn in judgement.content.get("turns", ()))
