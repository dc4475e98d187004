"""Present an item, save its draft and label.

Each presentation has a token of its own, and a label answers one token: sending it twice, from two tabs or
after a restart gives the same receipt and no second label. A receipt is read back from the database after
the commit. Annotators can open only their own assignments.
"""

import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from sqlalchemy import Connection

from oceanchat.annotation.tasks import DESCRIBE, PRACTICE, Task, task_named
from oceanchat.errors import AnnotationError
from oceanchat.store import assignments as assignment_rows
from oceanchat.store import labels as label_rows
from oceanchat.store import presentations as presentation_rows
from oceanchat.store.annotators import Annotator
from oceanchat.store.assignments import ROUTINE, Assignment
from oceanchat.store.database import Store
from oceanchat.store.labels import Label
from oceanchat.store.presentations import Answers, Presentation
from oceanchat.store.samples import Sample, latest_sample

IDLE_CAP = 4 * 3600.0
"""No label counts more active seconds than this, whatever a browser claims."""


class TooSoon(AnnotationError):
    """A label saved before anybody could have read the item."""

    def __init__(self, wait: float) -> None:
        super().__init__(
            f"that was quicker than reading it takes; please read on, you can save in {wait:.0f} s"
        )
        self.wait = wait


@dataclass(frozen=True)
class PresentedItem:
    """An item presented to an annotator."""

    assignment: Assignment
    task: Task
    token: str
    answers: Answers
    """The draft, or what was saved before, or nothing."""


class Receipt(NamedTuple):
    """What the database holds after a label was saved."""

    assignment_id: int
    answers: Answers
    value: str
    revision: int
    saved_at: float
    """Seconds since 1970."""
    done: int
    """Items this annotator has answered."""
    total: int


def task_of(assignment: Assignment) -> Task:
    """The questions asked in an assignment."""
    if assignment.purpose == "practice":
        return PRACTICE
    if assignment.purpose == "describe":
        return DESCRIBE
    return task_named("validate")


def next_item(store: Store, account: Annotator) -> PresentedItem | None:
    """Present the next item in someone's order; None when all are answered or there is no sample."""
    with store.reading() as connection:
        sample = latest_sample(connection)
        if sample is None:
            return None
        assignment = assignment_rows.next_assignment(connection, account.id, sample.id)
    return None if assignment is None else show(store, account, assignment)


def show(store: Store, account: Annotator, assignment: Assignment) -> PresentedItem:
    """Present an item to its annotator, under the token of the open presentation or a new one."""
    if assignment.annotator_id != account.id:
        raise AnnotationError("this item is assigned to another annotator")
    with store.reading() as connection:
        presentation = presentation_rows.open_presentation(connection, assignment.id)
        answers = presentation_rows.draft(connection, assignment.id)
        if answers is None and assignment.answered_at is not None:
            label = label_rows.current_label(connection, assignment.id)
            answers = None if label is None else label.answers
    token = presentation.token if presentation is not None else _present(store, assignment)
    return PresentedItem(assignment, task_of(assignment), token, answers or {})


def _present(store: Store, assignment: Assignment) -> str:
    token = secrets.token_urlsafe(18)
    with store.writing() as connection:
        if assignment_rows.lock_assignment(connection, assignment.id) is None:
            raise AnnotationError("this item has been reassigned to another annotator; reload the page")
        presentation_rows.add_presentation(connection, token, assignment.id, time.time())
    return token


def earlier(store: Store, account: Annotator, before: float | None) -> Assignment | None:
    """The last assignment someone answered before a time; None: the last of all."""
    with store.reading() as connection:
        sample = latest_sample(connection)
        if sample is None:
            return None
        return assignment_rows.earlier_assignment(connection, account.id, sample.id, before)


def later(store: Store, account: Annotator, after: float) -> Assignment | None:
    """The first assignment someone answered after a time."""
    with store.reading() as connection:
        sample = latest_sample(connection)
        if sample is None:
            return None
        return assignment_rows.later_assignment(connection, account.id, sample.id, after)


def own_assignment(store: Store, account: Annotator, assignment_id: int) -> Assignment:
    """One of someone's own assignments; AnnotationError for any other, whether it exists or not."""
    with store.reading() as connection:
        assignment = assignment_rows.assignment_by_id(connection, assignment_id)
    if assignment is None or assignment.annotator_id != account.id:
        raise AnnotationError("this item is not in your list; go on with the next one")
    return assignment


def save_draft(store: Store, account: Annotator, token: str, answers: Mapping[str, object]) -> bool:
    """Save the answers given so far; False when the label was saved meanwhile and a draft is pointless."""
    with store.writing() as connection:
        presentation, assignment = _locked(connection, account, token)
        if presentation.answered_at is not None:
            return False
        draft = task_of(assignment).draft(answers)
        presentation_rows.put_draft(connection, assignment.id, draft, time.time())
    return True


class _Locked(NamedTuple):
    presentation: Presentation
    assignment: Assignment


def _locked(connection: Connection, account: Annotator, token: str) -> _Locked:
    """The presentation of a token with its assignment, locked; AnnotationError unless it is someone's own."""
    presentation = presentation_rows.presentation_of_token(connection, token)
    if presentation is not None:
        assignment = assignment_rows.lock_assignment(connection, presentation.assignment_id)
        if assignment is not None and assignment.annotator_id == account.id:
            return _Locked(presentation, assignment)
    raise AnnotationError(_REASSIGNED)


_REASSIGNED = (
    "this item is no longer yours to answer, it was reassigned to another annotator; reload the page"
)


def save(
    store: Store,
    account: Annotator,
    token: str,
    answers: Mapping[str, object],
    active_seconds: float = 0.0,
    *,
    now: float | None = None,
) -> Receipt:
    """Save the answers to the item presented under a token, once however often they are sent.

    Raises AnnotationError for incomplete answers and for an item assigned to someone else, TooSoon for a
    label that came before the sample's minimum time (which is recorded).
    """
    moment = time.time() if now is None else now
    with store.writing() as connection:
        presentation, assignment = _locked(connection, account, token)
        if account.retired_at is not None:
            raise AnnotationError(_REASSIGNED)
        wait = 0.0
        if label_rows.label_of_presentation(connection, token) is None:
            wall = max(0.0, moment - presentation.presented_at)
            checked = _checked(assignment, answers)
            wait = _min_seconds(latest_sample(connection), assignment) - wall
            if wait > 0:
                presentation_rows.add_rejected_submission(connection, account.id, "too-fast", moment)
            else:
                label_rows.add_label(
                    connection,
                    assignment,
                    token,
                    checked,
                    value=task_of(assignment).value(checked),
                    active_seconds=min(max(active_seconds, 0.0), wall, IDLE_CAP),
                    wall_seconds=wall,
                    now=moment,
                )
                _present_next(connection, account, assignment, moment)
    if wait > 0:
        raise TooSoon(wait)
    return _receipt(store, account, token)


def _present_next(connection: Connection, account: Annotator, assignment: Assignment, moment: float) -> None:
    """Present the next item in the same transaction: one write to disk a click instead of two."""
    following = (
        assignment_rows.next_assignment(connection, account.id, assignment.item.sample_id)
        if assignment.purpose in ROUTINE and assignment.item.sample_id is not None
        else None
    )
    # Waiting for the lock could deadlock with another tab, and the item may be moving to someone else.
    if following is None or not assignment_rows.lock_if_free(connection, following.id):
        return
    if presentation_rows.open_presentation(connection, following.id) is None:
        presentation_rows.add_presentation(connection, secrets.token_urlsafe(18), following.id, moment)


def _checked(assignment: Assignment, answers: Mapping[str, object]) -> dict[str, str]:
    if assignment.purpose == "practice" and assignment.revision:
        raise AnnotationError("practice answers cannot be changed; go on with the next item")
    return task_of(assignment).check(answers)


def _min_seconds(sample: Sample | None, assignment: Assignment) -> float:
    if assignment.purpose not in ROUTINE or assignment.revision:
        return 0.0
    return 0.0 if sample is None else float(sample.settings["min_seconds"])


def _receipt(store: Store, account: Annotator, token: str) -> Receipt:
    with store.reading() as connection:
        label = label_rows.label_of_presentation(connection, token)
        done, total = _progress(connection, account)
    receipt = None if label is None else receipt_of(label, done, total)
    if receipt is None:
        raise AnnotationError("the label is not in the database after saving; please save again")
    return receipt


def receipt_of(label: Label, done: int, total: int) -> Receipt | None:
    """The receipt of a label; None for a withdrawal."""
    if label.answers is None or label.value is None:
        return None
    return Receipt(
        label.assignment_id, label.answers, label.value, label.revision, label.saved_at, done, total
    )


def undo(store: Store, account: Annotator, *, now: float | None = None) -> Assignment | None:
    """Withdraw the last label by a revision without answers; its answers come back as the draft."""
    last = earlier(store, account, None)
    if last is None:
        return None
    moment = time.time() if now is None else now
    with store.writing() as connection:
        assignment = assignment_rows.lock_assignment(connection, last.id)
        label = label_rows.current_label(connection, last.id)
        if assignment is None or assignment.answered_at is None or label is None or label.answers is None:
            return None
        token = secrets.token_urlsafe(18)
        presentation_rows.add_presentation(connection, token, assignment.id, moment)
        label_rows.add_label(
            connection, assignment, token, None, value=None, active_seconds=0.0, wall_seconds=0.0, now=moment
        )
        presentation_rows.put_draft(connection, assignment.id, label.answers, moment)
    return own_assignment(store, account, last.id)


def last_label(store: Store, account: Annotator) -> Label | None:
    """The label someone saved last, as stored."""
    assignment = earlier(store, account, None)
    if assignment is None:
        return None
    with store.reading() as connection:
        return label_rows.current_label(connection, assignment.id)


def progress(store: Store, account: Annotator) -> tuple[int, int]:
    """(answered, all) items of someone in the newest sample."""
    with store.reading() as connection:
        return _progress(connection, account)


def _progress(connection: Connection, account: Annotator) -> tuple[int, int]:
    sample = latest_sample(connection)
    return (0, 0) if sample is None else assignment_rows.progress(connection, account.id, sample.id)
