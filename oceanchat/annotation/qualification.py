"""Qualify annotators before they validate or rate.

They describe the traits and practice before they validate, and describe styles before they rate. Descriptions
are stored for the lead. The reason for the right answer of a practice item is shown only after it was
answered. Who falls short answers the wrong items a second time; who still falls short waits for the lead, who
sees which were wrong and may admit them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, NamedTuple

from sqlalchemy import Connection

from oceanchat.annotation import accounts, labels
from oceanchat.annotation.guidelines import PRACTICE_ITEMS, known_items, style_items
from oceanchat.annotation.labels import PRACTICE_TRIES, PresentedItem
from oceanchat.prompts import Prompts
from oceanchat.store import annotators as annotator_rows
from oceanchat.store import assignments as assignment_rows
from oceanchat.store import labels as label_rows
from oceanchat.store import presentations as presentation_rows
from oceanchat.store.annotators import Annotator
from oceanchat.store.assignments import Assignment
from oceanchat.store.database import Store
from oceanchat.store.labels import ItemLabel
from oceanchat.store.presentations import Answers
from oceanchat.store.samples import Item, ensure_items, item_contents
from oceanchat.traits import TRAITS

PASS_MARK = 0.8
"""Share of practice items that must be right in both criteria, at the first or the second try."""
Stage = Literal["describe", "practice", "again", "waiting", "ready"]


class PracticeScore(NamedTuple):
    """How many practice items were right."""

    right: int
    """At the first or the second try."""
    answered: int
    total: int
    first_right: int = 0
    """At the first try."""
    wrong_at_first: tuple[int, ...] = ()
    """Ids of the items."""


@dataclass(frozen=True)
class QualificationStatus:
    """How far an annotator is in the qualification."""

    stage: Stage
    item: PresentedItem | None
    """The item to answer next; None before the first one is begun."""
    score: PracticeScore
    done: int
    """Answered items of this stage."""
    total: int


class _Step(NamedTuple):
    """How far an annotator is, without anything being presented."""

    stage: Stage
    assignment: Assignment | None
    """To answer next."""
    score: PracticeScore
    done: int
    total: int

    @property
    def started(self) -> bool:
        """Whether anything was answered yet, of this stage or one before."""
        return self.stage != "describe" or self.done > 0


def status(store: Store, account: Annotator, prompts: Prompts, *, begin: bool = True) -> QualificationStatus:
    """How far an annotator is; assigns the practice on the first visit and admits them once they pass.

    Without `begin` there is no item until the first one was presented: the guidelines come before it.
    """
    if account.admitted_at is not None:
        return QualificationStatus("ready", None, PracticeScore(0, 0, 0), 0, 0)
    _assign(store, account, prompts)
    step = _step(store, account)
    if step.stage == "ready":
        accounts.admit(store, account)
    item = None
    if step.assignment is not None and (begin or step.started or _has_begun(store, step.assignment)):
        item = labels.show(store, account, step.assignment)
        if step.stage == "again":
            item = replace(item, answers={}, unsaved=None)
    return QualificationStatus(step.stage, item, step.score, step.done, step.total)


def waits_for_lead(store: Store, account: Annotator) -> bool:
    """Whether somebody who is not admitted has answered all there is, and only the lead can let them in."""
    return account.admitted_at is None and _step(store, account).stage == "waiting"


def _step(store: Store, account: Annotator) -> _Step:
    with store.reading() as connection:
        describe = assignment_rows.qualification_assignments(connection, account.id, "describe")
        practice = assignment_rows.qualification_assignments(connection, account.id, "practice")
        score = _score(connection, account.id, len(practice))
    passed = score.right >= PASS_MARK * score.total
    wrong = [] if passed else [each for each in practice if each.item.id in score.wrong_at_first]
    stages: tuple[tuple[Stage, list[Assignment], int], ...] = (
        ("describe", describe, 1),
        ("practice", practice, 1),
        ("again", wrong, PRACTICE_TRIES),
    )
    for stage, assignments, tries in stages:
        remaining = [assignment for assignment in assignments if assignment.revision < tries]
        if remaining:
            done = len(assignments) - len(remaining)
            return _Step(stage, remaining[0], score, done, len(assignments))
    return _Step("ready" if passed else "waiting", None, score, score.total, score.total)


def _has_begun(store: Store, assignment: Assignment) -> bool:
    """Whether an item was presented already."""
    with store.reading() as connection:
        return presentation_rows.open_presentation(connection, assignment.id) is not None


def _assign(store: Store, account: Annotator, prompts: Prompts) -> None:
    with store.reading() as connection:
        if assignment_rows.qualification_assignments(connection, account.id, "practice"):
            return
    describe = [
        Item("describe", f"describe:{trait.value}", "", {"trait": trait.value, "label": trait.label})
        for trait in TRAITS
    ]
    practice = [known.item("practice", "practice:") for known in known_items(prompts)[:PRACTICE_ITEMS]]
    _assign_items(store, account, describe, practice)


def _assign_items(store: Store, account: Annotator, *groups: list[Item]) -> None:
    with store.writing() as connection:
        ids = ensure_items(connection, [item for group in groups for item in group])
        rows = [
            {
                "item_id": ids[item.key],
                "annotator_id": account.id,
                "purpose": item.kind,
                "slot": account.id,
                "position": float(position),
            }
            for group in groups
            for position, item in enumerate(group)
        ]
        assignment_rows.add_assignments(connection, rows)


STYLE = "style"
"""The kind and the purpose of what is described before models are rated."""


class StyleStatus(NamedTuple):
    """How far an annotator is with the styles that they expect of models."""

    item: PresentedItem | None
    """To describe next; None when all are described, and before the first one is begun."""
    done: int
    total: int


def style_status(store: Store, account: Annotator, prompts: Prompts, *, begin: bool = True) -> StyleStatus:
    """How far an annotator is with describing what to expect of each trait-level; assigned on the first
    visit, and with `begin` as in `status`."""
    assigned = _styles(store, account)
    if not assigned:
        _assign_items(store, account, [item.item(STYLE) for item in style_items(prompts)])
        assigned = _styles(store, account)
    remaining = [assignment for assignment in assigned if not assignment.revision]
    done = len(assigned) - len(remaining)
    shown = remaining and (begin or done or _has_begun(store, remaining[0]))
    item = labels.show(store, account, remaining[0]) if shown else None
    return StyleStatus(item, done, len(assigned))


def last_style(store: Store, account: Annotator) -> ItemLabel | None:
    """The last style that an annotator described, with ours in its answer key."""
    with store.reading() as connection:
        current = label_rows.item_labels(connection, None)
    own = [label for label in current if (label.annotator_id, label.purpose) == (account.id, STYLE)]
    return max(own, key=lambda label: label.label_id, default=None)


def _styles(store: Store, account: Annotator) -> list[Assignment]:
    with store.reading() as connection:
        return assignment_rows.qualification_assignments(connection, account.id, STYLE)


def _practice_labels(current: list[ItemLabel], annotator_id: int) -> list[ItemLabel]:
    return [label for label in current if label.annotator_id == annotator_id and label.purpose == "practice"]


def _score(connection: Connection, annotator_id: int, total: int) -> PracticeScore:
    current = label_rows.item_labels(connection, None)
    return _score_of(current, label_rows.first_answers(connection, "practice"), annotator_id, total)


def _score_of(
    current: list[ItemLabel], first: Mapping[int, Answers], annotator_id: int, total: int
) -> PracticeScore:
    own = _practice_labels(current, annotator_id)
    wrong = tuple(label.item_id for label in own if not _matches(label, first[label.assignment_id]))
    return PracticeScore(sum(is_right(label) for label in own), len(own), total, len(own) - len(wrong), wrong)


def is_right(label: ItemLabel) -> bool:
    """Whether every answer to an item with known answers is the known one."""
    return _matches(label, label.answers)


def _matches(label: ItemLabel, answers: Answers) -> bool:
    known = {} if label.answer_key is None else label.answer_key["answers"]
    return all(answers.get(name) == answer for name, answer in known.items())


def last_practice(store: Store, account: Annotator) -> ItemLabel | None:
    """The last practice label of an annotator, with the known answers and the reason for them."""
    with store.reading() as connection:
        current = label_rows.item_labels(connection, None)
    return max(_practice_labels(current, account.id), key=lambda label: label.label_id, default=None)


class WrongAnswer(NamedTuple):
    """A practice item that was wrong at first."""

    trait_level: str
    opening: str
    """The first words of its dialogue."""
    given: Answers
    """At first."""
    known: Answers
    tried_again: bool
    right_now: bool
    """At the second try."""


class QualificationRecord(NamedTuple):
    """One annotator's qualification, for the lead."""

    annotator: Annotator
    score: PracticeScore
    descriptions: dict[str, dict[str, str]]
    """Trait's name -> the descriptions of 'high' and 'low'."""
    wrong: tuple[WrongAnswer, ...]
    styles: dict[str, dict[str, str]]
    """The same of the styles expected of models."""


def overview(store: Store, lead: Annotator) -> list[QualificationRecord]:
    """All annotators' qualification; for the lead only."""
    accounts.require_lead(lead)
    with store.reading() as connection:
        current = label_rows.item_labels(connection, None)
        first = label_rows.first_answers(connection, "practice")
        contents = item_contents(connection, {label.item_id for label in current})
        annotators = [a for a in annotator_rows.everyone(connection) if a.role == "annotator"]
    total = len({label.item_id for label in current if label.purpose == "practice"})
    return [
        QualificationRecord(
            account,
            _score_of(current, first, account.id, total),
            _described(current, contents, account.id, "describe"),
            tuple(
                _wrong_answer(label, first[label.assignment_id], contents[label.item_id])
                for label in _practice_labels(current, account.id)
                if not _matches(label, first[label.assignment_id])
            ),
            _described(current, contents, account.id, STYLE),
        )
        for account in annotators
    ]


def _described(
    current: list[ItemLabel], contents: Mapping[int, Mapping[str, Any]], annotator_id: int, purpose: str
) -> dict[str, dict[str, str]]:
    """Trait's name -> what somebody wrote of 'high' and 'low'."""
    return {
        contents[label.item_id]["label"]: dict(label.answers)
        for label in current
        if label.annotator_id == annotator_id and label.purpose == purpose
    }


def _wrong_answer(label: ItemLabel, given: Answers, content: Mapping[str, Any]) -> WrongAnswer:
    opening = str(content["turns"][0]["text"])
    known = {} if label.answer_key is None else label.answer_key["answers"]
    tried_again = label.revision >= PRACTICE_TRIES
    return WrongAnswer(label.stratum, opening, given, known, tried_again, is_right(label))
