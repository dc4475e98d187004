"""Present an item, save its draft and label.

Each presentation has a token of its own, and a label answers one token: sending the same answers twice, from
two tabs or after a restart gives the same receipt and no second label; other answers under a used token are a
conflict, and become a draft. A receipt is read back from the database after the commit. Annotators can open
only their own assignments.
"""

import math
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from sqlalchemy import Connection

from oceanchat.annotation.tasks import DESCRIBE, PRACTICE, RATE, STYLE, TALK, Task, task_named
from oceanchat.errors import AnnotationError
from oceanchat.store import assignments as assignment_rows
from oceanchat.store import conversations as conversation_rows
from oceanchat.store import labels as label_rows
from oceanchat.store import presentations as presentation_rows
from oceanchat.store import second_looks as second_look_rows
from oceanchat.store.annotators import Annotator
from oceanchat.store.assignments import ROUTINE, Assignment, assignment_by_id
from oceanchat.store.conversations import CONVERSATION
from oceanchat.store.database import Store
from oceanchat.store.labels import Label
from oceanchat.store.presentations import Answers, Presentation
from oceanchat.store.samples import latest_sample

PRACTICE_TRIES = 2
"""How often a practice item can be answered."""
IDLE_CAP = 4 * 3600.0
"""No label counts more active seconds than this, whatever a browser claims."""


class TooSoon(AnnotationError):
    """A label saved before anybody could have read the item."""

    def __init__(self, wait: float) -> None:
        super().__init__(
            f"that was quicker than reading it takes; please read on, you can save in {math.ceil(wait)} s"
        )
        self.wait = wait


class Conflict(AnnotationError):
    """Answers to an item that was answered otherwise under the same token, in another tab or window."""

    def __init__(self, assignment_id: int) -> None:
        super().__init__(
            "this item was answered in another tab or window, with other answers; what you gave here is not"
            " saved, it is stored as a draft: open the item again to compare"
        )
        self.assignment_id = assignment_id


@dataclass(frozen=True)
class PresentedItem:
    """An item presented to an annotator."""

    assignment: Assignment
    task: Task
    token: str
    answers: Answers
    """What is saved, or else the draft, or nothing."""
    unsaved: Answers | None
    """A draft that differs from what is saved."""
    active_seconds: float
    """On the item so far in this presentation."""
    note: str | None
    """What the lead writes of an item that is to be looked at again; None for any other."""


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
    if assignment.purpose == "style":
        return STYLE
    return RATE if assignment.item.kind == CONVERSATION else task_named("validate")


def open_task(connection: Connection, assignment: Assignment) -> Task:
    """The questions that are open: of a conversation that is not over, only what to say next."""
    if assignment.item.kind != CONVERSATION:
        return task_of(assignment)
    held = conversation_rows.conversation_for(connection, assignment.item.id, assignment.annotator_id)
    return RATE if held is not None and held.finished_at is not None else TALK


def next_item(store: Store, account: Annotator, sample_number: int | None = None) -> PresentedItem | None:
    """Present the next item in someone's order; None when all are answered or there is no sample."""
    with store.reading() as connection:
        sample = latest_sample(connection, number=sample_number)
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
        draft = presentation_rows.draft(connection, assignment.id)
        label = label_rows.current_label(connection, assignment.id)
        note = (
            second_look_rows.last_note(connection, assignment.id) if assignment.answered_at is None else None
        )
        task = open_task(connection, assignment)
    token = presentation.token if presentation is not None else _present(store, assignment)
    stored = None if label is None else label.answers
    drafted = None if draft is None else draft.answers
    return PresentedItem(
        assignment,
        task,
        token,
        answers=stored or drafted or {},
        unsaved=drafted if stored is not None and drafted != stored else None,
        active_seconds=0.0 if draft is None else draft.active_seconds,
        note=note,
    )


def looked_at(assignment: Assignment, token: str) -> PresentedItem:
    """An item that is shown and not asked about, under a token that answers nothing."""
    return PresentedItem(assignment, task_of(assignment), token, {}, None, 0.0, None)


def _present(store: Store, assignment: Assignment) -> str:
    token = secrets.token_urlsafe(18)
    with store.writing() as connection:
        if assignment_rows.lock_assignment(connection, assignment.id) is None:
            raise AnnotationError("this item has been reassigned to another annotator; reload the page")
        presentation_rows.add_presentation(connection, token, assignment.id, time.time())
    return token


def own_assignment(store: Store, account: Annotator, assignment_id: int) -> Assignment:
    """One of someone's own assignments; AnnotationError for any other, whether it exists or not."""
    with store.reading() as connection:
        assignment = assignment_rows.assignment_by_id(connection, assignment_id)
    if assignment is None or assignment.annotator_id != account.id:
        raise AnnotationError("this item is not in your list; go on with the next one")
    return assignment


def save_draft(
    store: Store, account: Annotator, token: str, answers: Mapping[str, object], active_seconds: float = 0.0
) -> int | None:
    """Save the answers given so far and the time spent; the assignment when it has been answered meanwhile,
    in which case nothing is saved."""
    moment = time.time()
    with store.writing() as connection:
        presentation, assignment = locked_presentation(connection, account, token)
        if presentation.answered_at is not None:
            return assignment.id
        draft = open_task(connection, assignment).draft(answers)
        active = _active(connection, presentation, active_seconds, moment)
        presentation_rows.put_draft(connection, assignment.id, draft, moment, active)
    return None


def _active(connection: Connection, presentation: Presentation, claimed: float, moment: float) -> float:
    """Seconds on the item: what the browser claims or claimed before, as far as so much time has passed."""
    draft = presentation_rows.draft(connection, presentation.assignment_id)
    longest = max(claimed, 0.0 if draft is None else draft.active_seconds, 0.0)
    return min(longest, _wall(presentation, moment) or longest, IDLE_CAP)


def _wall(presentation: Presentation, moment: float) -> float | None:
    """Seconds since the presentation; None where the clock was put back meanwhile."""
    return moment - presentation.presented_at if moment >= presentation.presented_at else None


class LockedPresentation(NamedTuple):
    """What a token stands for, with every other writer kept out of it."""

    presentation: Presentation
    assignment: Assignment


def locked_presentation(connection: Connection, account: Annotator, token: str) -> LockedPresentation:
    """The presentation of a token with its assignment, locked; AnnotationError unless it is someone's own."""
    presentation = presentation_rows.presentation_of_token(connection, token)
    if presentation is not None:
        assignment = assignment_rows.lock_assignment(connection, presentation.assignment_id)
        if assignment is not None and assignment.annotator_id == account.id:
            return LockedPresentation(presentation, assignment)
    raise AnnotationError(_REASSIGNED)


_REASSIGNED = (
    "this item is no longer yours to answer, it was reassigned to another annotator; reload the page"
)


_LOCKED = "the scores open after the model's last answer; go on with the conversation"


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

    Raises AnnotationError for incomplete answers, an item assigned to someone else and a conversation that is
    not over, Conflict for other
    answers than those saved under the token, TooSoon for a label that came before the sample's minimum time
    (which is recorded).
    """
    moment = time.time() if now is None else now
    refusal: AnnotationError | None = None  # raised once what belongs to it is committed
    with store.writing() as connection:
        presentation, assignment = locked_presentation(connection, account, token)
        if account.retired_at is not None:
            raise AnnotationError(_REASSIGNED)
        label = label_rows.label_of_presentation(connection, token)
        if label is not None:
            refusal = _conflict(connection, assignment, label, answers, moment)
        else:
            if open_task(connection, assignment) is TALK:
                raise AnnotationError(_LOCKED)
            checked = _checked(assignment, answers)
            wall = _wall(presentation, moment)
            wait = 0.0 if wall is None else _min_seconds(connection, assignment) - wall
            if wait > 0:
                presentation_rows.add_rejected_submission(connection, account.id, "too-fast", moment)
                refusal = TooSoon(wait)
            else:
                label_rows.add_label(
                    connection,
                    assignment,
                    token,
                    checked,
                    value=task_of(assignment).value(checked),
                    active_seconds=_active(connection, presentation, active_seconds, moment),
                    wall_seconds=wall or 0.0,
                    now=moment,
                )
                _present_next(connection, account, assignment, moment)
    if refusal is not None:
        raise refusal
    return _receipt(store, account, token)


def _conflict(
    connection: Connection, assignment: Assignment, label: Label, answers: Mapping[str, object], moment: float
) -> Conflict | None:
    """None for answers that are saved already; others become the draft, over what is saved."""
    given = task_of(assignment).tidy(answers)
    if given == label.answers:
        return None
    presentation_rows.put_draft(connection, assignment.id, given, moment)
    return Conflict(assignment.id)


def _present_next(connection: Connection, account: Annotator, assignment: Assignment, moment: float) -> None:
    """Present the next item in the same transaction: one write to disk a click instead of two."""
    following = (
        assignment_rows.next_assignment(connection, account.id, assignment.item.sample_id)
        if assignment.purpose in ROUTINE
        and assignment.item.kind != CONVERSATION
        and assignment.item.sample_id is not None
        else None
    )
    # Waiting for the lock could deadlock with another tab, and the item may be moving to someone else.
    if following is None or not assignment_rows.lock_if_free(connection, following.id):
        return
    if presentation_rows.open_presentation(connection, following.id) is None:
        presentation_rows.add_presentation(connection, secrets.token_urlsafe(18), following.id, moment)


def _checked(assignment: Assignment, answers: Mapping[str, object]) -> dict[str, str]:
    if assignment.purpose == "practice" and assignment.revision >= PRACTICE_TRIES:
        raise AnnotationError("practice answers cannot be changed; go on with the next item")
    return task_of(assignment).check(answers)


def _min_seconds(connection: Connection, assignment: Assignment) -> float:
    if assignment.purpose not in ROUTINE or assignment.revision:
        return 0.0
    sample = latest_sample(connection, number=assignment.item.sample_id)
    return 0.0 if sample is None else float(sample.settings["min_seconds"])


def _receipt(store: Store, account: Annotator, token: str) -> Receipt:
    with store.reading() as connection:
        label = label_rows.label_of_presentation(connection, token)
        assignment = None if label is None else assignment_by_id(connection, label.assignment_id)
        number = None if assignment is None else assignment.item.sample_id
        done, total = _progress(connection, account, number)
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


def progress(store: Store, account: Annotator, sample_number: int | None = None) -> tuple[int, int]:
    """(answered, all) items of someone in a sample; None: in the newest."""
    with store.reading() as connection:
        return _progress(connection, account, sample_number)


def _progress(connection: Connection, account: Annotator, number: int | None) -> tuple[int, int]:
    sample = latest_sample(connection, number=number)
    return (0, 0) if sample is None else assignment_rows.progress(connection, account.id, sample.id)
