"""Control answers whose score is known beforehand.

Every judge scores them beside the interview. Clear answers of both levels show whether a judge tells them
apart (asked for the opposite level they must score the opposite way); blank answers and gibberish give no
ground for any score. How a judge scores them is printed with every table. Nothing here knows of systems.
"""

import csv
import math
import random
import statistics
from collections.abc import Sequence
from importlib.resources import files
from typing import Literal, NamedTuple

from oceanchat.traits import TRAITS, Level, Trait
from preact.evaluation.judge.verdicts import MIDPOINT, Judge, Judgement, JudgeVerdict, Mode, Pair

ControlKind = Literal["high", "low", "blank", "gibberish"]
KINDS: tuple[ControlKind, ...] = ("high", "low", "blank", "gibberish")
MIN_GAP = 1.0
"""Scale points by which clear high answers must score above clear low ones for a judge to be trusted."""
_LETTERS = "bcdfghjklmnpqrstvwxz"


class Control(NamedTuple):
    """One trait's control answers of one kind."""

    kind: ControlKind
    trait: Trait
    pairs: tuple[Pair, ...]


class ControlCheck(NamedTuple):
    """How a judge scored the controls."""

    gaps: dict[Trait, float]
    """Score of clear high answers less that of clear low ones, in scale points; NaN where one is missing."""
    rated_blank: int
    """Traits (of five) for which blank answers were given a score other than the midpoint."""
    rated_gibberish: int
    """Traits (of five) for which gibberish was given a score other than the midpoint."""
    warnings: tuple[str, ...]
    """One sentence for each thing that is wrong; empty when the judge passes."""


def controls() -> list[Control]:
    """All twenty controls: five traits in four kinds."""
    with (files("preact") / "data" / "controls.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    result: list[Control] = []
    for trait in TRAITS:
        own = [row for row in rows if row["trait"] == trait.value]
        for level in Level:
            pairs = tuple(Pair(r["question"], r["answer"]) for r in own if r["level"] == level.value)
            result.append(Control("high" if level is Level.HIGH else "low", trait, pairs))
        questions = tuple(dict.fromkeys(row["question"] for row in own))
        result.append(Control("blank", trait, tuple(Pair(question, "") for question in questions)))
        result.append(Control("gibberish", trait, tuple(Pair(q, _gibberish(q)) for q in questions)))
    return result


def judgement_of(control: Control, verdict: JudgeVerdict) -> Judgement:
    """A control's verdict in the form in which judgements are stored."""
    return Judgement(
        trait_level=control.kind,
        run=0,
        trait=control.trait,
        number=0,
        repeat=0,
        items=(),
        **verdict._asdict(),
    )


async def rate_control(judge: Judge, control: Control, mode: Mode) -> JudgeVerdict:
    """The judge's verdict on one control; in the single-answer mode, on its first pair."""
    pairs = control.pairs[:1] if mode == "item" else control.pairs
    return await judge.rate(control.trait, pairs, mode, sample=0)


def check(judgements: Sequence[Judgement]) -> ControlCheck:
    """What the controls show about the judge, in numbers and in words."""
    scores = {(judgement.trait_level, judgement.trait): judgement.score for judgement in judgements}
    gaps = {trait: _gap(scores.get(("high", trait)), scores.get(("low", trait))) for trait in TRAITS}
    rated = {kind: _rated(scores, kind) for kind in ("blank", "gibberish")}
    warnings: list[str] = []
    measured = [gap for gap in gaps.values() if not math.isnan(gap)]
    if len(measured) < len(gaps):
        warnings.append(
            f"the judge gave no score to clear answers of {len(gaps) - len(measured)} of 5 traits"
        )
    if measured and statistics.fmean(measured) < MIN_GAP:
        warnings.append(
            f"the judge does not tell clear high answers from clear low ones: it rates them "
            f"{statistics.fmean(measured):+.2f} points apart where {MIN_GAP:.0f} is the least to expect"
        )
    else:
        weak = [trait.label for trait, gap in gaps.items() if gap < MIN_GAP]
        if weak:
            warnings.append(f"the judge hardly tells high from low in {', '.join(weak)}")
    for kind, count in rated.items():
        if count:
            warnings.append(
                f"the judge rates {kind} answers as if they said something, in {count} of 5 traits"
            )
    return ControlCheck(gaps, rated["blank"], rated["gibberish"], tuple(warnings))


def _rated(scores: dict[tuple[str, Trait], float | None], kind: str) -> int:
    own = (scores.get((kind, trait)) for trait in TRAITS)
    return sum(score is not None and abs(score - MIDPOINT) > 0.5 for score in own)


def _gap(high: float | None, low: float | None) -> float:

    return math.nan if high is None or low is None else high - low


def _gibberish(question: str) -> str:
    """Strings of consonants, the same for the same question on every machine."""
    random_letters = random.Random(question)
    words = ["".join(random_letters.choices(_LETTERS, k=random_letters.randint(2, 9))) for _ in range(14)]
    return " ".join(words) + "."
