"""Clear answers of both levels, written by hand.

Three questions a trait with an answer of either level. Judges are checked with them, and how fluent a
system's answers are is told beside them. They belong to no inventory and to no release.
"""

import csv
import functools
from importlib.resources import files
from typing import NamedTuple

from oceanchat.traits import Level, Trait


class ClearAnswer(NamedTuple):
    """A question and an answer that shows a trait-level clearly."""

    trait: Trait
    level: Level
    question: str
    answer: str


@functools.cache
def clear_answers() -> tuple[ClearAnswer, ...]:
    """All thirty, by trait and level."""
    with (files("preact") / "data" / "controls.csv").open(encoding="utf-8") as file:
        return tuple(
            ClearAnswer(Trait(row["trait"]), Level(row["level"]), row["question"], row["answer"])
            for row in csv.DictReader(file)
        )
