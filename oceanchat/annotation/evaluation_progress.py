"""How far an evaluation of models is.

For the lead, by annotator and by system. Scores are not looked at: they are for `oceanchat export ratings`.
"""

import statistics
from collections import Counter, defaultdict
from typing import NamedTuple

from oceanchat.store import annotators as annotator_rows
from oceanchat.store import assignments as assignment_rows
from oceanchat.store import conversations as conversation_rows
from oceanchat.store.assignments import COUNTED
from oceanchat.store.database import Store
from oceanchat.store.labels import item_labels
from oceanchat.store.ratings import reported_evaluation


class SystemProgress(NamedTuple):
    """One system's share."""

    system: str
    questions: int
    finished: int
    """Conversations that are over."""
    ratings: int


class RaterProgress(NamedTuple):
    """One annotator's share."""

    name: str
    done: int
    total: int
    median_seconds: float | None
    """A rating, idle time left out; the talk included for who held it."""


class EvaluationProgress(NamedTuple):
    """How far an evaluation is."""

    number: int
    unit: str
    systems: tuple[SystemProgress, ...]
    raters: tuple[RaterProgress, ...]
    unassigned: int
    """Ratings that no annotator is to give."""


def evaluation_progress(store: Store, number: int | None = None) -> EvaluationProgress | None:
    """How far the evaluation of that number is (None: the newest that has ratings); None when there is none.

    Raises AnnotationError for a number that no evaluation has.
    """
    with store.reading() as connection:
        evaluation = reported_evaluation(connection, number)
        if evaluation is None:
            return None
        cells = {cell.item_id: cell for cell in conversation_rows.cells_of(connection, evaluation.id)}
        finished = conversation_rows.finished_counts(connection, evaluation.id)
        ratings = item_labels(connection, evaluation.id)
        assigned = assignment_rows.assigned_count(connection, evaluation.id, COUNTED)
        shares = {
            account.name: assignment_rows.progress(connection, account.id, evaluation.id)
            for account in annotator_rows.everyone(connection)
        }
        names = {account.id: account.name for account in annotator_rows.everyone(connection)}
    rated = Counter(cells[rating.item_id].system for rating in ratings)
    questions = Counter(cell.system for cell in cells.values())
    seconds: dict[str, list[float]] = defaultdict(list)
    for rating in ratings:
        seconds[names[rating.annotator_id]].append(rating.active_seconds)
    return EvaluationProgress(
        evaluation.id,
        str(evaluation.settings["unit"]),
        tuple(SystemProgress(name, questions[name], finished[name], rated[name]) for name in questions),
        tuple(
            RaterProgress(name, done, total, statistics.median(seconds[name]) if seconds[name] else None)
            for name, (done, total) in shares.items()
            if total
        ),
        len(cells) * evaluation.overlap - assigned,
    )
