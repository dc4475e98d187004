"""The table of a sample's current labels.

It is what `oceanchat export validations` writes and a release is made of: every reported figure can be
recomputed from it. Functions take an open connection.
"""

from typing import Any, NamedTuple

from sqlalchemy import Connection, select

from oceanchat.errors import AnnotationError
from oceanchat.records import REJECTED_BY_CHECK
from oceanchat.store.assignments import COUNTED
from oceanchat.store.builds import dialogues
from oceanchat.store.imports import imported_dialogues
from oceanchat.store.labels import ItemLabel, item_labels, label_counts
from oceanchat.store.samples import VALIDATION, Sample, all_samples
from oceanchat.store.splits import split_items, votes_by_item

LAPSED = "lapsed"
"""The purpose of a decision that no longer counts: the annotators have come to agree."""


def reported_sample(
    connection: Connection, number: int | None = None, *, task: str = VALIDATION
) -> Sample | None:
    """A task's sample of that number, or the newest that has labels, or the newest; None when there is none.

    Raises AnnotationError for a number that no sample of the task has.
    """
    samples = all_samples(connection, task)
    if number is not None:
        named = next((sample for sample in samples if sample.id == number), None)
        if named is None:
            known = ", ".join(str(sample.id) for sample in samples) or "none yet"
            noun = "sample" if task == VALIDATION else task
            raise AnnotationError(f"{noun} '{number}' is not in this store; it has: {known}")
        return named
    counts = label_counts(connection)
    labelled = [sample for sample in samples if counts.get(sample.id)]
    return next(reversed(labelled or samples), None)


class DialogueState(NamedTuple):
    """What a report needs of a dialogue that is in the store."""

    trait_level: str
    state: str


def dialogue_states(connection: Connection) -> dict[str, DialogueState]:
    """Id -> trait-level and state of every dialogue, built or imported; the first built of one id counts."""
    states: dict[str, DialogueState] = {}
    for table, order in (
        (imported_dialogues, imported_dialogues.c.position),
        (dialogues, dialogues.c.order.desc()),
    ):
        query = select(table.c.id, table.c.trait_level, table.c.state).order_by(order)
        states |= {row.id: DialogueState(row.trait_level, row.state) for row in connection.execute(query)}
    return states


def validation_table(connection: Connection, number: int | None = None) -> list[dict[str, Any]]:
    """A sample's current labels, one row each (see `reported_sample` for which).

    Columns: item, annotator (a pseudonym), value (the outcome under the task's rule), stratum
    (trait-level), purpose (label, repeat, gold, adjudicate; check for dialogues drawn only to measure the
    checker; lapsed for a decision on an item that is no longer split), revision, one `answer_*` column a
    question, known (the right value of gold items), automatic (the dialogue's state after the automatic
    check), active_seconds (of all revisions), saved and sample.
    """
    sample = reported_sample(connection, number)
    if sample is None:
        return []
    current = item_labels(connection, sample.id)
    split = split_items(votes_by_item(current), sample.overlap)
    questions = list(dict.fromkeys(name for label in current for name in label.answers))
    return [
        {
            "item": label.item_key.removeprefix(f"{sample.id}:"),
            "annotator": f"annotator-{label.annotator_id}",
            "value": label.value,
            "stratum": label.stratum,
            "purpose": _purpose(label, split),
            "revision": label.revision,
            **{f"answer_{name}": label.answers.get(name, "") for name in questions},
            "known": "" if label.answer_key is None else label.answer_key["value"],
            "automatic": label.state,
            "active_seconds": round(label.active_seconds, 1),
            "saved": label.saved_at,
            "sample": sample.id,
        }
        for label in current
    ]


def _purpose(label: ItemLabel, split: set[int]) -> str:
    if label.purpose == COUNTED and label.state in REJECTED_BY_CHECK:
        return "check"
    if label.purpose == "adjudicate" and label.item_id not in split:
        return LAPSED
    return label.purpose
