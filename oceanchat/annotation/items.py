"""List a sample's items for the lead.

How many labels each has, and how it stands. While labels are due nothing of what others answered is told.
"""

from typing import NamedTuple

from oceanchat.annotation import accounts
from oceanchat.records import SPEAKERS
from oceanchat.store import assignments as assignment_rows
from oceanchat.store import labels as label_rows
from oceanchat.store.annotators import Annotator
from oceanchat.store.assignments import COUNTED
from oceanchat.store.database import Store
from oceanchat.store.samples import item_contents
from oceanchat.store.splits import decisions, is_split, votes_by_item
from oceanchat.store.validations import reported_sample


class ListedItem(NamedTuple):
    """One item of a sample."""

    item_id: int
    dialogue_id: str
    trait_level: str
    automatic: str
    """The dialogue's state after the automatic check."""
    labels: int
    wanted: int
    state: str
    """'open', 'under way', 'agreed', 'split' or 'decided'."""
    valid: int | None
    """How many call it valid; None while labels are due."""


def item_list(store: Store, lead: Annotator, sample_number: int | None = None) -> list[ListedItem]:
    """All dialogues of a sample in the order they were drawn; for the lead only."""
    accounts.require_lead(lead)
    with store.reading() as connection:
        sample = reported_sample(connection, sample_number)
        if sample is None:
            return []
        counts = assignment_rows.counts_by_item(connection, sample.id, COUNTED)
        current = label_rows.item_labels(connection, sample.id)
    votes, decided = votes_by_item(current), decisions(current)
    listed = []
    for item_id, count in counts.items():
        cast = votes.get(item_id, [])
        complete = len(cast) >= sample.overlap
        state = "open" if not cast else "under way"
        if complete:
            state = "agreed" if not is_split(cast) else "decided" if item_id in decided else "split"
        listed.append(
            ListedItem(
                item_id=item_id,
                dialogue_id=count.key.removeprefix(f"{sample.id}:"),
                trait_level=count.stratum,
                automatic=count.state,
                labels=len(cast),
                wanted=sample.overlap,
                state=state,
                valid=sum(vote.value == "yes" for vote in cast) if complete else None,
            )
        )
    return listed


def dialogue_of(store: Store, lead: Annotator, item_id: int) -> list[tuple[str, str]]:
    """The turns of an item: (speaker, text); for the lead only."""
    accounts.require_lead(lead)
    with store.reading() as connection:
        content = item_contents(connection, [item_id]).get(item_id, {})
    return [(SPEAKERS[turn["role"]], turn["text"]) for turn in content.get("turns", ())]
