"""Report agreement, pass rate and checker accuracy.

Computed from the labels in the store, each figure in one place; `record` is the JSON that `--json` prints and
releases contain. Annotators appear under pseudonyms; names and attention reports are for the lead only.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from oceanchat.annotation import accounts, assignment
from oceanchat.annotation.assignment import Coverage
from oceanchat.annotation.attention import AttentionReport, attention_report
from oceanchat.annotation.tasks import task_named
from oceanchat.errors import AnnotationError
from oceanchat.records import REJECTED_BY_CHECK
from oceanchat.statistics.agreement import (
    Agreement,
    Rating,
    agreement,
    majorities,
    pairwise_cohen,
    share_of,
)
from oceanchat.statistics.checker_accuracy import CheckedDialogue, CheckerFigures, checker_against_humans
from oceanchat.statistics.coefficients import Value
from oceanchat.statistics.figure import Figure
from oceanchat.store import annotators as annotator_rows
from oceanchat.store import assignments as assignment_rows
from oceanchat.store import labels as label_rows
from oceanchat.store.annotators import Annotator
from oceanchat.store.assignments import COUNTED
from oceanchat.store.builds import built_states
from oceanchat.store.database import Store
from oceanchat.store.imports import imported_states
from oceanchat.store.labels import PASSED, ItemLabel, counts_for_agreement
from oceanchat.store.presentations import rejected_submission_counts
from oceanchat.store.samples import Sample, latest_sample
from oceanchat.traits import CODES

GOOD = "yes"
"""The value that passes."""


@dataclass(frozen=True)
class Report:
    """The results of validating a sample."""

    sample: Sample
    coverage: Coverage
    overall: Agreement
    """Of the value of each label: valid or not."""
    questions: Mapping[str, Agreement]
    """Of each criterion by itself."""
    strata: Mapping[str, Agreement]
    """By trait-level, in paper order."""
    pass_rates: Mapping[str, Figure]
    """By trait-level: share valid by majority."""
    pass_rate: Figure
    """Share of items valid by majority."""
    pass_rate_after: Figure
    """The same with the lead's decisions where annotators disagree."""
    disagreements: int
    """Items with all their labels that are not unanimous."""
    decided: int
    """Of these, the ones the lead has decided."""
    pairs: Mapping[tuple[str, str], Figure]
    """Cohen's kappa of every two annotators."""
    checker: CheckerFigures


def report(store: Store) -> Report:
    """The report on the newest sample; AnnotationError when there is none."""
    with store.reading() as connection:
        sample = latest_sample(connection)
        if sample is None:
            raise AnnotationError("there is no sample yet; draw one with `oceanchat sample`")
        current = label_rows.item_labels(connection, sample.id)
        states = imported_states(connection) | built_states(connection)
    counted = [label for label in current if counts_for_agreement(label)]
    ratings = [_rating(label, label.value) for label in counted]
    before = majorities(ratings)
    decisions: dict[str, Value | None] = {
        str(label.item_id): label.value for label in current if label.purpose == "adjudicate"
    }
    after = {item: decisions.get(item, value) for item, value in before.items()}
    strata = {code: [rating for rating in ratings if rating.stratum == code] for code in CODES}
    contested = _contested_items(counted, sample.overlap)
    return Report(
        sample=sample,
        coverage=assignment.coverage(store),
        overall=agreement(ratings),
        questions={
            question.name: agreement(_rating(label, label.answers[question.name]) for label in counted)
            for question in task_named(sample.task).questions
            if question.options
        },
        strata={code: agreement(rated) for code, rated in strata.items() if rated},
        pass_rates={code: share_of(majorities(rated), GOOD) for code, rated in strata.items() if rated},
        pass_rate=share_of(before, GOOD),
        pass_rate_after=share_of(after, GOOD),
        disagreements=len(contested),
        decided=len(contested & decisions.keys()),
        pairs=pairwise_cohen(ratings),
        checker=_checker(sample, current, states),
    )


def _rating(label: ItemLabel, value: Value) -> Rating:
    return Rating(str(label.item_id), f"annotator-{label.annotator_id}", value, label.stratum)


def _contested_items(counted: Sequence[ItemLabel], overlap: int) -> set[str]:
    values: dict[str, list[str]] = {}
    for label in counted:
        values.setdefault(str(label.item_id), []).append(label.value)
    return {item for item, cast in values.items() if len(cast) >= overlap and len(set(cast)) > 1}


def _checker(sample: Sample, current: Sequence[ItemLabel], states: Mapping[str, str]) -> CheckerFigures:
    """Over the checked dialogues of the store, in their present states, as in a release of it."""
    votes: dict[str, list[bool]] = {}
    for label in current:
        if label.purpose == COUNTED:
            votes.setdefault(label.item_key.removeprefix(f"{sample.id}:"), []).append(label.value == GOOD)
    return checker_against_humans(
        CheckedDialogue(state == PASSED, votes.get(dialogue_id, ()))
        for dialogue_id, state in states.items()
        if state in (PASSED, *REJECTED_BY_CHECK)
    )


def record(results: Report) -> dict[str, Any]:
    """A report as plain JSON: the seven figures on top, everything else by name."""
    return {
        **figures(results.overall),
        "pass_rate": results.pass_rate._asdict(),
        "pass_rate_after_adjudication": results.pass_rate_after._asdict(),
        "items": results.coverage.items,
        "complete_items": results.coverage.complete,
        "labelled_items": results.overall.items,
        "labels": results.overall.labels,
        "annotators_per_item": results.sample.overlap,
        "seed": results.sample.seed,
        "splits": results.disagreements,
        "adjudicated": results.decided,
        "per_question": {name: figures(question) for name, question in results.questions.items()},
        "per_trait_level": {
            code: {**figures(stratum), "pass_rate": results.pass_rates[code]._asdict()}
            for code, stratum in results.strata.items()
        },
        "cohen_kappa": {" - ".join(pair): figure._asdict() for pair, figure in results.pairs.items()},
        "checker": results.checker.as_json(),
    }


def figures(results: Agreement) -> dict[str, Any]:
    """The seven figures, each {value, low, high, note}."""
    return {name: figure._asdict() for name, figure in results.figures().items()}


@dataclass(frozen=True)
class AnnotatorProgress:
    """One annotator's progress and attention, for the lead."""

    annotator: Annotator
    done: int
    total: int
    idle_days: float | None
    """Days since the last label."""
    attention: AttentionReport


def annotator_progress(store: Store, lead: Annotator) -> list[AnnotatorProgress]:
    """All annotators' progress and attention in the newest sample; for the lead only."""
    accounts.require_lead(lead)
    with store.reading() as connection:
        sample = latest_sample(connection)
        annotators = [a for a in annotator_rows.everyone(connection) if a.role == "annotator"]
        if sample is None:
            return []
        current = label_rows.item_labels(connection, sample.id)
        rejected_submissions = rejected_submission_counts(connection)
        counts = {a.id: assignment_rows.progress(connection, a.id, sample.id) for a in annotators}
    progress = []
    for annotator in annotators:
        own = [label for label in current if label.annotator_id == annotator.id]
        last = max((label.saved_at for label in own), default=None)
        done, total = counts[annotator.id]
        progress.append(
            AnnotatorProgress(
                annotator=annotator,
                done=done,
                total=total,
                idle_days=None if last is None else (time.time() - last) / 86_400,
                attention=attention_report(own, rejected_submissions.get(annotator.id, 0)),
            )
        )
    return progress


def annotator_profiles(store: Store) -> list[dict[str, str]]:
    """The recorded profile of each annotator, under pseudonyms, for the release card."""
    with store.reading() as connection:
        accounts_ = annotator_rows.everyone(connection)
    return [{"annotator": a.pseudonym, **a.profile} for a in accounts_ if a.role == "annotator"]
