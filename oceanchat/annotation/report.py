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
from oceanchat.annotation.attention import AttentionReport, attention_report, recent_labels, words_of
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
from oceanchat.statistics.dataset_quality import DatasetQuality, Stratum, dataset_quality, strata_of
from oceanchat.statistics.figure import Figure
from oceanchat.store import annotators as annotator_rows
from oceanchat.store import assignments as assignment_rows
from oceanchat.store import labels as label_rows
from oceanchat.store.annotators import Annotator
from oceanchat.store.database import Store
from oceanchat.store.labels import PASSED, ItemLabel, counts_for_agreement
from oceanchat.store.presentations import rejected_submission_counts
from oceanchat.store.samples import Sample, item_contents, latest_sample
from oceanchat.store.splits import complete_items, decisions, split_items, votes_by_item
from oceanchat.store.validations import DialogueState, dialogue_states, reported_sample
from oceanchat.traits import CODES

GOOD = "yes"
"""The value that passes."""


@dataclass(frozen=True)
class Report:
    """The results of validating a sample.

    Agreement is of the annotators alone; the checker's figures and those of the dataset take the lead's
    decisions in.
    """

    sample: Sample
    coverage: Coverage
    rejected: int
    """Items with labels that the checker turned down: they tell of the checker, and are in no agreement."""
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
    """Items with all their labels on which annotators differ, in the outcome or in a criterion."""
    decided: int
    """Of these, the ones the lead has decided."""
    pairs: Mapping[tuple[str, str], Figure]
    """Cohen's kappa of every two annotators."""
    checker: CheckerFigures
    dataset: Mapping[str, DatasetQuality]
    """How good all checked dialogues of the store are: by trait-level, and together under 'all'."""
    others: Mapping[int, int]
    """Number of every other sample that has labels -> how many."""


def report(store: Store, sample_number: int | None = None) -> Report:
    """The report on a sample (None: the newest that has labels); AnnotationError when there is none."""
    with store.reading() as connection:
        sample = reported_sample(connection, sample_number)
        if sample is None:
            raise AnnotationError("there is no sample yet; draw one with `oceanchat sample`")
        current = label_rows.item_labels(connection, sample.id)
        others = label_rows.label_counts(connection)
        states = dialogue_states(connection)
    counted = [label for label in current if counts_for_agreement(label)]
    ratings = [_rating(label, label.value) for label in counted]
    votes = votes_by_item(counted)
    complete = {str(item) for item in complete_items(votes, sample.overlap)}
    split = split_items(votes, sample.overlap)
    decided = {str(item): label.value for item, label in decisions(current).items() if item in split}
    before = {item: value for item, value in majorities(ratings).items() if item in complete}
    after: dict[str, Value | None] = {item: decided.get(item, value) for item, value in before.items()}
    strata = {code: [rating for rating in ratings if rating.stratum == code] for code in CODES}
    coverage = assignment.coverage(store, sample.id)
    checked = _checked(sample, votes_by_item(current), decided, states)
    return Report(
        sample=sample,
        coverage=coverage,
        rejected=len({label.item_id for label in current if label.state in REJECTED_BY_CHECK}),
        overall=agreement(ratings),
        questions={
            question.name: agreement(
                _rating(label, label.answers[question.name])
                for label in counted
                if question.name in label.answers  # always, in a store without damage
            )
            for question in task_named(sample.task).questions
            if question.options
        },
        strata={code: agreement(rated) for code, rated in strata.items() if rated},
        pass_rates={code: _pass_rate(before, rated) for code, rated in strata.items() if rated},
        pass_rate=_pass_rate(before, ratings),
        pass_rate_after=_pass_rate(after, ratings),
        disagreements=len(split),
        decided=len(decided),
        pairs=pairwise_cohen(ratings),
        checker=checker_against_humans(dialogue for _, dialogue in checked),
        dataset=dataset_quality(_in_paper_order(strata_of(checked))) if checked else {},
        others={number: count for number, count in others.items() if number != sample.id},
    )


def _pass_rate(decided: Mapping[str, Value | None], ratings: Sequence[Rating]) -> Figure:
    """Share valid of the rated items that have all their labels, saying how many of how many these are.

    `decided` has the outcome of every such item.
    """
    labelled = {rating.item for rating in ratings}
    values = {item: decided[item] for item in labelled & decided.keys()}
    rate = share_of(values, GOOD)
    under_way = len(labelled) - len(values)
    if not values and under_way:
        return Figure(None, note=f"not computable (items under way: {under_way}; none has all its labels)")
    note = f"over the {len(values)} complete items; {under_way} under way left out" if under_way else ""
    return rate._replace(note="; ".join(filter(None, [note, rate.note])))


def _rating(label: ItemLabel, value: Value) -> Rating:
    return Rating(str(label.item_id), f"annotator-{label.annotator_id}", value, label.stratum)


def _checked(
    sample: Sample,
    votes: Mapping[int, Sequence[ItemLabel]],
    decided: Mapping[str, Value],
    states: Mapping[str, DialogueState],
) -> list[tuple[str, CheckedDialogue]]:
    """The checked dialogues of the store with their trait-levels, in their present states.

    As in the pass rate, votes count once an item has all its labels: one of three decides nothing yet. A
    decision stands in their place, as in a release.
    """
    cast = {}
    for item in complete_items(votes, sample.overlap):
        values = [decided[str(item)]] if str(item) in decided else [label.value for label in votes[item]]
        dialogue_id = votes[item][0].item_key.removeprefix(f"{sample.id}:")
        cast[dialogue_id] = [value == GOOD for value in values]
    return [
        (state.trait_level, CheckedDialogue(state.state == PASSED, cast.get(dialogue_id, ())))
        for dialogue_id, state in states.items()
        if state.state in (PASSED, *REJECTED_BY_CHECK)
    ]


def _in_paper_order(strata: Mapping[str, Stratum]) -> dict[str, Stratum]:
    return {code: strata[code] for code in CODES if code in strata}


def record(results: Report) -> dict[str, Any]:
    """A report as plain JSON: the seven figures on top, everything else by name."""
    return {
        **figures(results.overall),
        "pass_rate": results.pass_rate._asdict(),
        "pass_rate_after_adjudication": results.pass_rate_after._asdict(),
        "items": results.coverage.items,
        "complete_items": results.coverage.complete,
        "labelled_items": results.overall.items,
        "labelled_rejected": results.rejected,
        "labels": results.overall.labels,
        "annotators_per_item": results.sample.overlap,
        "seed": results.sample.seed,
        "splits": results.disagreements,
        "adjudicated": results.decided,
        "sample": results.sample.id,
        "other_samples": {str(number): count for number, count in results.others.items()},
        "per_question": {name: figures(question) for name, question in results.questions.items()},
        "per_trait_level": {
            code: {**figures(stratum), "pass_rate": results.pass_rates[code]._asdict()}
            for code, stratum in results.strata.items()
        },
        "cohen_kappa": {" - ".join(pair): figure._asdict() for pair, figure in results.pairs.items()},
        "checker": results.checker.as_json(),
        "dataset": {code: quality.as_json() for code, quality in results.dataset.items()},
    }


def figures(results: Agreement) -> dict[str, Any]:
    """The seven figures, each {value, low, high, note}."""
    return {name: figure._asdict() for name, figure in results.reported().items()}


@dataclass(frozen=True)
class AnnotatorProgress:
    """One annotator's progress and attention, for the lead."""

    annotator: Annotator
    done: int
    total: int
    idle_days: float | None
    """Days since the last label."""
    attention: AttentionReport


def annotator_progress(
    store: Store, lead: Annotator, sample_number: int | None = None
) -> list[AnnotatorProgress]:
    """All annotators' progress and attention in a sample (None: the newest); for the lead only."""
    accounts.require_lead(lead)
    with store.reading() as connection:
        sample = latest_sample(connection, number=sample_number)
        annotators = [a for a in annotator_rows.everyone(connection) if a.role == "annotator"]
        if sample is None:
            return []
        current = label_rows.item_labels(connection, sample.id)
        rejected_submissions = rejected_submission_counts(connection)
        counts = {a.id: assignment_rows.progress(connection, a.id, sample.id) for a in annotators}
        labels: dict[int, list[ItemLabel]] = {annotator.id: [] for annotator in annotators}
        for label in current:
            labels.setdefault(label.annotator_id, []).append(label)
        recent = {label.item_id for own in labels.values() for label in recent_labels(own)}
        words = {item: words_of(content) for item, content in item_contents(connection, recent).items()}
    progress = []
    for annotator in annotators:
        own = labels[annotator.id]
        last = max((label.saved_at for label in own), default=None)
        done, total = counts[annotator.id]
        progress.append(
            AnnotatorProgress(
                annotator=annotator,
                done=done,
                total=total,
                idle_days=None if last is None else (time.time() - last) / 86_400,
                attention=attention_report(own, rejected_submissions.get(annotator.id, 0), words),
            )
        )
    return progress


def annotator_profiles(store: Store) -> list[dict[str, str]]:
    """The recorded profile of each annotator, under pseudonyms, for the release card."""
    with store.reading() as connection:
        accounts_ = annotator_rows.everyone(connection)
    return [{"annotator": a.pseudonym, **a.profile} for a in accounts_ if a.role == "annotator"]
