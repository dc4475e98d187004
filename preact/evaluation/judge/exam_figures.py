"""What a judge's entrance exam shows.

Every figure is computed from the stored verdicts: how often the judge names the trait and level of held-out
dialogues, how far its scores follow what authors say of themselves, how it scores the controls, and how far
it agrees with itself. It asks no judge.
"""

import math
import statistics
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from oceanchat.counting import counted
from oceanchat.llm.settings import BY_SCRIPT
from oceanchat.statistics.auc import Clustered, clustered_auc
from oceanchat.statistics.figure import Figure, signed
from oceanchat.statistics.intervals import Z95, clustered_share
from oceanchat.traits import TRAITS, Level, Trait, TraitLevel
from preact.dialogues.overlap import share_within
from preact.evaluation.judge.controls import SAYS_NOTHING, ControlCheck, check, read_controls
from preact.evaluation.judge.verdicts import MIDPOINT, Judgement, Mode, VerdictState
from preact.evaluation.transcripts import JsonLines, read_header

EXAM = "exam.json"
RATINGS = "exam.jsonl"
MIN_RETEST = 0.8
"""Correlation with itself that a judge needs."""
_FEWEST = 4
"""Pairs of values below which a correlation has no interval."""


class ExamRating(BaseModel):
    """One verdict of the exam as it is stored."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    part: Literal["dialogue", "essay"]
    subject: str
    """Id of the dialogue or essay."""
    trait: Trait
    """The trait it is rated for."""
    number: int
    """Of the group of answers that were shown together, from 0."""
    repeat: int
    """1 where the judge is asked again."""
    label: str = Field(pattern=r"^[OCEAN]?[+-]$")
    """What is known: a dialogue's trait-level, such as 'O+', or '+' or '-' for an author's own level."""
    author: str
    """Whom the text comes from; its own id where nobody knows."""
    words: float
    """Mean words of the answers shown."""
    score: float | None = Field(ge=1, le=5)
    state: VerdictState

    @property
    def key(self) -> tuple[str, str, Trait, int, int]:
        """Identifies the question: each is asked only once."""
        return self.part, self.subject, self.trait, self.number, self.repeat


class ExamSource(BaseModel):
    """Where the dialogues or essays of an exam come from."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    fingerprint: str
    """64 hex digits over the whole release or corpus."""
    split: str = ""
    """The release's split."""
    count: int
    """How many of it were drawn, by seed."""
    validated: int = 0
    """Of the dialogues, how many people found valid."""
    scripted: bool = False
    """Whether the scripted model wrote the dialogues."""
    sketch: tuple[str, ...] = ()
    """Of the dialogues drawn, by `preact.dialogues.overlap`; empty in older files."""


class JudgeExamHeader(BaseModel):
    """Which judge was examined, and on what."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    judge: str
    mode: Mode
    provenance: dict[str, Any]
    dialogues: ExamSource | None
    essays: ExamSource | None
    started: str
    """UTC, ISO 8601."""


class JudgeExam(NamedTuple):
    """How a judge did in its entrance exam."""

    header: JudgeExamHeader
    controls: ControlCheck
    named: Figure
    """Share of dialogues whose trait-level of ten it names."""
    trait_named: Figure
    """Share of dialogues whose own trait's score is the farthest from the midpoint, of five."""
    level_named: Figure
    """Share of dialogues whose score for the own trait lies on the right side; none counts half."""
    length_alone: Figure
    """AUC with which the words an answer tell the level of the same dialogues, whichever way."""
    dialogues: int
    essays: dict[Trait, Figure]
    """Correlation of scores with the authors' own labels, with Fisher's interval or why there is none."""
    essays_rated: int
    """Essays that were given any score."""
    retest: Figure
    """Correlation of first and second opinions on the same dialogues."""
    retest_difference: float
    """Mean absolute difference of the two opinions, in scale points; NaN where there are none."""
    warnings: tuple[str, ...]
    """One sentence for each thing that is wrong or not shown."""


def read_exam(folder: Path) -> JudgeExam | None:
    """The exam stored in a folder, its figures computed anew; None where none was taken to its end.

    Raises EvaluationError for files that cannot be read.
    """
    if not (folder / EXAM).exists():
        return None
    header = read_header(folder / EXAM, JudgeExamHeader, "preact judge --exam")
    ratings = JsonLines(folder / RATINGS, ExamRating).read()
    return exam_of(header, check(read_controls(folder)), ratings)


def exam_of(header: JudgeExamHeader, controls: ControlCheck, ratings: Sequence[ExamRating]) -> JudgeExam:
    """The figures of these verdicts."""
    dialogues = _subjects(ratings, "dialogue")
    essays = _subjects(ratings, "essay")
    pairs = _opinions(ratings)
    exam = JudgeExam(
        header=header,
        controls=controls,
        named=_share(dialogues, lambda one: one.trait_credit * one.level_credit),
        trait_named=_share(dialogues, lambda one: one.trait_credit),
        level_named=_share(dialogues, lambda one: one.level_credit),
        length_alone=_length_alone(dialogues),
        dialogues=len(dialogues),
        essays={trait: _followed(essays, trait) for trait in TRAITS},
        essays_rated=sum(bool(essay.scores) for essay in essays),
        retest=correlation([a for a, _ in pairs], [b for _, b in pairs]),
        retest_difference=statistics.fmean(abs(a - b) for a, b in pairs) if pairs else math.nan,
        warnings=(),
    )
    return exam._replace(warnings=tuple(_warnings(exam)))


class _Subject(NamedTuple):
    """A dialogue or essay with the judge's scores."""

    labels: dict[Trait, str]
    scores: dict[Trait, float]
    """Mean over what was shown together; a trait without any score is absent."""
    author: str
    words: float

    @property
    def own(self) -> TraitLevel:
        """The trait-level of a dialogue."""
        return TraitLevel.parse(next(iter(self.labels.values())))

    def lean(self, trait: Trait) -> float:
        """Points from the midpoint; 0 where there is no score."""
        return self.scores.get(trait, MIDPOINT) - MIDPOINT

    @property
    def trait_credit(self) -> float:
        """1 where the own trait's score is alone the farthest from the midpoint, a share where it ties."""
        leans = {trait: round(abs(self.lean(trait)), 6) for trait in TRAITS}
        farthest = [trait for trait in TRAITS if leans[trait] == max(leans.values())]
        return 1 / len(farthest) if self.own.trait in farthest else 0.0

    @property
    def level_credit(self) -> float:
        """1 where the score lies on the right side of the midpoint, a half on it."""
        lean = self.lean(self.own.trait) * (1 if self.own.level is Level.HIGH else -1)
        return 0.5 if lean == 0 else float(lean > 0)


def _subjects(ratings: Sequence[ExamRating], part: str) -> list[_Subject]:
    grouped: dict[str, list[ExamRating]] = defaultdict(list)
    for rating in ratings:
        if rating.part == part and rating.repeat == 0:
            grouped[rating.subject].append(rating)
    return [_subject(own) for own in grouped.values()]


def _subject(own: Sequence[ExamRating]) -> _Subject:
    scores: dict[Trait, list[float]] = defaultdict(list)
    for rating in own:
        if rating.score is not None:
            scores[rating.trait].append(rating.score)
    return _Subject(
        {rating.trait: rating.label for rating in own},
        {trait: statistics.fmean(values) for trait, values in scores.items()},
        own[0].author,
        statistics.fmean(rating.words for rating in own),
    )


def _share(dialogues: Sequence[_Subject], credit: Any) -> Figure:
    return clustered_share([credit(one) for one in dialogues], [one.author for one in dialogues])


def _length_alone(dialogues: Sequence[_Subject]) -> Figure:
    by_level = {
        level: [Clustered(one.words, one.author) for one in dialogues if one.own.level is level]
        for level in Level
    }
    auc = clustered_auc(by_level[Level.HIGH], by_level[Level.LOW])
    if auc.value is None or auc.value >= 0.5:
        return auc
    return clustered_auc(by_level[Level.LOW], by_level[Level.HIGH])


def _followed(essays: Sequence[_Subject], trait: Trait) -> Figure:
    """How far scores follow the authors' own labels, high as 1 and low as 0."""
    rated = [essay for essay in essays if trait in essay.scores and essay.labels.get(trait)]
    labels = [float(essay.labels[trait] == "+") for essay in rated]
    return correlation([essay.scores[trait] for essay in rated], labels)


def _opinions(ratings: Sequence[ExamRating]) -> list[tuple[float, float]]:
    """First and second opinions on the same answers, where both are scores."""
    first = {rating.key: rating.score for rating in ratings if rating.repeat == 0}
    again = [(first.get((*rating.key[:-1], 0)), rating.score) for rating in ratings if rating.repeat == 1]
    return [(a, b) for a, b in again if a is not None and b is not None]


def correlation(first: Sequence[float], second: Sequence[float]) -> Figure:
    """Pearson's r with Fisher's 95 % interval; undefined, with the reason, where one side does not vary."""
    if len(first) < _FEWEST:
        return Figure(None, note=f"{len(first)} scores are too few")
    if len(set(first)) == 1 or len(set(second)) == 1:
        return Figure(None, note="one side does not vary")
    r = statistics.correlation(first, second)
    if abs(r) > 1 - 1e-12:
        return Figure(r, r, r)
    half = Z95 / math.sqrt(len(first) - 3)
    return Figure(r, math.tanh(math.atanh(r) - half), math.tanh(math.atanh(r) + half))


def _warnings(exam: JudgeExam) -> list[str]:
    words: list[str] = []
    source, essays = exam.header.dialogues, exam.header.essays
    if source is not None:
        words += _dialogue_warnings(exam, source)
    if essays is None:
        words.append("whether its scores follow what real authors say of themselves was not examined")
    else:
        shown = [trait for trait, r in exam.essays.items() if r.low is not None and r.low > 0]
        if not shown:
            words.append(
                f"of no trait its scores are shown to follow what"
                f" {counted(exam.essays_rated, 'author')} say of"
                " themselves"
            )
    if exam.retest.value is not None and exam.retest.value < MIN_RETEST:
        words.append(f"asked again it says something else: r {exam.retest.text('.2f')} with itself")
    return words


def _dialogue_warnings(exam: JudgeExam, source: ExamSource) -> list[str]:
    words = []
    taught = exam.header.provenance
    seen = share_within(source.sketch, tuple(taught.get("sketch", ())))
    if seen:
        words.append(
            f"{seen:.0%} of the dialogues of its exam ('{source.name}') are among those that taught it"
        )
    elif taught.get("release_fingerprint") == source.fingerprint:
        words.append(f"it was taught by the release it is examined on ('{source.name}'), in another split")
    if source.scripted:
        words.append(
            f"the dialogues of its exam ('{source.name}') were written by the scripted model"
            + (", from whose lines it has its words" if exam.header.judge in BY_SCRIPT else "")
        )
    if source.validated < source.count:
        words.append(
            f"no people's verdict that they are valid is on file for {source.count - source.validated} of the"
            f" {counted(source.count, 'dialogue')} of its exam"
        )
    if exam.level_named.low is not None and exam.level_named.low <= 0.5:
        words.append(
            f"it is not shown to tell levels apart: right {exam.level_named.text('.2f')}, chance 0.50"
        )
    if exam.trait_named.low is not None and exam.trait_named.low <= 1 / len(TRAITS):
        words.append(f"it is not shown to name traits: right {exam.trait_named.text('.2f')}, chance 0.20")
    length, level = exam.length_alone.value, exam.level_named.value
    if length is not None and level is not None and length >= level:
        words.append(
            "the length of the answers alone tells the levels of its exam's dialogues apart as well (AUC"
            f" {length:.2f})"
        )
    return words


def exam_lines(exam: JudgeExam) -> list[str]:
    """The exam in a few lines, each naming the judge, for above and below tables."""
    header = exam.header
    name = f"judge {header.judge} ({header.mode})"
    lines = []
    if header.dialogues is not None:
        source = header.dialogues
        lines.append(
            f"exam of {name}, {counted(exam.dialogues, 'dialogue')} of {source.name},"
            f" split {source.split}: names the trait-level in {exam.named.text('.2f')}, the trait in"
            f" {exam.trait_named.text('.2f')}, the level in {exam.level_named.text('.2f')}; length alone"
            f" tells the levels apart with AUC {exam.length_alone.text('.2f')}"
        )
    if header.essays is not None:
        figures = ", ".join(f"{trait.value} {r.text('.2f')}" for trait, r in exam.essays.items())
        lines.append(
            f"scores of {name} of {counted(exam.essays_rated, 'essay')} of {header.essays.name} against"
            f" the authors' own labels, r: {figures} (from such text .1 to .3 is to be expected)"
        )
    if exam.retest.value is not None or exam.retest_difference == 0:
        lines.append(
            f"{name} asked again: r {exam.retest.text('.2f')}, {exam.retest_difference:.2f} points apart on"
            " average"
        )
    return [*lines, f"{name}, controls: {controls_line(exam.controls)}"]


def judge_lines(judge: str, exam: JudgeExam | None, controls: Sequence[Judgement]) -> list[str]:
    """What is known of a judge: its exam or, where it took none, how it scored the controls."""
    if exam is not None:
        return exam_lines(exam)
    return [f"judge {judge}, unexamined: {controls_line(check(controls))}"]


def controls_line(result: ControlCheck) -> str:
    """How a judge scored the controls, in one line."""
    gaps = ", ".join(f"{trait.value} {signed(gap)}" for trait, gap in result.gaps.items())
    rated = ", ".join(f"{SAYS_NOTHING[kind]} in {count}" for kind, count in result.rated.items())
    length = "-" if math.isnan(result.length_effect) else f"{result.length_effect:+.2f}"
    shuffled = "-" if math.isnan(result.shuffled) else f"{result.shuffled:.0%}"
    return (
        f"clear high less clear low answers {gaps}; rated as if something had been said: {rated} of 5 traits;"
        f" the same content longer {length} points; left of the gap with words shuffled {shuffled}"
    )


def exam_json(exam: JudgeExam) -> Mapping[str, Any]:
    """The exam as plain data; what is not known is null."""
    controls = exam.controls
    return {
        **exam.header.model_dump(mode="json"),
        "named": exam.named.bounds(),
        "trait_named": exam.trait_named.bounds(),
        "level_named": exam.level_named.bounds(),
        "length_alone": exam.length_alone.bounds(),
        "examined_dialogues": exam.dialogues,
        "essays_r": {trait.value: r.bounds() for trait, r in exam.essays.items()},
        "essays_rated": exam.essays_rated,
        "retest": exam.retest.bounds(),
        "retest_difference": _plain(exam.retest_difference),
        "control_gaps": {trait.value: _plain(gap) for trait, gap in controls.gaps.items()},
        "controls_rated": dict(controls.rated),
        "length_effect": _plain(controls.length_effect),
        "shuffled": _plain(controls.shuffled),
        "warnings": [*controls.warnings, *exam.warnings],
    }


def _plain(value: float) -> float | None:
    return None if math.isnan(value) else value
