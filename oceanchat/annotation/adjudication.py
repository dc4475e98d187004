"""The lead decides where annotators disagree.

Votes and comments are shown without names and in an order that gives none away. The originals are never
changed: the decision is a label of its own, under an assignment of its own. Only items that have all their
labels can be decided, so nobody's label is seen while another is still due.
"""

from dataclasses import dataclass
from typing import Any

from oceanchat.annotation import accounts, labels
from oceanchat.annotation.labels import PresentedItem
from oceanchat.errors import AnnotationError
from oceanchat.statistics.sampling import fraction
from oceanchat.store import assignments as assignment_rows
from oceanchat.store import labels as label_rows
from oceanchat.store.annotators import Annotator
from oceanchat.store.assignments import COUNTED
from oceanchat.store.database import Store
from oceanchat.store.labels import ItemLabel
from oceanchat.store.presentations import Answers
from oceanchat.store.samples import Sample, latest_sample


@dataclass(frozen=True)
class Disagreement:
    """An item on which not all annotators agree."""

    item_id: int
    trait_level: str
    content: dict[str, Any]
    votes: tuple[Answers, ...]
    """Each annotator's answers, comments with them, without names."""
    values: tuple[str, ...]
    """The outcome of each of the votes."""
    decision: Answers | None
    """The lead's answers, once given."""


def disagreements(store: Store, lead: Annotator) -> list[Disagreement]:
    """The complete items without agreement, undecided ones first; for the lead only."""
    accounts.require_lead(lead)
    with store.reading() as connection:
        sample = latest_sample(connection)
        current = [] if sample is None else label_rows.item_labels(connection, sample.id)
    return [] if sample is None else _disagreements(sample, current)


def _disagreements(sample: Sample, current: list[ItemLabel]) -> list[Disagreement]:
    votes: dict[int, list[ItemLabel]] = {}
    decisions = {label.item_id: label.answers for label in current if label.purpose == "adjudicate"}
    for label in current:
        if label.purpose == COUNTED:
            votes.setdefault(label.item_id, []).append(label)
    disagreements = []
    for item_id, cast in votes.items():
        if len(cast) < sample.overlap or len({vote.value for vote in cast}) < 2:
            continue
        cast.sort(key=lambda vote: fraction(sample.seed, "votes", vote.item_id, vote.annotator_id))
        disagreements.append(
            Disagreement(
                item_id=item_id,
                trait_level=cast[0].stratum,
                content=dict(cast[0].content),
                votes=tuple(vote.answers for vote in cast),
                values=tuple(vote.value for vote in cast),
                decision=decisions.get(item_id),
            )
        )
    return sorted(disagreements, key=lambda item: (item.decision is not None, item.item_id))


def open_disagreement(store: Store, lead: Annotator, item_id: int) -> PresentedItem:
    """Present an item to the lead; AnnotationError when there is no disagreement or another lead has it."""
    if item_id not in {disagreement.item_id for disagreement in disagreements(store, lead)}:
        raise AnnotationError(f"item {item_id} has no disagreement, or still lacks some of its labels")
    row = {
        "item_id": item_id,
        "annotator_id": lead.id,
        "purpose": "adjudicate",
        "slot": 0,
        "position": 0.0,
    }
    with store.writing() as connection:
        assignment_rows.add_assignments(connection, [row])
        assignment = assignment_rows.assignment_of_item(connection, item_id, "adjudicate")
    if assignment is None or assignment.annotator_id != lead.id:
        raise AnnotationError(f"item {item_id} is being decided by another lead; take the next one")
    return labels.show(store, lead, assignment)
