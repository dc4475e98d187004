"""Examine a judge before it judges.

It rates held-out dialogues whose trait-level is known, some of them twice, essays whose authors said of
themselves what they are like, and the controls. Verdicts are stored as they come, beside the judge's verdicts
on an interview or in a folder of their own; a killed exam resumes. What they show is computed elsewhere.
"""

import random
import shutil
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from oceanchat.corpus.essays import Corpus
from oceanchat.errors import EvaluationError
from oceanchat.records import Essay
from oceanchat.traits import TRAIT_LEVELS, TRAITS, Level, Trait
from preact.dialogues.overlap import sketch
from preact.dialogues.release import TrainingDialogue, TrainingRelease
from preact.evaluation.interview.interviewing import ReportProgress
from preact.evaluation.judge.batches import batch_sizes
from preact.evaluation.judge.controls import check, rate_controls
from preact.evaluation.judge.exam_figures import (
    EXAM,
    RATINGS,
    ExamRating,
    ExamSource,
    JudgeExam,
    JudgeExamHeader,
    exam_of,
)
from preact.evaluation.judge.groups import rate_in_groups
from preact.evaluation.judge.verdicts import Judge, JudgeVerdict, Mode, Pair
from preact.evaluation.transcripts import JsonLines, first_difference, folder_lock, read_header, write_header

DIALOGUES = 40
ESSAYS = 100
ESSAY_WORDS = 300
"""Words of an essay that a judge is shown: the same for all, so that length tells nothing."""
ESSAY_QUESTION = "Write down whatever goes through your mind, as it comes."
_SEED = 0
_BEGUN = "exam-begun.json"


class ExamMaterial(NamedTuple):
    """What a judge is examined on; at least one of both."""

    dialogues: TrainingRelease | None = None
    """A release; its test split where it has one."""
    essays: Corpus | None = None
    """Essays with the authors' own labels."""
    max_dialogues: int = DIALOGUES
    max_essays: int = ESSAYS


class _ExamQuestion(NamedTuple):
    """Some answers to be rated for one trait."""

    rating: ExamRating
    """As it is stored, without the verdict."""
    pairs: tuple[Pair, ...]


async def examine_judge(
    judge: Judge,
    folder: Path,
    material: ExamMaterial,
    *,
    mode: Mode = "batch",
    progress: ReportProgress = lambda done, total: None,
) -> JudgeExam:
    """Examine what has not been examined yet and store it in `folder`.

    Raises EvaluationError for material without dialogues or labeled essays, or when the folder holds another
    exam, and BuildStopped when the judge cannot go on.
    """
    dialogues, split = _drawn_dialogues(material)
    essays = _drawn_essays(material)
    header = JudgeExamHeader(
        judge=judge.name,
        mode=mode,
        provenance=dict(judge.provenance(mode)),
        dialogues=_dialogue_source(material.dialogues, dialogues, split),
        essays=_essay_source(material.essays, essays),
        started=datetime.now(UTC).isoformat(timespec="milliseconds"),
    )
    questions = [*_dialogue_questions(dialogues, mode), *_essay_questions(essays)]
    lines = JsonLines(folder / RATINGS, ExamRating)
    with folder_lock(folder):
        _begin(folder, header)
        lines.mend()
        done = {rating.key for rating in lines.read()}
        remaining = [question for question in questions if question.rating.key not in done]

        async def rate(question: _ExamQuestion) -> ExamRating:
            rating = question.rating
            if any(pair.answer.strip() for pair in question.pairs):
                verdict = await judge.rate(rating.trait, question.pairs, mode, sample=rating.repeat)
            else:
                verdict = JudgeVerdict(None, "no-answers", attempts=0)
            return rating.model_copy(update={"score": verdict.score, "state": verdict.state})

        count = len(questions) - len(remaining)
        await rate_in_groups(
            judge.concurrency, remaining, rate, lines, lambda n: progress(count + n, len(questions))
        )
        controls = check(await rate_controls(judge, mode, folder))
        if (folder / _BEGUN).exists():
            (folder / _BEGUN).replace(folder / EXAM)
        return exam_of(header, controls, lines.read())


def copy_exam(source: Path, target: Path) -> None:
    """Put an exam beside another judging by the same judge, so that each folder holds its own."""
    if source.resolve() == target.resolve():
        return
    with folder_lock(target):
        for name in (RATINGS, EXAM):
            shutil.copyfile(source / name, target / name)


def _begin(folder: Path, header: JudgeExamHeader) -> None:
    """Say which exam this is, under another name until it is whole; or make sure that it is the same one."""
    names = [name for name in (EXAM, _BEGUN) if (folder / name).exists()]
    if not names:
        write_header(folder / _BEGUN, header)
        return
    before = read_header(folder / names[0], JudgeExamHeader, "preact judge --exam")
    if changed := first_difference(before, header, ("started",)):
        name, then, now = changed
        raise EvaluationError(
            f"'{folder}' holds another exam: its {name} was '{then}', now it is '{now}'; move {names[0]}"
            f" and {RATINGS} away to examine again"
        )


def _drawn_dialogues(material: ExamMaterial) -> tuple[list[TrainingDialogue], str]:
    """Equally many of each trait-level, by seed; those that people found valid where there are any."""
    release = material.dialogues
    if release is None:
        if material.essays is None:
            raise EvaluationError("an exam needs dialogues or essays; name a release or a corpus")
        return [], ""
    split = "test" if release.has("test") else "all"
    known = release.split(split)
    validated = [dialogue for dialogue in known if dialogue.validated]
    drawn = []
    for trait_level in TRAIT_LEVELS:
        own = [dialogue for dialogue in validated or known if dialogue.trait_level == trait_level]
        random.Random(_SEED).shuffle(own)
        drawn += own[: max(1, material.max_dialogues // len(TRAIT_LEVELS))]
    return drawn, split


def _drawn_essays(material: ExamMaterial) -> list[Essay]:
    """Essays that are labeled on all five traits, by seed."""
    corpus = material.essays
    if corpus is None:
        return []
    labeled = [essay for essay in corpus.essays if all(trait in essay.labels for trait in TRAITS)]
    if not labeled:
        raise EvaluationError(
            f"corpus '{corpus.name}' has no essay with its author's own labels on all five traits; name the"
            " Essays corpus, whose columns are cEXT, cNEU, cAGR, cCON and cOPN"
        )
    random.Random(_SEED).shuffle(labeled)
    return labeled[: material.max_essays]


def _dialogue_source(
    release: TrainingRelease | None, drawn: Sequence[TrainingDialogue], split: str
) -> ExamSource | None:
    if release is None:
        return None
    return ExamSource(
        name=release.name,
        fingerprint=release.fingerprint,
        split=split,
        count=len(drawn),
        validated=sum(dialogue.validated for dialogue in drawn),
        scripted=release.scripted,
        sketch=sketch(drawn),
    )


def _essay_source(corpus: Corpus | None, drawn: Sequence[Essay]) -> ExamSource | None:
    if corpus is None:
        return None
    return ExamSource(name=Path(corpus.name).name, fingerprint=corpus.fingerprint, count=len(drawn))


def _dialogue_questions(dialogues: Sequence[TrainingDialogue], mode: Mode) -> list[_ExamQuestion]:
    """Every dialogue for all five traits, then for its own trait again."""
    questions = []
    for repeat in (0, 1):
        for dialogue in dialogues:
            own = dialogue.trait_level
            groups = _groups(_pairs(dialogue), mode)
            questions += [
                _question("dialogue", dialogue.id, trait, number, repeat, own.code, dialogue.author, group)
                for trait in (TRAITS if repeat == 0 else (own.trait,))
                for number, group in enumerate(groups)
            ]
    return questions


def _essay_questions(essays: Sequence[Essay]) -> list[_ExamQuestion]:
    questions = []
    for essay in essays:
        pairs = (Pair(ESSAY_QUESTION, " ".join(essay.text.split()[:ESSAY_WORDS])),)
        questions += [
            _question(
                "essay", essay.id, trait, 0, 0, "+" if essay.labels[trait] is Level.HIGH else "-",
                essay.author, pairs,
            )
            for trait in TRAITS
        ]  # fmt: skip
    return questions


def _question(
    part: str, subject: str, trait: Trait, number: int, repeat: int, label: str, author: str,
    pairs: tuple[Pair, ...],
) -> _ExamQuestion:  # fmt: skip
    rating = ExamRating.model_validate(
        {
            "part": part, "subject": subject, "trait": trait, "number": number, "repeat": repeat,
            "label": label, "author": author or subject,
            "words": sum(len(pair.answer.split()) for pair in pairs) / len(pairs),
            "score": None, "state": "no-answers",
        }
    )  # fmt: skip
    return _ExamQuestion(rating, pairs)


def _pairs(dialogue: TrainingDialogue) -> list[Pair]:
    """A dialogue's exchanges."""
    turns = iter(dialogue.messages)
    return [Pair(asked.content, answer.content) for asked, answer in zip(turns, turns, strict=False)]


def _groups(pairs: Sequence[Pair], mode: Mode) -> list[tuple[Pair, ...]]:
    """The pairs as a mode shows them: up to four together, all, or each alone."""
    sizes = {"dimension": (len(pairs),), "item": (1,) * len(pairs)}.get(mode) or batch_sizes(len(pairs))
    groups, start = [], 0
    for size in sizes:
        groups.append(tuple(pairs[start : start + size]))
        start += size
    return groups
