"""The report on a validation: agreement, pass rate before and after adjudication, and the checker beside it.

Computed from the labels in the store, each figure in one place; `record` is what `--json` prints and releases
carry. Annotators appear under pseudonyms. Names and care are for the lead's page only.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from oceanchat.annotation import accounts, assignment
from oceanchat.annotation.assignment import Coverage
from oceanchat.annotation.attention import Care, care_of
from oceanchat.annotation.tasks import task_named
from oceanchat.errors import AnnotationError
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
from oceanchat.store import annotators as account_rows
from oceanchat.store import assignments as seat_rows
from oceanchat.store import labels as annotation_rows
from oceanchat.store.annotators import Annotator
from oceanchat.store.assignments import COUNTED, Sample
from oceanchat.store.builds import built_states
from oceanchat.store.database import Store
from oceanchat.store.imports import imported_states
from oceanchat.store.labels import PASSED, REJECTED, Judgement, counts_for_agreement
from oceanchat.traits import CODES

GOOD = "yes"
"""The value that passes."""


@dataclass(frozen=True)
class Report:
    """What three annotators said about a sample."""

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
    """The same with the lead's decisions in place of split votes."""
    splits: int
    """Items with all their labels that are not unanimous."""
    decided: int
    """Of these, the ones the lead has decided."""
    pairs: Mapping[tuple[str, str], Figure]
    """Cohen's kappa of every two annotators."""
    checker: CheckerFigures


def report(store: Store) -> Report:
    """The report on the newest sample; AnnotationError when there is none."""
    with store.reading() as connection:
        sample = seat_rows.latest_sample(connection)
        if sample is None:
            raise AnnotationError("there is no sample yet; draw one with `oceanchat sample`")
        found = annotation_rows.judgements(connection, sample.id)
        states = imported_states(connection) | built_states(connection)
    counted = [one for one in found if counts_for_agreement(one)]
    ratings = [_rating(one, one.value) for one in counted]
    before = majorities(ratings)
    decisions: dict[str, Value | None] = {
        str(one.item_id): one.value for one in found if one.purpose == "adjudicate"
    }
    after = {item: decisions.get(item, value) for item, value in before.items()}
    strata = {code: [one for one in ratings if one.stratum == code] for code in CODES}
    split = _split_items(counted, sample.overlap)
    return Report(
        sample=sample,
        coverage=assignment.coverage(store),
        overall=agreement(ratings),
        questions={
            question.name: agreement(_rating(one, one.answers[question.name]) for one in counted)
            for question in task_named(sample.task).questions
            if question.options
        },
        strata={code: agreement(rated) for code, rated in strata.items() if rated},
        pass_rates={code: share_of(majorities(rated), GOOD) for code, rated in strata.items() if rated},
        pass_rate=share_of(before, GOOD),
        pass_rate_after=share_of(after, GOOD),
        splits=len(split),
        decided=len(split & decisions.keys()),
        pairs=pairwise_cohen(ratings),
        checker=_checker(sample, found, states),
    )


def _rating(judgement: Judgement, value: Value) -> Rating:
    return Rating(str(judgement.item_id), f"annotator-{judgement.annotator_id}", value, judgement.stratum)


def _split_items(counted: Sequence[Judgement], overlap: int) -> set[str]:
    values: dict[str, list[str]] = {}
    for one in counted:
        values.setdefault(str(one.item_id), []).append(one.value)
    return {item for item, cast in values.items() if len(cast) >= overlap and len(set(cast)) > 1}


def _checker(sample: Sample, labels: Sequence[Judgement], states: Mapping[str, str]) -> CheckerFigures:
    """Over the checked dialogues that the store holds, in the states it holds them in, as a release of it."""
    votes: dict[str, list[bool]] = {}
    for label in labels:
        if label.purpose == COUNTED:
            votes.setdefault(label.item_key.removeprefix(f"{sample.id}:"), []).append(label.value == GOOD)
    return checker_against_humans(
        CheckedDialogue(state == PASSED, votes.get(dialogue_id, ()))
        for dialogue_id, state in states.items()
        if state in (PASSED, *REJECTED)
    )


def record(made: Report) -> dict[str, Any]:
    """A report as plain JSON: the seven figures on top, everything else by name."""
    return {
        **figures(made.overall),
        "pass_rate": made.pass_rate._asdict(),
        "pass_rate_after_adjudication": made.pass_rate_after._asdict(),
        "items": made.coverage.items,
        "complete_items": made.coverage.complete,
        "labelled_items": made.overall.items,
        "labels": made.overall.labels,
        "annotators_per_item": made.sample.overlap,
        "seed": made.sample.seed,
        "splits": made.splits,
        "adjudicated": made.decided,
        "per_question": {name: figures(found) for name, found in made.questions.items()},
        "per_trait_level": {
            code: {**figures(found), "pass_rate": made.pass_rates[code]._asdict()}
            for code, found in made.strata.items()
        },
        "cohen_kappa": {" - ".join(pair): figure._asdict() for pair, figure in made.pairs.items()},
        "checker": made.checker.as_json(),
    }


def figures(found: Agreement) -> dict[str, Any]:
    """The seven figures, each {value, low, high, note}."""
    return {name: figure._asdict() for name, figure in found.figures().items()}


@dataclass(frozen=True)
class Worker:
    """One annotator's progress and care, for the lead."""

    annotator: Annotator
    done: int
    total: int
    idle_days: float | None
    """Days since the last label."""
    care: Care


def workers(store: Store, lead: Annotator) -> list[Worker]:
    """Everyone's progress and care in the newest sample; for the lead only."""
    accounts.require_lead(lead)
    with store.reading() as connection:
        sample = seat_rows.latest_sample(connection)
        people = [one for one in account_rows.everyone(connection) if one.role == "annotator"]
        if sample is None:
            return []
        found = annotation_rows.judgements(connection, sample.id)
        refused = annotation_rows.refusal_counts(connection)
        seats = {one.id: seat_rows.progress(connection, one.id, sample.id) for one in people}
    made = []
    for person in people:
        own = [one for one in found if one.annotator_id == person.id]
        last = max((one.saved for one in own), default=None)
        made.append(
            Worker(
                annotator=person,
                done=seats[person.id][0],
                total=seats[person.id][1],
                idle_days=None if last is None else (time.time() - last) / 86_400,
                care=care_of(own, refused.get(person.id, 0)),
            )
        )
    return made


def people_for_card(store: Store) -> list[dict[str, str]]:
    """What was recorded about each annotator, under pseudonyms, for the release card."""
    with store.reading() as connection:
        people = account_rows.everyone(connection)
    return [{"annotator": one.pseudonym, **one.profile} for one in people if one.role == "annotator"]
