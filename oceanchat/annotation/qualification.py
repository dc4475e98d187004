"""Qualification: describe what each trait looks like, then practise on items whose answers are known.

Descriptions are kept for the lead. Practice answers count as first given, and why an answer is right is
shown only after it. Who falls short waits for the lead, who may admit them.
"""

import hashlib
from dataclasses import dataclass
from typing import Literal, NamedTuple

from oceanchat.annotation import accounts
from oceanchat.annotation import labels as labelling
from oceanchat.annotation.guidelines import PRACTISED, known_items
from oceanchat.annotation.labels import Shown
from oceanchat.prompts import Prompts
from oceanchat.store import annotators as account_rows
from oceanchat.store import assignments as seat_rows
from oceanchat.store import labels as annotation_rows
from oceanchat.store.annotators import Annotator
from oceanchat.store.assignments import Item
from oceanchat.store.database import Store
from oceanchat.store.labels import Judgement
from oceanchat.traits import TRAITS

PASS_MARK = 0.8
"""Share of practice items that must be right in both criteria."""
Stage = Literal["describe", "practice", "waiting", "ready"]


class Score(NamedTuple):
    """How the practice went."""

    right: int
    answered: int
    total: int


@dataclass(frozen=True)
class Standing:
    """Where someone is in the qualification."""

    stage: Stage
    shown: Shown | None
    """What to answer next."""
    score: Score
    done: int
    """Steps of this stage that are answered."""
    total: int


def standing(store: Store, account: Annotator, prompts: Prompts) -> Standing:
    """Where someone is; sets up their practice on the first visit and admits them once they pass."""
    if account.admitted is not None:
        return Standing("ready", None, Score(0, 0, 0), 0, 0)
    _set_up(store, account, prompts)
    with store.reading() as connection:
        describe = seat_rows.person_seats(connection, account.id, "describe")
        practice = seat_rows.person_seats(connection, account.id, "practice")
        score = _score(annotation_rows.judgements(connection, None), account.id, len(practice))
    stages: tuple[tuple[Stage, list[seat_rows.Seat]], ...] = (("describe", describe), ("practice", practice))
    for stage, seats in stages:
        waiting = [seat for seat in seats if seat.answered is None]
        if waiting:
            shown = labelling.show(store, account, waiting[0])
            return Standing(stage, shown, score, len(seats) - len(waiting), len(seats))
    if score.right >= PASS_MARK * score.total:
        accounts.admit(store, account)
        return Standing("ready", None, score, score.total, score.total)
    return Standing("waiting", None, score, score.total, score.total)


def _set_up(store: Store, account: Annotator, prompts: Prompts) -> None:
    with store.reading() as connection:
        if seat_rows.person_seats(connection, account.id, "practice"):
            return
    describe = [
        Item("describe", f"describe:{trait.value}", "", {"trait": trait.value, "label": trait.label})
        for trait in TRAITS
    ]
    practice = [known.item("practice", "practice:") for known in known_items(prompts)[:PRACTISED]]
    with store.writing() as connection:
        ids = seat_rows.ensure_items(connection, [*describe, *practice])
        rows = [
            {
                "item_id": ids[item.key],
                "annotator_id": account.id,
                "purpose": item.kind,
                "slot": account.id,
                "position": float(place),
            }
            for group in (describe, practice)
            for place, item in enumerate(group)
        ]
        seat_rows.add_seats(connection, rows)


def _score(found: list[Judgement], annotator_id: int, total: int) -> Score:
    own = [one for one in found if one.annotator_id == annotator_id and one.purpose == "practice"]
    return Score(sum(is_right(one) for one in own), len(own), total)


def is_right(judgement: Judgement) -> bool:
    """Whether every answer to an item with known answers is the known one."""
    known = {} if judgement.known is None else judgement.known["answers"]
    return all(judgement.answers.get(name) == answer for name, answer in known.items())


def practised(store: Store, account: Annotator) -> Judgement | None:
    """The practice item someone answered last, with its known answers and why."""
    with store.reading() as connection:
        found = annotation_rows.judgements(connection, None)
    own = [one for one in found if one.annotator_id == account.id and one.purpose == "practice"]
    return max(own, key=lambda one: one.saved, default=None)


class Qualified(NamedTuple):
    """One annotator's qualification, for the lead."""

    annotator: Annotator
    score: Score
    descriptions: dict[str, dict[str, str]]
    """Trait's name -> 'high' and 'low' as described."""


def overview(store: Store, lead: Annotator) -> list[Qualified]:
    """Everyone's qualification; for the lead only."""
    accounts.require_lead(lead)
    with store.reading() as connection:
        found = annotation_rows.judgements(connection, None)
        everyone = account_rows.everyone(connection)
    practised_on = len({one.item_id for one in found if one.purpose == "practice"})
    return [
        Qualified(
            person,
            _score(found, person.id, practised_on),
            {
                one.content["label"]: dict(one.answers)
                for one in found
                if one.annotator_id == person.id and one.purpose == "describe"
            },
        )
        for person in everyone
        if person.role == "annotator"
    ]


def fingerprint(prompts: Prompts) -> str:
    """What the guidelines were, for the report."""
    return hashlib.sha256(prompts.read("guidelines.md").encode("utf-8")).hexdigest()[:12]
