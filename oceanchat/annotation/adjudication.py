"""The lead decides where annotators disagree.

Votes and comments are shown without names and in an order that gives none away. The originals are never
changed: the decision is a label of its own, under an assignment of its own. Only items that have all their
labels can be decided, so nobody's label is seen while another is still due. A decision counts while its item
is split; one whose votes have changed since is listed for another look.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import Connection

from oceanchat.annotation import accounts, labels
from oceanchat.annotation.labels import PresentedItem
from oceanchat.errors import AnnotationError
from oceanchat.statistics.sampling import fraction
from oceanchat.store import assignments as assignment_rows
from oceanchat.store import labels as label_rows
from oceanchat.store.annotators import Annotator
from oceanchat.store.database import Store
from oceanchat.store.labels import ItemLabel
from oceanchat.store.presentations import Answers
from oceanchat.store.samples import item_contents
from oceanchat.store.splits import complete_items, criteria, decisions, is_split, votes_by_item
from oceanchat.store.validations import reported_sample

State = Literal["open", "changed", "settled", "decided"]
_ORDER = ("open", "changed", "settled", "decided")


@dataclass(frozen=True)
class Disagreement:
    """An item on which not all annotators agree, or did not when it was decided."""

    item_id: int
    trait_level: str
    content: dict[str, Any]
    votes: tuple[Answers, ...]
    """Each annotator's answers, comments with them, without names."""
    values: tuple[str, ...]
    """The outcome of each of the votes."""
    decision: Answers | None
    """The lead's answers, once given."""
    state: State
    """'open'; 'changed': decided, and votes have changed since; 'settled': changed so that all agree now, and
    the decision counts no more; 'decided'."""


def disagreements(store: Store, lead: Annotator, sample_number: int | None = None) -> list[Disagreement]:
    """The complete items without agreement, undecided ones first; for the lead only."""
    accounts.require_lead(lead)
    with store.reading() as connection:
        sample = reported_sample(connection, sample_number)
        if sample is None:
            return []
        current = label_rows.item_labels(connection, sample.id)
        votes, decided = votes_by_item(current), decisions(current)
        states = {
            item: state
            for item in complete_items(votes, sample.overlap)
            if (state := _state(connection, votes[item], decided.get(item))) is not None
        }
        contents = item_contents(connection, states)
    listed = [
        _disagreement(
            _shuffled(votes[item], sample.seed),
            dict(contents[item]),
            decided.get(item),
            state,
        )
        for item, state in states.items()
    ]
    return sorted(listed, key=lambda each: (_ORDER.index(each.state), each.item_id))


def _shuffled(cast: Sequence[ItemLabel], seed: int) -> list[ItemLabel]:
    """Votes in an order that does not tell who cast them."""
    return sorted(cast, key=lambda vote: fraction(seed, "votes", vote.item_id, vote.annotator_id))


def _state(connection: Connection, cast: Sequence[ItemLabel], decision: ItemLabel | None) -> State | None:
    """How far an item with all its labels is decided; None where there is nothing to decide."""
    split = is_split(cast)
    if decision is None:
        return "open" if split else None
    newer = [vote for vote in cast if vote.label_id > decision.label_id]
    if not any(_differs(connection, vote, decision) for vote in newer):
        return "decided" if split else None
    return "changed" if split else "settled"


def _differs(connection: Connection, vote: ItemLabel, decision: ItemLabel) -> bool:
    """Whether a vote, saved after the decision, is another than the one that the lead saw."""
    seen = label_rows.answers_before(connection, vote.assignment_id, decision.label_id)
    return seen is None or criteria(seen) != criteria(vote.answers)


def _disagreement(
    cast: Sequence[ItemLabel], content: dict[str, Any], decision: ItemLabel | None, state: State
) -> Disagreement:
    return Disagreement(
        item_id=cast[0].item_id,
        trait_level=cast[0].stratum,
        content=content,
        votes=tuple(vote.answers for vote in cast),
        values=tuple(vote.value for vote in cast),
        decision=None if decision is None else decision.answers,
        state=state,
    )


def open_disagreement(
    store: Store, lead: Annotator, item_id: int, listed: Sequence[Disagreement] | None = None
) -> PresentedItem:
    """Present an item to the lead; AnnotationError when there is no disagreement or another lead has it.

    `listed` are the disagreements where they are known already.
    """
    known = disagreements(store, lead) if listed is None else listed
    if item_id not in {disagreement.item_id for disagreement in known}:
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
