"""Statements that people make about themselves.

They are written for this project, to build control vectors from: sixteen a trait, half for each level. Some
are held out for measuring, and those that overlap an inventory are left out, or an interview with it would
ask what the vectors were built from.
"""

import csv
from collections.abc import Sequence
from importlib.resources import files
from typing import NamedTuple

from oceanchat.errors import EvaluationError
from oceanchat.near_duplicates import NearDuplicates
from oceanchat.traits import TRAITS, Level, Trait

HELD_OUT_EVERY = 4
TOO_CLOSE = 0.3
"""Jaccard of word 3-grams above which a statement overlaps an inventory's question."""


class Statement(NamedTuple):
    """A sentence that a person can say about themselves."""

    trait: Trait
    level: Level
    """The level that agreeing speaks for."""
    text: str


def statements() -> list[Statement]:
    """The eighty statements that ship, written for this project."""
    with (files("preact") / "data" / "statements.csv").open(encoding="utf-8") as file:
        return [Statement(Trait(r["trait"]), Level(r["level"]), r["statement"]) for r in csv.DictReader(file)]


def without_overlap(candidates: Sequence[Statement], questions: Sequence[str]) -> list[Statement]:
    """The statements that share too little wording with any of the questions to give an interview away."""
    known = NearDuplicates(3)
    for number, question in enumerate(questions):
        known.add(str(number), question)
    closest = ((statement, known.closest(statement.text)) for statement in candidates)
    return [statement for statement, near in closest if near is None or near.jaccard <= TOO_CLOSE]


class SplitStatements(NamedTuple):
    """Statements by purpose."""

    build: list[Statement]
    measure: list[Statement]


def split_statements(usable: Sequence[Statement]) -> SplitStatements:
    """Hold every fourth statement of each trait and level out for measuring.

    Raises EvaluationError when a trait has too few.
    """
    build, measure = [], []
    for trait in TRAITS:
        for level in Level:
            own = [s for s in usable if s.trait is trait and s.level is level]
            measure += own[HELD_OUT_EVERY - 1 :: HELD_OUT_EVERY]
            build += [s for n, s in enumerate(own) if n % HELD_OUT_EVERY != HELD_OUT_EVERY - 1]
        if not any(s.trait is trait for s in build) or not any(s.trait is trait for s in measure):
            raise EvaluationError(
                f"too few statements on '{trait.label}' are left; give at least eight that do not overlap"
            )
    return SplitStatements(build, measure)
