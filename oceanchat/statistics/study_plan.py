"""Plan how much people validate.

Pure arithmetic, before anyone starts: how wide the interval of the pass rate will be, from which kappa on
agreement can be told from chance, and how long it takes people.
"""

import math
from typing import NamedTuple

from oceanchat.statistics.intervals import Z95, wilson

Z80 = 0.8416212335729143
"""For a power of 80 %."""
WORDS_PER_MINUTE = 200.0
"""Careful reading (Brysbaert 2019: 238 for silent reading of fiction and non-fiction)."""
SECONDS_TO_ANSWER = 15.0
"""For two questions and now and then a comment."""
QUALIFICATION_HOURS = 0.75
"""For guidelines, five descriptions and ten practice items."""


class StudySize(NamedTuple):
    """How much is validated."""

    dialogues: int
    """Of one trait-level."""
    trait_levels: int
    annotators: int
    """For each dialogue."""
    surplus: float = 0.0
    """Items that come on top, as a share: repeats, gold items and rejected ones."""


class StudyPlan(NamedTuple):
    """What a study of a size tells and takes."""

    size: StudySize
    width: float
    """Of the 95 % interval of the pass rate over all trait-levels, as a share."""
    width_by_trait_level: float
    kappa: float
    """The smallest Fleiss' kappa that is told from 0, with a power of 80 % at 5 %."""
    kappa_by_trait_level: float
    hours: float
    """Of each annotator, qualification included, where as many work as label each dialogue."""
    total_hours: float


def plan(size: StudySize, expected: float, seconds: float) -> StudyPlan:
    """The plan of a study with an expected pass rate, whose items take so many seconds each."""
    items = size.dialogues * size.trait_levels
    own = items * (1 + size.surplus) * seconds / 3600 + QUALIFICATION_HOURS
    return StudyPlan(
        size=size,
        width=_width(items, expected),
        width_by_trait_level=_width(size.dialogues, expected),
        kappa=_smallest_kappa(items, size.annotators),
        kappa_by_trait_level=_smallest_kappa(size.dialogues, size.annotators),
        hours=own,
        total_hours=own * size.annotators,
    )


def seconds_per_item(words: float) -> float:
    """The time that a dialogue of so many words takes."""
    return words / WORDS_PER_MINUTE * 60 + SECONDS_TO_ANSWER


def _width(items: int, expected: float) -> float:
    interval = wilson(round(items * expected), items)
    return (interval.high or 0.0) - (interval.low or 0.0)


def _smallest_kappa(items: int, annotators: int) -> float:
    """From the standard error under chance of two answers (Fleiss, Nee and Landis 1979), 1 at most.

    For two answers it is sqrt(2 / (items * raters * (raters - 1))), whatever their shares. Infinite for one
    rater.
    """
    if annotators < 2:
        return math.inf
    return min(1.0, (Z95 + Z80) * math.sqrt(2 / (items * annotators * (annotators - 1))))
