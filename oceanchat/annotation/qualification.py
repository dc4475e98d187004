"""Describe the traits, then practice, before validating.

Descriptions are stored for the lead. Practice answers count as first given, and the reason for the right
answer is shown only afterwards. Annotators who fall short wait for the lead, who may admit them.
"""

import hashlib
from dataclasses import dataclass
from typing import Literal, NamedTuple

from oceanchat.annotation import accounts, labels
from oceanchat.annotation.guidelines import PRACTICE_ITEMS, known_items
from oceanchat.annotation.labels import PresentedItem
from oceanchat.prompts import Prompts
from oceanchat.store import annotators as annotator_rows
from oceanchat.store import assignments as assignment_rows
from oceanchat.store import labels as label_rows
from oceanchat.store.annotators import Annotator
from oceanchat.store.assignments import Assignment
from oceanchat.store.database import Store
from oceanchat.store.labels import ItemLabel
from oceanchat.store.samples import Item, ensure_items
from oceanchat.traits import TRAITS

PASS_MARK = 0.8
"""Share of practice items that must be right in both criteria."""
Stage = Literal["describe", "practice", "waiting", "ready"]


class PracticeScore(NamedTuple):
    """How many practice items were right."""

    right: int
    answered: int
    total: int


@dataclass(frozen=True)
class QualificationStatus:
    """How far an annotator is in the qualification."""

    stage: Stage
    item: PresentedItem | None
    """The item to answer next."""
    score: PracticeScore
    done: int
    """Answered items of this stage."""
    total: int


def status(store: Store, account: Annotator, prompts: Prompts) -> QualificationStatus:
    """How far an annotator is; assigns the practice on the first visit and admits them once they pass."""
    if account.admitted_at is not None:
        return QualificationStatus("ready", None, PracticeScore(0, 0, 0), 0, 0)
    _assign(store, account, prompts)
    with store.reading() as connection:
        describe = assignment_rows.qualification_assignments(connection, account.id, "describe")
        practice = assignment_rows.qualification_assignments(connection, account.id, "practice")
        score = _score(label_rows.item_labels(connection, None), account.id, len(practice))
    stages: tuple[tuple[Stage, list[Assignment]], ...] = (("describe", describe), ("practice", practice))
    for stage, assignments in stages:
        remaining = [assignment for assignment in assignments if assignment.answered_at is None]
        if remaining:
            item = labels.show(store, account, remaining[0])
            return QualificationStatus(
                stage, item, score, len(assignments) - len(remaining), len(assignments)
            )
    if score.right >= PASS_MARK * score.total:
        accounts.admit(store, account)
        return QualificationStatus("ready", None, score, score.total, score.total)
    return QualificationStatus("waiting", None, score, score.total, score.total)


def _assign(store: Store, account: Annotator, prompts: Prompts) -> None:
    with store.reading() as connection:
        if assignment_rows.qualification_assignments(connection, account.id, "practice"):
            return
    describe = [
        Item("describe", f"describe:{trait.value}", "", {"trait": trait.value, "label": trait.label})
        for trait in TRAITS
    ]
    practice = [known.item("practice", "practice:") for known in known_items(prompts)[:PRACTICE_ITEMS]]
    with store.writing() as connection:
        ids = ensure_items(connection, [*describe, *practice])
        rows = [
            {
                "item_id": ids[item.key],
                "annotator_id": account.id,
                "purpose": item.kind,
                "slot": account.id,
                "position": float(position),
            }
            for group in (describe, practice)
            for position, item in enumerate(group)
        ]
        assignment_rows.add_assignments(connection, rows)


def _practice_labels(current: list[ItemLabel], annotator_id: int) -> list[ItemLabel]:
    return [label for label in current if label.annotator_id == annotator_id and label.purpose == "practice"]


def _score(current: list[ItemLabel], annotator_id: int, total: int) -> PracticeScore:
    own = _practice_labels(current, annotator_id)
    return PracticeScore(sum(is_right(label) for label in own), len(own), total)


def is_right(label: ItemLabel) -> bool:
    """Whether every answer to an item with known answers is the known one."""
    known = {} if label.answer_key is None else label.answer_key["answers"]
    return all(label.answers.get(name) == answer for name, answer in known.items())


def last_practice(store: Store, account: Annotator) -> ItemLabel | None:
    """The last practice label of an annotator, with the known answers and the reason for them."""
    with store.reading() as connection:
        current = label_rows.item_labels(connection, None)
    return max(_practice_labels(current, account.id), key=lambda label: label.saved_at, default=None)


class QualificationRecord(NamedTuple):
    """One annotator's qualification, for the lead."""

    annotator: Annotator
    score: PracticeScore
    descriptions: dict[str, dict[str, str]]
    """Trait's name -> the descriptions of 'high' and 'low'."""


def overview(store: Store, lead: Annotator) -> list[QualificationRecord]:
    """All annotators' qualification; for the lead only."""
    accounts.require_lead(lead)
    with store.reading() as connection:
        current = label_rows.item_labels(connection, None)
        annotators = [a for a in annotator_rows.everyone(connection) if a.role == "annotator"]
    total = len({label.item_id for label in current if label.purpose == "practice"})
    return [
        QualificationRecord(
            account,
            _score(current, account.id, total),
            {
                label.content["label"]: dict(label.answers)
                for label in current
                if label.annotator_id == account.id and label.purpose == "describe"
            },
        )
        for account in annotators
    ]


def fingerprint(prompts: Prompts) -> str:
    """A hash of the guidelines, for the report."""
    return hashlib.sha256(prompts.read("guidelines.md").encode("utf-8")).hexdigest()[:12]
