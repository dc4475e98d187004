"""Judge interviews and store every verdict.

Verdicts lie beside the transcripts, in one folder per judge and mode. The judge sees a trait's definition and
facets and anonymous answers, never the system, the run or the trait-level. A killed judging resumes where it
stopped, and judging can be repeated with other judges. How a judge comes to its verdict is not known here.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from oceanchat.counting import counted
from oceanchat.errors import EvaluationError
from preact.evaluation.interview.interviewing import Interview, InterviewAnswer, ReportProgress, completeness
from preact.evaluation.judge.batches import AnswerBatch, plan_batches
from preact.evaluation.judge.controls import rate_controls, read_controls
from preact.evaluation.judge.exam_figures import JudgeExam, read_exam
from preact.evaluation.judge.groups import rate_in_groups
from preact.evaluation.judge.verdicts import Judge, JudgeHeader, Judgement, JudgeVerdict, Mode, Pair
from preact.evaluation.transcripts import JsonLines, first_difference, folder_lock, read_header, write_header


class Judging(NamedTuple):
    """One judge's verdicts on one interview."""

    folder: Path
    header: JudgeHeader
    judgements: tuple[Judgement, ...]
    controls: tuple[Judgement, ...]
    """The same judge's verdicts on the control answers; `trait_level` holds the kind of control."""
    exam: JudgeExam | None = None
    """The judge's entrance exam; None for a judge that has taken none."""


async def judge_interview(
    interview: Interview,
    judge: Judge,
    *,
    mode: Mode = "batch",
    repeats: int = 1,
    progress: ReportProgress = lambda done, total: None,
) -> Judging:
    """Judge what has not been judged yet and store it under the interview's folder.

    Raises EvaluationError when the interview is not finished or the folder holds another judging, and
    BuildStopped when the judge cannot go on.
    """
    answered, total = completeness(interview)
    if answered < total:
        raise EvaluationError(
            f"interview '{interview.folder}' has {answered} of {counted(total, 'answer')}; run"
            " `preact interview` again"
        )
    folder = judging_folder(interview.folder, judge.name, mode)
    header = JudgeHeader(
        judge=judge.name,
        mode=mode,
        runs=interview.header.runs,
        repeats=repeats,
        provenance=dict(judge.provenance(mode)),
        started=datetime.now(UTC).isoformat(timespec="milliseconds"),
    )
    lines = JsonLines(folder / "judgements.jsonl", Judgement)
    with folder_lock(folder):
        _settle(folder / "judge.json", header)
        lines.mend()
        done = {judgement.key for judgement in lines.read()}
        batches = batches_of(interview, mode, repeats)
        remaining = [batch for batch in batches if batch.key not in done]
        answers = {answer.key: answer for answer in interview.answers}

        async def rate(batch: AnswerBatch) -> Judgement:
            return await _judge_batch(judge, mode, batch, answers)

        count = len(batches) - len(remaining)
        await rate_in_groups(
            judge.concurrency, remaining, rate, lines, lambda n: progress(count + n, len(batches))
        )
        await rate_controls(judge, mode, folder)
    return read_judging(folder)


def batches_of(interview: Interview, mode: Mode, repeats: int = 1) -> list[AnswerBatch]:
    """Every batch of an interview."""
    codes = list(dict.fromkeys(answer.trait_level for answer in interview.answers))
    header = interview.header
    return plan_batches(header.inventory_of(), codes, header.scope, header.runs, mode, repeats)


def judging_folder(interview: Path, judge: str, mode: Mode) -> Path:
    """The folder of a judge's verdicts on an interview."""
    return interview / "judged" / f"{re.sub(r'[^A-Za-z0-9._-]+', '-', judge)}.{mode}"


def read_judging(folder: Path) -> Judging:
    """One judge's verdicts. Raises EvaluationError when there are none."""
    header = read_header(folder / "judge.json", JudgeHeader, "preact judge")
    judgements = JsonLines(folder / "judgements.jsonl", Judgement).read()
    return Judging(folder, header, tuple(judgements), read_controls(folder), read_exam(folder))


def all_judgings(interview: Path) -> list[Judging]:
    """Every judge's verdicts on an interview, the earliest first."""
    folders = sorted(path.parent for path in interview.glob("judged/*/judge.json"))
    return sorted((read_judging(folder) for folder in folders), key=lambda judging: judging.header.started)


async def _judge_batch(
    judge: Judge, mode: Mode, batch: AnswerBatch, answers: Mapping[tuple[str, int, str], InterviewAnswer]
) -> Judgement:
    """Empty answers are shown as such; only a batch without any answer is not given to the judge."""
    own = [answers[batch.trait_level, batch.run, item] for item in batch.items]
    if any(answer.answer.strip() for answer in own):
        pairs = [Pair(answer.question, answer.answer) for answer in own]
        # Equal answers in two runs, and repeated opinions, are judged again and not replayed.
        verdict = await judge.rate(batch.trait, pairs, mode, sample=batch.repeat * 1000 + batch.run)
    else:
        verdict = JudgeVerdict(None, "no-answers", attempts=0)
    return Judgement(**batch._asdict(), **verdict._asdict())


def _settle(path: Path, header: JudgeHeader) -> None:
    if path.exists():
        before = read_header(path, JudgeHeader, "preact judge")
        if changed := first_difference(before, header, ("started", "runs", "repeats")):
            name, then, now = changed
            raise EvaluationError(
                f"'{path.parent}' was judged with other settings: its {name} was '{then}', now it is "
                f"'{now}'; move that folder away to judge again"
            )
        header = header.model_copy(
            update={"started": before.started, "repeats": max(before.repeats, header.repeats)}
        )
    write_header(path, header)
