"""How people rate models in conversation.

The paper's Table 3 with what it leaves out: means with intervals, agreement, and differences between systems
that met the same starting questions. Pure. Ratings of one question are not independent, so every interval is
over questions: Wilson's for draws of whole questions for the share aligned, expanded percentiles over
resampled questions for the other means and for differences.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np

from oceanchat.counting import counted
from oceanchat.statistics.agreement import FEW, ROUGH, Rating, agreement, weighted_agreement
from oceanchat.statistics.coefficients import Floats
from oceanchat.statistics.figure import Figure
from oceanchat.statistics.intervals import Z95, clustered_share
from oceanchat.statistics.rating_file import SCALES, EvaluationRatings, ModelRating
from oceanchat.traits import CODES

RESAMPLES = 2000
WEIGHTS = "ordinal"
"""Gwet's name for the weights of AC2."""
LIVE = (
    "each annotator held an own conversation (live), so no two rated the same: over conversations kappa is"
    " undefined, and what is given is over questions, where raters and conversations differ at once"
)
"""The note of every figure of agreement in a live evaluation."""
_CLOSE = 1e-12
_ONE_QUESTION = "one question: no interval over questions"
_SAME_MEAN = "the same mean on every question: no variance, no interval"
_SAME_GAP = "the same difference on every question: no variance, no interval"
_NOTHING_COMMON = "not computable (no question in common)"
_NO_RATING = "not computable (no score)"


class CriterionFigures(NamedTuple):
    """What the ratings of one system say on one criterion."""

    scores: int
    mean: Figure
    """On the scale of the criterion; for alignment the share aligned."""
    observed: Figure
    """Share of agreeing pairs of scores."""
    fleiss_kappa: Figure
    """Without order, as in the paper."""
    alpha: Figure
    """Krippendorff's: nominal for alignment, ordinal for the other criteria."""
    ac2: Figure
    """Gwet's with ordinal weights; for alignment, whose scale has two points, these make it AC1."""


class SystemFigures(NamedTuple):
    """What the ratings of one system say, overall or of one trait-level."""

    questions: int
    conversations: int
    ratings: int
    annotators: int
    criteria: Mapping[str, CriterionFigures]


class SystemDifference(NamedTuple):
    """One system's mean minus another's over the questions that both met."""

    system: str
    other: str
    criterion: str
    questions: int
    difference: Figure


class RatingReport(NamedTuple):
    """The figures of an evaluation; all follow from its ratings."""

    evaluation: str
    unit: str
    systems: Mapping[str, SystemFigures]
    """In order of first appearance."""
    trait_levels: Mapping[str, Mapping[str, SystemFigures]]
    """Trait-level, in paper order -> system -> figures."""
    differences: tuple[SystemDifference, ...]
    differences_by_trait_level: Mapping[str, tuple[SystemDifference, ...]]
    remarks: tuple[str, ...]


def rating_report(data: EvaluationRatings, *, resamples: int = RESAMPLES) -> RatingReport:
    """All figures of an evaluation."""
    shared = data.unit == "shared"
    names = list(dict.fromkeys(rating.system for rating in data.ratings))
    by_system = {name: [rating for rating in data.ratings if rating.system == name] for name in names}
    present = {rating.trait_level.code for rating in data.ratings}
    codes = [code for code in CODES if code in present]

    def of_level(code: str) -> dict[str, list[ModelRating]]:
        own = {name: [r for r in rated if r.trait_level.code == code] for name, rated in by_system.items()}
        return {name: rated for name, rated in own.items() if rated}

    return RatingReport(
        data.evaluation,
        data.unit,
        {name: _system(rated, shared, resamples) for name, rated in by_system.items()},
        {
            code: {name: _system(rated, shared, resamples) for name, rated in of_level(code).items()}
            for code in codes
        },
        _differences(by_system, resamples),
        {code: _differences(of_level(code), resamples) for code in codes},
        (*data.remarks, *_unequal(by_system)),
    )


def _unequal(by_system: Mapping[str, Sequence[ModelRating]]) -> list[str]:
    """A line where systems did not meet the same questions: their means are not of the same thing."""
    questions = {name: {rating.question for rating in rated} for name, rated in by_system.items()}
    common = set.intersection(*questions.values())
    if all(own == common for own in questions.values()):
        return []
    counts = ", ".join(f"{name} {len(own)}" for name, own in questions.items())
    return [
        f"systems were rated on different questions ({counts}; {len(common)} in common): compare them by the"
        " paired differences"
    ]


def _system(rated: Sequence[ModelRating], shared: bool, resamples: int) -> SystemFigures:
    return SystemFigures(
        len({rating.question for rating in rated}),
        len({rating.conversation for rating in rated}),
        len(rated),
        len({rating.annotator for rating in rated}),
        {name: _criterion(rated, name, shared, resamples) for name in SCALES},
    )


def _criterion(rated: Sequence[ModelRating], name: str, shared: bool, resamples: int) -> CriterionFigures:
    scored = [rating for rating in rated if name in rating.scores]
    scale = [float(point) for point in SCALES[name]]
    labels = [
        Rating(
            rating.conversation if shared else rating.question, rating.annotator, float(rating.scores[name])
        )
        for rating in scored
    ]
    agreed = agreement(labels, resamples=resamples)
    figures = {
        "observed": agreed.observed,
        "fleiss_kappa": agreed.fleiss_kappa,
        "alpha": agreed.alpha_nominal if len(scale) == 2 else agreed.alpha_ordinal,
        "ac2": weighted_agreement(labels, scale, resamples=resamples),
    }
    noun = "conversation" if shared else "question"
    units = len({label.item for label in labels})
    figures = {key: _rough(figure, units, noun) for key, figure in figures.items()}
    if not shared:
        figures = {key: _over_questions(figure) for key, figure in figures.items()}
    return CriterionFigures(len(scored), mean_score(scored, name, resamples), **figures)


def _over_questions(figure: Figure) -> Figure:
    return figure._replace(note="; ".join(filter(None, [LIVE, figure.note])))


def mean_score(scored: Sequence[ModelRating], name: str, resamples: int = RESAMPLES) -> Figure:
    """The mean of the scores on one criterion, which every rating must have, with its interval."""
    if not scored:
        return Figure(None, note=_NO_RATING)
    scores = [rating.scores[name] for rating in scored]
    questions = [rating.question for rating in scored]
    if len(set(questions)) == 1:
        return Figure(sum(scores) / len(scores), note=_ONE_QUESTION)
    if len(SCALES[name]) == 2:
        return clustered_share(scores, questions)
    totals = _Totals.of(scored, name, list(dict.fromkeys(questions)))
    if np.ptp(totals.sums / totals.counts) < _CLOSE:
        return Figure(sum(scores) / len(scores), note=_SAME_MEAN)
    return _resampled(totals.questions, resamples, totals.mean)


class _Totals(NamedTuple):
    """A system's scores on one criterion by question."""

    sums: Floats
    """(questions,)"""
    counts: Floats

    @staticmethod
    def of(scored: Iterable[ModelRating], name: str, questions: Sequence[str]) -> "_Totals":
        position = {question: at for at, question in enumerate(questions)}
        totals = _Totals(np.zeros(len(questions)), np.zeros(len(questions)))
        for rating in scored:
            if rating.question in position:
                totals.sums[position[rating.question]] += rating.scores[name]
                totals.counts[position[rating.question]] += 1
        return totals

    @property
    def questions(self) -> int:
        return len(self.sums)

    def mean(self, weights: Floats) -> Floats:
        """The mean score for each row of (resamples, questions) weights."""
        mean: Floats = (weights @ self.sums) / (weights @ self.counts)
        return mean


def _resampled(questions: int, resamples: int, figure: Callable[[Floats], Floats]) -> Figure:
    """A figure of weighted questions, its interval from percentiles over resampled ones."""
    value = float(figure(np.ones((1, questions)))[0])
    rng = np.random.default_rng(0)
    drawn = figure(
        rng.multinomial(questions, np.full(questions, 1 / questions), resamples).astype(np.float64)
    )
    tail = _tail(questions)
    low, high = np.quantile(drawn, (tail, 1 - tail))
    return _rough(Figure(value, float(low), float(high)), questions, "question")


def _rough(figure: Figure, units: int, noun: str) -> Figure:
    """A figure whose interval is over so many units, with a note where these are few."""
    if figure.low is None or units >= FEW:
        return figure
    return figure.noted(f"only {counted(units, noun)}: {ROUGH}")


def _tail(questions: int) -> float:
    """The share of resamples to leave out at each end (Hesterberg 2015, the expanded percentile interval).

    2.5 % in the limit; less for few questions, whose resamples vary too little: by sqrt((n - 1) / n), and
    Student's t in place of the normal distribution, of which these are the first terms in 1 / (n - 1).
    """
    if questions < 2:
        return 0.025
    freedom = questions - 1
    t = Z95 + (Z95**3 + Z95) / (4 * freedom) + (5 * Z95**5 + 16 * Z95**3 + 3 * Z95) / (96 * freedom**2)
    return math.erfc(t * math.sqrt(questions / freedom / 2)) / 2


def _differences(
    by_system: Mapping[str, Sequence[ModelRating]], resamples: int
) -> tuple[SystemDifference, ...]:
    return tuple(
        _difference(system, other, name, by_system, resamples)
        for name in SCALES
        for system, other in combinations(by_system, 2)
    )


def _difference(
    system: str, other: str, name: str, by_system: Mapping[str, Sequence[ModelRating]], resamples: int
) -> SystemDifference:
    own, others = ([r for r in by_system[each] if name in r.scores] for each in (system, other))
    met = {rating.question for rating in others}
    questions = list(dict.fromkeys(rating.question for rating in own if rating.question in met))
    if not questions:
        return SystemDifference(system, other, name, 0, Figure(None, note=_NOTHING_COMMON))
    first, second = (_Totals.of(scored, name, questions) for scored in (own, others))
    figure = _resampled(len(questions), resamples, lambda weights: first.mean(weights) - second.mean(weights))
    gaps = first.sums / first.counts - second.sums / second.counts
    if len(questions) == 1:
        figure = Figure(figure.value, note=_ONE_QUESTION)
    elif np.ptp(gaps) < _CLOSE:
        figure = Figure(figure.value, note=_SAME_GAP)
    return SystemDifference(system, other, name, len(questions), figure)


def rating_record(report: RatingReport) -> dict[str, Any]:
    """A report as plain JSON, each figure {value, low, high, note}."""
    return {
        "evaluation": report.evaluation,
        "unit": report.unit,
        "scales": {name: list(scale) for name, scale in SCALES.items()},
        "methods": {
            "intervals": "95 %, over starting questions: Wilson's for clustered draws for alignment,"
            " percentiles of a cluster bootstrap for the other means and the differences",
            "agreement_over": "conversations" if report.unit == "shared" else "questions",
            "fleiss_kappa": "nominal" if report.unit == "shared" else LIVE,
            "alpha": {name: "nominal" if len(scale) == 2 else "ordinal" for name, scale in SCALES.items()},
            "ac2_weights": dict.fromkeys(SCALES, WEIGHTS),
        },
        "systems": {name: _system_record(figures) for name, figures in report.systems.items()},
        "trait_levels": {
            code: {name: _system_record(figures) for name, figures in systems.items()}
            for code, systems in report.trait_levels.items()
        },
        "differences": list(map(_difference_record, report.differences)),
        "differences_by_trait_level": {
            code: list(map(_difference_record, each))
            for code, each in report.differences_by_trait_level.items()
        },
        "remarks": list(report.remarks),
    }


def _difference_record(each: SystemDifference) -> dict[str, Any]:
    return {**each._asdict(), "difference": each.difference._asdict()}


def _system_record(figures: SystemFigures) -> dict[str, Any]:
    return {
        **figures._asdict(),
        "criteria": {
            name: {
                key: value._asdict() if isinstance(value, Figure) else value
                for key, value in criterion._asdict().items()
            }
            for name, criterion in figures.criteria.items()
        },
    }
