"""Adjudication: the lead decides the items on which the annotators split.

Votes and comments are shown without names and in an order that gives none away. The originals are never
touched: the decision is a label of its own, on a seat of its own. Only items that have all their labels can
be decided, so nobody's label is seen while another is still due.
"""

from dataclasses import dataclass
from typing import Any

from oceanchat.annotation import accounts
from oceanchat.annotation import labels as labelling
from oceanchat.annotation.labels import Shown
from oceanchat.errors import AnnotationError
from oceanchat.statistics.sampling import fraction
from oceanchat.store import assignments as seat_rows
from oceanchat.store import labels as annotation_rows
from oceanchat.store.annotators import Annotator
from oceanchat.store.assignments import COUNTED, Sample
from oceanchat.store.database import Store
from oceanchat.store.labels import Answers, Judgement


@dataclass(frozen=True)
class Split:
    """An item on which not all annotators agree."""

    item_id: int
    trait_level: str
    content: dict[str, Any]
    votes: tuple[Answers, ...]
    """Each annotator's answers, comments with them, without names."""
    values: tuple[str, ...]
    """What each of the votes comes to."""
    decision: Answers | None
    """The lead's answers, once given."""


def splits(store: Store, lead: Annotator) -> list[Split]:
    """The complete items that are split, undecided ones first; for the lead only."""
    accounts.require_lead(lead)
    with store.reading() as connection:
        sample = seat_rows.latest_sample(connection)
        found = [] if sample is None else annotation_rows.judgements(connection, sample.id)
    return [] if sample is None else _splits(sample, found)


def _splits(sample: Sample, found: list[Judgement]) -> list[Split]:
    votes: dict[int, list[Judgement]] = {}
    decisions = {one.item_id: one.answers for one in found if one.purpose == "adjudicate"}
    for one in found:
        if one.purpose == COUNTED:
            votes.setdefault(one.item_id, []).append(one)
    made = []
    for item_id, cast in votes.items():
        if len(cast) < sample.overlap or len({one.value for one in cast}) < 2:
            continue
        cast.sort(key=lambda one: fraction(sample.seed, "votes", one.item_id, one.annotator_id))
        made.append(
            Split(
                item_id=item_id,
                trait_level=cast[0].stratum,
                content=dict(cast[0].content),
                votes=tuple(one.answers for one in cast),
                values=tuple(one.value for one in cast),
                decision=decisions.get(item_id),
            )
        )
    return sorted(made, key=lambda split: (split.decision is not None, split.item_id))


def open_split(store: Store, lead: Annotator, item_id: int) -> Shown:
    """Put a split item in front of the lead; AnnotationError when it is not split or another lead has it."""
    if item_id not in {split.item_id for split in splits(store, lead)}:
        raise AnnotationError(f"item {item_id} is not split, or not all its labels are there yet")
    seat_row = {
        "item_id": item_id,
        "annotator_id": lead.id,
        "purpose": "adjudicate",
        "slot": 0,
        "position": 0.0,
    }
    with store.writing() as connection:
        seat_rows.add_seats(connection, [seat_row])
        seat = seat_rows.seat_before(connection, item_id, "adjudicate")
    if seat is None or seat.annotator_id != lead.id:
        raise AnnotationError(f"item {item_id} is being decided by another lead; take the next one")
    return labelling.show(store, lead, seat)
