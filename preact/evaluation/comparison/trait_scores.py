"""From verdicts to figures: trait scores run by run, leakage, missing scores and what they could change.

A trait's score in a run is the mean of its batches' scores, as the paper takes it; a batch without a
readable score is left out and counted, and the sensitivity figures say what it could have done. It draws
no conclusions.
"""

import math
import statistics
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Literal, NamedTuple

from oceanchat.errors import EvaluationError
from oceanchat.traits import CODES, TRAITS, Trait
from preact.evaluation.comparison.comparing import ComparisonRow
from preact.evaluation.interview.interviewing import UNCONDITIONED, Interview, read_interview
from preact.evaluation.judge.judging import Judging, all_judged
from preact.evaluation.judge.verdicts import HIGHEST, LOWEST, MIDPOINT, Judgement

Treatment = Literal["excluded", "midpoint", "worst"]
TREATMENTS: tuple[Treatment, ...] = ("excluded", "midpoint", "worst")
"""What to do with a missing score: leave it out, call it 3, or give it the worst score for that level."""


class ScoredInterview(NamedTuple):
    """One interview with one judge's verdicts."""

    interview: Interview
    judged: Judging

    def row(self, treatment: Treatment = "excluded", label: str | None = None) -> ComparisonRow:
        """Its row of the comparison; `label` takes the place of the system's name."""
        header = self.interview.header
        return ComparisonRow(header.backbone, label or header.model, tuple(runs(self.judged, treatment)))


def load_scored(folder: Path, judge: str | None, mode: str | None = None) -> ScoredInterview:
    """An interview with the verdicts of the judge named, or of the only judge.

    Raises EvaluationError when there is no such judge, or several and none is named.
    """
    found = read_interview(folder)
    judgings = [
        j for j in all_judged(folder) if judge in (None, j.header.judge) and mode in (None, j.header.mode)
    ]
    if len(judgings) == 1:
        return ScoredInterview(found, judgings[0])
    names = ", ".join(f"{j.header.judge} ({j.header.mode})" for j in all_judged(folder))
    if not names:
        raise EvaluationError(f"interview '{folder}' has not been judged; run `preact judge {folder}` first")
    wanted = f"no judge '{judge}'" if not judgings else "several judgings"
    raise EvaluationError(f"interview '{folder}' has {wanted}; choose with --judge and --mode among: {names}")


def runs(judged: Judging, treatment: Treatment = "excluded") -> list[dict[str, float]]:
    """For each run, trait-level code -> score for its own trait, 1 to 5.

    A plain backbone has one score a trait, which stands for both levels: its Overall is 0 by construction.
    """
    scores: list[dict[str, float]] = []
    for run in range(judged.header.runs):
        cells: dict[str, float] = {}
        for code in CODES:
            own = [
                judgement
                for judgement in _shown(judged)
                if judgement.run == run
                and judgement.trait == code[0]
                and judgement.trait_level in (code, UNCONDITIONED)
            ]
            score = _mean(_value(judgement, code, treatment) for judgement in own)
            if not math.isnan(score):
                cells[code] = score
        scores.append(cells)
    return scores


def leakage(judged: Judging) -> dict[str, dict[Trait, float]]:
    """Trait-level code -> trait -> mean score over runs: 10 x 5 where every item was asked (NaN where
    not).
    """
    found: dict[tuple[str, Trait], list[float]] = defaultdict(list)
    for judgement in _shown(judged):
        if judgement.score is not None:
            found[judgement.trait_level, judgement.trait].append(judgement.score)
    codes = list(dict.fromkeys(judgement.trait_level for judgement in _shown(judged)))
    return {code: {trait: _mean(found[code, trait]) for trait in TRAITS} for code in codes}


def missing(judged: Judging) -> dict[str, Counter[str]]:
    """Trait-level code -> how many batches ended in which state."""
    found: dict[str, Counter[str]] = defaultdict(Counter)
    for judgement in _shown(judged):
        found[judgement.trait_level][judgement.state] += 1
    return dict(found)


def refusals(found: Interview) -> dict[str, Counter[str]]:
    """Trait-level code -> answers by state, and how many 'speak as machine' (answered ones among them)."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for answer in found.answers:
        counts[answer.trait_level][answer.state] += 1
        counts[answer.trait_level]["speaks as machine"] += answer.speaks_as_machine
    return dict(counts)


def answer_lengths(found: Interview) -> dict[str, float]:
    """Trait-level code -> mean words an answer."""
    words: dict[str, list[float]] = defaultdict(list)
    for answer in found.answers:
        words[answer.trait_level].append(float(len(answer.answer.split())))
    return {code: statistics.fmean(lengths) for code, lengths in words.items()}


def by_key(scored: ScoredInterview) -> dict[bool, list[list[float]]]:
    """Signed expression on positively (False) and negatively (True) keyed items, one list an item.

    Only batches of one item can be told apart this way (mode item). A score counts from the midpoint toward
    the level that was asked for, so that both levels can be taken together: +2 is full expression, -2 the
    opposite.
    """
    items = scored.interview.header.items
    found: dict[tuple[bool, str], list[float]] = defaultdict(list)
    for judgement in _shown(scored.judged):
        own = judgement.trait_level.startswith(judgement.trait.value)
        if len(judgement.items) == 1 and own and judgement.score is not None:
            sign = 1 if judgement.trait_level.endswith("+") else -1
            found[items[judgement.items[0]][1], judgement.items[0]].append(
                sign * (judgement.score - MIDPOINT)
            )
    return {mark: [scores for (key, _), scores in found.items() if key is mark] for mark in (False, True)}


def shift(scored: ScoredInterview, backbone: ScoredInterview) -> dict[str, float]:
    """Trait-level code -> mean score less the unconditioned backbone's score for the same trait, in
    points.
    """
    own, plain = scored.row(), backbone.row()
    return {code: own.mean(code) - plain.mean(code) for code in CODES}


def paired(first: Sequence[Judgement], second: Sequence[Judgement]) -> list[tuple[float, float]]:
    """Scores of the same batches by two judges (or by one judge twice), where both gave one."""
    others = {(j.trait_level, j.run, j.trait, j.items): j.score for j in second}
    pairs = [(j.score, others.get((j.trait_level, j.run, j.trait, j.items))) for j in first]
    return [(a, b) for a, b in pairs if a is not None and b is not None]


def repeats(judged: Judging) -> list[tuple[float, float]]:
    """The judge's first and second opinion on the same answers; empty when it was asked once."""
    by_repeat = [[j for j in judged.judgements if j.repeat == repeat] for repeat in (0, 1)]
    return paired(*by_repeat)


def require_comparable(scored: Sequence[ScoredInterview]) -> None:
    """Refuse to compare what was not measured alike. Raises EvaluationError that says what differs
    between whom.
    """
    first = scored[0]
    for other in scored[1:]:
        for what, one, two in _measured_by(first, other):
            if one != two:
                raise EvaluationError(
                    f"'{first.interview.folder}' and '{other.interview.folder}' differ in their {what} "
                    f"('{one}' and '{two}'); compare interviews of the same inventory by the same judge"
                )


def _measured_by(a: ScoredInterview, b: ScoredInterview) -> list[tuple[str, object, object]]:
    left, right = (s.interview.header for s in (a, b))
    judge, other = (s.judged.header for s in (a, b))
    return [
        ("inventory", left.inventory, right.inventory),
        ("inventory file (sha256)", left.inventory_sha256, right.inventory_sha256),
        ("judge", judge.judge, other.judge),
        ("judging mode", judge.mode, other.mode),
        ("judge's settings", judge.provenance, other.provenance),
    ]


def _shown(judged: Judging) -> list[Judgement]:
    """The first opinion on every batch of the runs there are."""
    return [j for j in judged.judgements if j.repeat == 0 and j.run < judged.header.runs]


def _value(judgement: Judgement, code: str, treatment: Treatment) -> float:
    if judgement.score is not None:
        return judgement.score
    worst = LOWEST if code.endswith("+") else HIGHEST
    return {"excluded": math.nan, "midpoint": MIDPOINT, "worst": worst}[treatment]


def _mean(values: Iterable[float]) -> float:
    known = [value for value in values if not math.isnan(value)]
    return statistics.fmean(known) if known else math.nan
