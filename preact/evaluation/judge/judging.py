"""Judge stored interviews, and keep every verdict beside the transcripts, one folder a judge and mode.

The judge sees a trait's definition and facets and anonymous answers, never the system, the run or the
trait-level. A killed judging goes on where it stopped, and judging can be repeated with other judges. How
a judge comes to its verdict is not known here.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple, TypeVar

from oceanchat.errors import EvaluationError
from preact.evaluation.interview.interviewing import Interview, InterviewAnswer, ReportProgress, completeness
from preact.evaluation.judge.batches import AnswerBatch, plan
from preact.evaluation.judge.controls import Control, controls, judgement_of, rate_control
from preact.evaluation.judge.verdicts import Judge, JudgeHeader, Judgement, JudgeVerdict, Mode, Pair
from preact.evaluation.transcripts import JsonLines, differing, only_one, read_header, write_header

Task = TypeVar("Task")


class Judging(NamedTuple):
    """One judge's verdicts on one interview."""

    folder: Path
    header: JudgeHeader
    judgements: tuple[Judgement, ...]
    controls: tuple[Judgement, ...]
    """The same judge's verdicts on the control answers; `trait_level` holds the kind of control."""


async def judge_interview(
    found: Interview,
    judge: Judge,
    *,
    mode: Mode = "batch",
    repeats: int = 1,
    progress: ReportProgress = lambda done, total: None,
) -> Judging:
    """Judge what has not been judged yet and keep it under the interview's folder.

    Raises EvaluationError when the interview is not finished or the folder holds another judging, and
    BuildStopped when the judge cannot go on.
    """
    answered, total = completeness(found)
    if answered < total:
        raise EvaluationError(
            f"interview '{found.folder}' has {answered} of {total} answers; run `preact interview` again"
        )
    folder = judging_folder(found.folder, judge.name, mode)
    header = JudgeHeader(
        judge=judge.name,
        mode=mode,
        runs=found.header.runs,
        repeats=repeats,
        provenance=dict(judge.provenance(mode)),
        started=datetime.now(UTC).isoformat(timespec="milliseconds"),
    )
    lines = JsonLines(folder / "judgements.jsonl", Judgement)
    with only_one(folder):
        _settle(folder / "judge.json", header)
        lines.mend()
        done = {judgement.key for judgement in lines.read()}
        batches = batches_of(found, mode, repeats)
        left = [batch for batch in batches if batch.key not in done]
        answers = {answer.key: answer for answer in found.answers}

        async def rate(batch: AnswerBatch) -> Judgement:
            return await _judge_one(judge, mode, batch, answers)

        count = len(batches) - len(left)
        await _in_groups(judge.at_once, left, rate, lines, lambda n: progress(count + n, len(batches)))
        await _judge_controls(judge, mode, folder)
    return read_judged(folder)


def batches_of(found: Interview, mode: Mode, repeats: int = 1) -> list[AnswerBatch]:
    """Every batch of an interview."""
    codes = list(dict.fromkeys(answer.trait_level for answer in found.answers))
    header = found.header
    return plan(header.inventory_of(), codes, header.scope, header.runs, mode, repeats)


def judging_folder(interview: Path, judge: str, mode: Mode) -> Path:
    """Where a judge's verdicts on an interview are kept."""
    return interview / "judged" / f"{re.sub(r'[^A-Za-z0-9._-]+', '-', judge)}.{mode}"


def read_judged(folder: Path) -> Judging:
    """One judge's verdicts. Raises EvaluationError when there are none."""
    header = read_header(folder / "judge.json", JudgeHeader, "preact judge")
    judgements = JsonLines(folder / "judgements.jsonl", Judgement).read()
    return Judging(
        folder, header, tuple(judgements), tuple(JsonLines(folder / "controls.jsonl", Judgement).read())
    )


def all_judged(interview: Path) -> list[Judging]:
    """Every judge's verdicts on an interview, the earliest first."""
    folders = sorted(path.parent for path in interview.glob("judged/*/judge.json"))
    return sorted((read_judged(folder) for folder in folders), key=lambda judged: judged.header.started)


async def _in_groups(
    at_once: int,
    todo: Sequence[Task],
    rate: Callable[[Task], Awaitable[Judgement]],
    lines: JsonLines[Judgement],
    told: Callable[[int], None],
) -> None:
    """Rate in groups; a group is on disk before the next one is asked, also when one of it was stopped."""
    for start in range(0, len(todo), at_once):
        group = todo[start : start + at_once]
        rated = await asyncio.gather(*map(rate, group), return_exceptions=True)
        lines.append(one for one in rated if not isinstance(one, BaseException))
        for one in rated:
            if isinstance(one, BaseException):
                raise one
        told(start + len(group))


async def _judge_one(
    judge: Judge, mode: Mode, batch: AnswerBatch, answers: Mapping[tuple[str, int, str], InterviewAnswer]
) -> Judgement:
    """Empty answers are shown as such; only a batch without any answer is not put to the judge."""
    found = [answers[batch.trait_level, batch.run, item] for item in batch.items]
    if any(answer.answer.strip() for answer in found):
        pairs = [Pair(answer.question, answer.answer) for answer in found]
        # Equal answers in two runs, or the same ones asked about again, are judged anew and not replayed.
        verdict = await judge.rate(batch.trait, pairs, mode, sample=batch.repeat * 1000 + batch.run)
    else:
        verdict = JudgeVerdict(None, "no-answers", attempts=0)
    return Judgement(**batch._asdict(), **verdict._asdict())


async def _judge_controls(judge: Judge, mode: Mode, folder: Path) -> None:
    lines = JsonLines(folder / "controls.jsonl", Judgement)
    lines.mend()
    done = {(judgement.trait_level, judgement.trait) for judgement in lines.read()}
    left = [control for control in controls() if (control.kind, control.trait) not in done]

    async def rate(control: Control) -> Judgement:
        return judgement_of(control, await rate_control(judge, control, mode))

    await _in_groups(judge.at_once, left, rate, lines, lambda _: None)


def _settle(path: Path, header: JudgeHeader) -> None:
    if path.exists():
        before = read_header(path, JudgeHeader, "preact judge")
        for name, (then, now) in sorted(differing(before, header, ("started", "runs", "repeats")).items()):
            raise EvaluationError(
                f"'{path.parent}' was judged otherwise: its {name} was '{then}', now it is '{now}'; "
                "move that folder away to judge again"
            )
        header = header.model_copy(
            update={"started": before.started, "repeats": max(before.repeats, header.repeats)}
        )
    write_header(path, header)
