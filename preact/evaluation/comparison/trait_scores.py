"""Turn verdicts into trait scores by run.

Also leakage, and missing scores with what they could change. A trait's score in a run is the mean of its
batches' scores, as in the paper; a batch without a readable score is left out and counted, and the
sensitivity figures show what it could have changed. It draws no conclusions.
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
from preact.evaluation.comparison.item_intervals import ClusterScore
from preact.evaluation.interview.interviewing import UNCONDITIONED, Interview, read_interview
from preact.evaluation.judge.judging import Judging, all_judgings
from preact.evaluation.judge.verdicts import HIGHEST, LOWEST, MIDPOINT, Judgement

Treatment = Literal["excluded", "midpoint", "worst"]
TREATMENTS: tuple[Treatment, ...] = ("excluded", "midpoint", "worst")
"""How a missing score is treated: left out, counted as 3, or given the worst score for that level."""


class ScoredInterview(NamedTuple):
    """One interview with one judge's verdicts."""

    interview: Interview
    judging: Judging

    def row(self, treatment: Treatment = "excluded") -> ComparisonRow:
        """Its row of the comparison."""
        header = self.interview.header
        scores = tuple(cluster_scores(self.judging, treatment))
        return ComparisonRow(header.backbone, header.model, tuple(runs(self.judging, treatment)), scores)


def load_scored(folder: Path, judge: str | None, mode: str | None = None) -> ScoredInterview:
    """An interview with the verdicts of the judge named, or of the only judge.

    Raises EvaluationError when there is no such judge, or several and none is named.
    """
    interview = read_interview(folder)
    judgings = all_judgings(folder)
    matching = [j for j in judgings if _is_called(j.header.judge, judge) and mode in (None, j.header.mode)]
    if len(matching) == 1:
        return ScoredInterview(interview, matching[0])
    if not judgings:
        raise EvaluationError(f"interview '{folder}' has not been judged; run `preact judge {folder}` first")
    names = ", ".join(f"{j.header.judge} ({j.header.mode})" for j in judgings)
    problem = "several judgings" if matching else f"no judge '{judge}'"
    raise EvaluationError(
        f"interview '{folder}' has {problem}; choose with --judge and --mode among: {names}"
    )


def _is_called(stored: str, given: str | None) -> bool:
    """Whether a judge is the one named, also where a classifier is named by the path of its release."""
    kind, colon, release = (given or "").partition(":")
    return given in (None, stored) or (bool(colon) and stored == f"{kind}:{Path(release).resolve().name}")


def runs(judging: Judging, treatment: Treatment = "excluded") -> list[dict[str, float]]:
    """For each run, trait-level code -> score for its own trait, 1 to 5.

    A plain backbone has one score a trait, which stands for both levels: its Overall is 0 by construction.
    """
    scores: list[dict[str, float]] = []
    for run in range(judging.header.runs):
        cells: dict[str, float] = {}
        for code in CODES:
            own = [
                judgement
                for judgement in first_opinions(judging)
                if judgement.run == run
                and judgement.trait == code[0]
                and judgement.trait_level in (code, UNCONDITIONED)
            ]
            score = _mean(_value(judgement, code, treatment) for judgement in own)
            if not math.isnan(score):
                cells[code] = score
        scores.append(cells)
    return scores


def cluster_scores(judging: Judging, treatment: Treatment = "excluded") -> list[ClusterScore]:
    """The scores that `runs` takes means of; a plain backbone's stand for both levels of their trait."""
    scores: list[ClusterScore] = []
    for judgement in first_opinions(judging):
        own = [c for c in CODES if c[0] == judgement.trait and judgement.trait_level in (c, UNCONDITIONED)]
        for code in own:
            value = _value(judgement, code, treatment)
            if not math.isnan(value):
                scores.append(ClusterScore(code, judgement.run, judgement.items, value))
    return scores


def leakage(judging: Judging) -> dict[str, dict[Trait, float]]:
    """Trait-level code -> trait -> mean score over runs: 10 x 5, NaN where no item was asked."""
    scores: dict[tuple[str, Trait], list[float]] = defaultdict(list)
    for judgement in first_opinions(judging):
        if judgement.score is not None:
            scores[judgement.trait_level, judgement.trait].append(judgement.score)
    codes = list(dict.fromkeys(judgement.trait_level for judgement in first_opinions(judging)))
    return {code: {trait: _mean(scores[code, trait]) for trait in TRAITS} for code in codes}


def batch_states(judging: Judging) -> dict[str, Counter[str]]:
    """Trait-level code -> how many batches ended in which state."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for judgement in first_opinions(judging):
        counts[judgement.trait_level][judgement.state] += 1
    return dict(counts)


def refusals(interview: Interview) -> dict[str, Counter[str]]:
    """Trait-level code -> answers by state, and how many 'speak as machine' (answered ones included)."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for answer in interview.answers:
        counts[answer.trait_level][answer.state] += 1
        counts[answer.trait_level]["speaks as machine"] += answer.speaks_as_machine
    return dict(counts)


def answer_lengths(interview: Interview) -> dict[str, float]:
    """Trait-level code -> mean words per answer."""
    words: dict[str, list[float]] = defaultdict(list)
    for answer in interview.answers:
        words[answer.trait_level].append(float(len(answer.answer.split())))
    return {code: statistics.fmean(lengths) for code, lengths in words.items()}


def by_key(scored: ScoredInterview) -> dict[bool, list[list[float]]]:
    """Signed expression on positively (False) and negatively (True) keyed items, one list an item.

    Only batches of one item can be separated by key (mode item). A score counts from the midpoint toward
    the level that was asked for, so that both levels can be taken together: +2 is full expression, -2 the
    opposite.
    """
    items = scored.interview.header.items
    expression: dict[tuple[bool, str], list[float]] = defaultdict(list)
    for judgement in first_opinions(scored.judging):
        own = judgement.trait_level.startswith(judgement.trait.value)
        if len(judgement.items) == 1 and own and judgement.score is not None:
            sign = 1 if judgement.trait_level.endswith("+") else -1
            item = judgement.items[0]
            expression[items[item][1], item].append(sign * (judgement.score - MIDPOINT))
    return {
        is_reversed: [scores for (key, _), scores in expression.items() if key is is_reversed]
        for is_reversed in (False, True)
    }


def shift(scored: ScoredInterview, backbone: ScoredInterview) -> dict[str, float]:
    """Trait-level code -> mean score less the unconditioned backbone's for the same trait, in points."""
    own, plain = scored.row(), backbone.row()
    return {code: own.mean(code) - plain.mean(code) for code in CODES}


def paired(first: Sequence[Judgement], second: Sequence[Judgement]) -> list[tuple[float, float]]:
    """Scores of the same batches by two judges (or by one judge twice), where both gave one."""
    others = {(j.trait_level, j.run, j.trait, j.items): j.score for j in second}
    pairs = [(j.score, others.get((j.trait_level, j.run, j.trait, j.items))) for j in first]
    return [(a, b) for a, b in pairs if a is not None and b is not None]


def repeats(judging: Judging) -> list[tuple[float, float]]:
    """The judge's first and second opinion on the same answers; empty when it was asked once."""
    by_repeat = [[j for j in judging.judgements if j.repeat == repeat] for repeat in (0, 1)]
    return paired(*by_repeat)


def require_comparable(scored: Sequence[ScoredInterview]) -> None:
    """Raises EvaluationError, naming both and the difference, when interviews were not measured alike."""
    first = scored[0]
    for other in scored[1:]:
        for aspect, left, right in _aspects(first, other):
            if left != right:
                raise EvaluationError(
                    f"'{first.interview.folder}' and '{other.interview.folder}' differ in their {aspect} "
                    f"('{left}' and '{right}'); compare interviews of the same inventory by the same judge"
                )


def _aspects(a: ScoredInterview, b: ScoredInterview) -> list[tuple[str, object, object]]:
    left, right = (s.interview.header for s in (a, b))
    judge, other = (s.judging.header for s in (a, b))
    return [
        ("inventory", left.inventory, right.inventory),
        ("inventory file (sha256)", left.inventory_sha256, right.inventory_sha256),
        ("judge", judge.judge, other.judge),
        ("judging mode", judge.mode, other.mode),
        ("judge's settings", judge.provenance, other.provenance),
    ]


def first_opinions(judging: Judging) -> list[Judgement]:
    """The first opinion on every batch of the interview's runs."""
    return [j for j in judging.judgements if j.repeat == 0 and j.run < judging.header.runs]


def _value(judgement: Judgement, code: str, treatment: Treatment) -> float:
    if judgement.score is not None:
        return judgement.score
    worst = LOWEST if code.endswith("+") else HIGHEST
    return {"excluded": math.nan, "midpoint": MIDPOINT, "worst": worst}[treatment]


def _mean(values: Iterable[float]) -> float:
    known = [value for value in values if not math.isnan(value)]
    return statistics.fmean(known) if known else math.nan
