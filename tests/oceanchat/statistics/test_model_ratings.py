"""Means, agreement and differences of rated models, held to packages, to hand counts and to simulation."""

import json

import krippendorff
import numpy as np
import pytest
from statsmodels.stats.inter_rater import fleiss_kappa

from oceanchat.statistics.model_ratings import (
    LIVE,
    RatingReport,
    mean_score,
    rating_record,
    rating_report,
)
from oceanchat.statistics.rating_file import SCALES, ModelRating, ratings_of
from oceanchat.traits import CODES, TraitLevel
from tests.oceanchat.statistics.rated import scripted_rows

SYSTEMS = {"prompt": (0.3, 4.7), "p-react": (0.95, 4.5)}


def report_of(rows: list[dict[str, object]]) -> RatingReport:
    named = [(f"row {n}", {key: str(value) for key, value in row.items()}) for n, row in enumerate(rows)]
    return rating_report(ratings_of(named, "these"), resamples=200)


@pytest.fixture(scope="module")
def rows() -> list[dict[str, object]]:
    return scripted_rows(SYSTEMS)


@pytest.fixture(scope="module")
def report(rows: list[dict[str, object]]) -> RatingReport:
    return report_of(rows)


def test_every_figure_is_that_of_its_package(rows: list[dict[str, object]], report: RatingReport) -> None:
    for system in SYSTEMS:
        own = report.systems[system]
        assert (own.questions, own.conversations, own.ratings, own.annotators) == (40, 40, 120, 3)
        for name, scale in SCALES.items():
            scores = np.array([row[name] for row in rows if row["system"] == system], dtype=int).reshape(
                40, 3
            )
            counts = np.stack([(scores == point).sum(axis=1) for point in scale], axis=1)
            level = "nominal" if name == "alignment" else "ordinal"
            alpha = krippendorff.alpha(reliability_data=scores.T.astype(float), level_of_measurement=level)
            figures = own.criteria[name]
            assert figures.mean.value == pytest.approx(scores.mean())
            assert figures.fleiss_kappa.value == pytest.approx(fleiss_kappa(counts))
            assert figures.alpha.value == pytest.approx(alpha)
            assert figures.ac2.value == pytest.approx(plain_ac2(scores, scale))


def plain_ac2(scores: np.ndarray, scale: tuple[int, ...]) -> float:
    """Gwet's AC2 with ordinal weights, pair by pair, for complete scores."""
    points = len(scale)

    def weight(a: int, b: int) -> float:
        apart = abs(a - b)
        return 1 - (apart + 1) * apart / (points * (points - 1))

    pairs = [weight(a, b) for row in scores for i, a in enumerate(row) for j, b in enumerate(row) if i != j]
    total = sum(weight(a, b) for a in scale for b in scale)
    shares = [float((scores == point).mean()) for point in scale]
    chance = total / (points * (points - 1)) * sum(share * (1 - share) for share in shares)
    observed = sum(pairs) / len(pairs)
    return (observed - chance) / (1 - chance)


def test_trait_levels_come_in_paper_order_and_add_up(report: RatingReport) -> None:
    assert list(report.trait_levels) == list(CODES)
    for system in SYSTEMS:
        parts = [report.trait_levels[code][system].criteria["coherence"] for code in CODES]
        mean = sum((part.mean.value or 0) * part.scores for part in parts) / 120
        assert mean == pytest.approx(report.systems[system].criteria["coherence"].mean.value)


def test_differences_are_paired_by_question(report: RatingReport) -> None:
    assert [(each.system, each.other, each.criterion, each.questions) for each in report.differences] == [
        ("prompt", "p-react", name, 40) for name in SCALES
    ]
    for each in report.differences:
        means = [report.systems[system].criteria[each.criterion].mean.value or 0 for system in SYSTEMS]
        assert each.difference.value == pytest.approx(means[0] - means[1])
    aligned = report.differences[0].difference
    assert aligned.high is not None and aligned.high < 0


def test_questions_that_both_find_hard_do_not_widen_a_difference() -> None:
    rng = np.random.default_rng(1)
    rows = scripted_rows({"a": (1, 3), "b": (1, 3)})
    hard = {str(row["question_id"]): int(rng.integers(1, 5)) for row in rows}
    for row in rows:
        row["naturalness"] = hard[str(row["question_id"])] + (row["system"] == "a") * int(rng.random() < 0.5)
    report = report_of(rows)
    difference, mean = report.differences[1].difference, report.systems["a"].criteria["naturalness"].mean
    assert difference.low is not None and difference.high is not None and difference.low > 0.3
    assert mean.low is not None and mean.high is not None
    assert difference.high - difference.low < (mean.high - mean.low) / 2


def test_systems_on_different_questions_are_compared_on_the_common_ones(
    rows: list[dict[str, object]],
) -> None:
    report = report_of([row for row in rows if row["system"] == "prompt" or row["trait"] != "O"])
    assert report.differences[0].questions == 32
    assert "(prompt 40, p-react 32; 32 in common)" in report.remarks[-1]
    apart = report_of([row for row in rows if (row["system"] == "prompt") == (row["trait"] == "O")])
    assert apart.differences[0].difference.note == "not computable (no question in common)"


def test_of_live_conversations_agreement_is_over_questions_and_says_so() -> None:
    report = report_of(scripted_rows(SYSTEMS, unit="live"))
    own = report.systems["prompt"]
    assert (own.conversations, own.questions) == (120, 40)
    for figures in own.criteria.values():
        for figure in (figures.observed, figures.fleiss_kappa, figures.alpha, figures.ac2):
            assert figure.value is not None and figure.note.startswith(LIVE)
        assert LIVE not in figures.mean.note
    assert rating_record(report)["methods"]["fleiss_kappa"] == LIVE


def test_what_has_no_variance_no_pair_or_one_question_is_said() -> None:
    flat = [row | {"alignment": 1, "naturalness": 5} for row in scripted_rows(SYSTEMS)]
    report = report_of(flat)
    aligned, natural = (report.systems["prompt"].criteria[name] for name in ("alignment", "naturalness"))
    assert aligned.mean.value == 1 and aligned.mean.low == pytest.approx(40 / (40 + 1.96**2), abs=1e-3)
    assert natural.mean[:3] == (5.0, None, None) and "no variance, no interval" in natural.mean.note
    for figure in (natural.fleiss_kappa, natural.alpha, natural.ac2):
        assert figure.value is None and "one category used" in figure.note
    assert report.differences[1].difference.note.startswith("the same difference on every question")
    alone = report_of(scripted_rows({"a": (0.5, 4)}, annotators=1))
    assert alone.differences == () and "no item has two" in alone.systems["a"].criteria["coherence"].ac2.note
    single = report_of([row for row in scripted_rows(SYSTEMS) if row["question_id"] == "o-high-01"])
    assert (
        single.systems["prompt"].criteria["coherence"].mean.note == "one question: no interval over questions"
    )
    whole = report_of(scripted_rows(SYSTEMS))
    assert "rough" not in whole.systems["prompt"].criteria["coherence"].ac2.note
    few = whole.trait_levels["O+"]["prompt"].criteria["coherence"]
    assert few.mean.note == "only 4 questions: the interval is rough"
    assert few.ac2.note.endswith("only 4 conversations: the interval is rough")
    empty = report_of([row | {"coherence": "NA"} for row in scripted_rows(SYSTEMS)])
    assert empty.systems["prompt"].criteria["coherence"].mean.note == "not computable (no score)"
    assert empty.differences[2].difference.value is None


def test_the_record_is_json_and_the_same_again(rows: list[dict[str, object]], report: RatingReport) -> None:
    record = rating_record(report)
    assert json.loads(json.dumps(record, allow_nan=False)) == json.loads(
        json.dumps(rating_record(report_of(rows)))
    )
    assert record["methods"]["ac2_weights"]["coherence"] == "ordinal"
    assert record["methods"]["alpha"] == {
        "alignment": "nominal", "naturalness": "ordinal", "coherence": "ordinal"
    }  # fmt: skip


def test_intervals_of_means_cover_the_truth_in_95_of_100_studies() -> None:
    """20 questions with three ratings each: one trait-level of the paper's design."""
    rng = np.random.default_rng(4)
    level = TraitLevel.parse("O+")

    def study(questions: int) -> np.ndarray:
        manner = 4.6 + rng.normal(0, 0.6, (questions, 1))
        return np.clip(np.rint(manner + rng.normal(0, 0.5, (questions, 3))), 1, 5).astype(int)

    truth, covered = study(200_000).mean(), 0
    for _ in range(1000):
        ratings = [
            ModelRating("a", level, str(question), str(question), str(rater), {"coherence": int(score)})
            for question, scores in enumerate(study(20))
            for rater, score in enumerate(scores)
        ]
        figure = mean_score(ratings, "coherence", resamples=400)
        covered += figure.low is not None and figure.high is not None and figure.low <= truth <= figure.high
    assert 930 <= covered <= 970, covered
