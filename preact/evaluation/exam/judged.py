"""How a judge sees trait-levels move every trait.

The same 10 x 5 matrix as of losses, of an interview whose answers were judged on all items: a trait-level's
mean score on a trait less that of all ten. Intervals resample batches of answers. Beside it stands what the
judge's own entrance exam says of it. It asks no judge.
"""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from oceanchat.errors import EvaluationError
from oceanchat.statistics.figure import Figure
from oceanchat.traits import CODES, TRAITS
from preact.evaluation.comparison.diagnosis import concerns_of_judge
from preact.evaluation.comparison.trait_scores import ScoredInterview, first_opinions
from preact.evaluation.exam.leakage import DRAWS, Movements, largest_others, leakage_of, movements
from preact.evaluation.interview.interviewing import read_interview
from preact.evaluation.judge.exam_figures import JudgeExam, judge_lines
from preact.evaluation.judge.judging import Judging, all_judgings


class JudgedLeakage(NamedTuple):
    """One judge's scores of one interview."""

    name: str
    """The interview's folder and the judge."""
    matrix: list[list[float]]
    """10 x 5, scale points beyond what all ten trait-levels have."""
    figures: dict[str, Figure]
    exam: tuple[str, ...]
    """The judge's own entrance exam, or its controls alone where it took none, a line each."""
    warnings: tuple[str, ...]
    """What is wrong with the judge, and with its having judged this system."""


def judged_leakages(interview: Path) -> list[JudgedLeakage]:
    """One for each judging of an interview in which every trait-level answered every item.

    Raises EvaluationError where there is none.
    """
    held = read_interview(interview)
    header = held.header
    if not header.conditioned or header.scope != "all":
        raise EvaluationError(
            f"interview '{interview}' asked each trait-level about its own trait only, which shows no"
            " leakage; interview with --items all"
        )
    judgings = all_judgings(interview)
    if not judgings:
        raise EvaluationError(f"interview '{interview}' has not been judged; run `preact judge {interview}`")
    return [judged_leakage(ScoredInterview(held, judging)) for judging in judgings]


def judged_leakage(entry: ScoredInterview) -> JudgedLeakage:
    """The matrix and its figures of one judging."""
    judging = entry.judging
    scores = _scores(judging)
    matrix = _matrix(scores)
    others = largest_others(matrix)
    random = np.random.default_rng(0)
    drawn: list[Movements] = []
    if min((len(own) for own in scores), default=0) > 1:
        for _ in range(DRAWS):
            picked = [own[random.integers(0, len(own), len(own))] for own in scores]
            drawn.append(movements(_matrix(picked), others))
    return JudgedLeakage(
        f"{entry.interview.folder.name}, {judging.header.judge} ({judging.header.mode})",
        matrix.tolist(),
        leakage_of(movements(matrix, others), drawn) | exam_figures(judging.exam),
        tuple(judge_lines(judging.header.judge, judging.exam, judging.controls)),
        tuple(concerns_of_judge(entry)),
    )


def exam_figures(exam: JudgeExam | None) -> dict[str, Figure]:
    """The figures of a judge's own exam, by name; none where it took none."""
    if exam is None:
        return {}
    named = {
        "judge_named": exam.named,
        "judge_trait_named": exam.trait_named,
        "judge_level_named": exam.level_named,
        "judge_length_alone": exam.length_alone,
        "judge_retest": exam.retest,
    }
    return named | {f"judge_essays_r:{trait.value}": r for trait, r in exam.essays.items()}


def _scores(judging: Judging) -> list[Any]:
    """For each trait an array of its batches by the ten trait-levels, NaN where there is no score."""
    batches: list[dict[tuple[int, int], Any]] = [{} for _ in TRAITS]
    traits = list(TRAITS)
    for judgement in first_opinions(judging):
        if judgement.trait_level in CODES and judgement.score is not None:
            own = batches[traits.index(judgement.trait)]
            row = own.setdefault((judgement.run, judgement.number), np.full(len(CODES), np.nan))
            row[CODES.index(judgement.trait_level)] = judgement.score
    return [np.array([*own.values()]).reshape(-1, len(CODES)) for own in batches]


def _matrix(scores: list[Any]) -> Any:
    columns = []
    for own in scores:
        known = ~np.isnan(own)
        counts = known.sum(axis=0)
        sums = np.where(known, own, 0).sum(axis=0)
        means = np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)
        columns.append(means - means.mean())
    return np.stack(columns, axis=1)
