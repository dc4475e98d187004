"""Look back at labels, and withdraw them.

The order is that in which labels were saved, by their rows: a clock that is put back changes nothing. A
withdrawal is a revision without answers, and the answers come back as the draft.
"""

import secrets
import time
from typing import NamedTuple

from sqlalchemy import Connection

from oceanchat.annotation import accounts
from oceanchat.errors import AnnotationError
from oceanchat.store import assignments as assignment_rows
from oceanchat.store import labels as label_rows
from oceanchat.store import presentations as presentation_rows
from oceanchat.store import second_looks as second_look_rows
from oceanchat.store.annotators import Annotator
from oceanchat.store.assignments import COUNTED, Assignment
from oceanchat.store.database import Store
from oceanchat.store.labels import Label
from oceanchat.store.samples import latest_sample

MAX_NOTE = 500
"""Characters that a lead may write beside an item that is sent back."""


class Neighbours(NamedTuple):
    """The assignments that someone answered before and after one."""

    back: int | None
    next: int | None


def neighbours(
    store: Store, account: Annotator, assignment_id: int | None = None, sample_number: int | None = None
) -> Neighbours:
    """The answered assignments around one in the order of saving; None: around the end of the list."""
    with store.reading() as connection:
        sample = latest_sample(connection, number=sample_number)
        if sample is None:
            return Neighbours(None, None)
        label = None if assignment_id is None else label_rows.current_label(connection, assignment_id)
        at = None if label is None or label.answers is None else label.id
        back = label_rows.answered_before(connection, account.id, sample.id, at)
        after = None if at is None else label_rows.answered_after(connection, account.id, sample.id, at)
    return Neighbours(back, after)


def last_label(store: Store, account: Annotator, sample_number: int | None = None) -> Label | None:
    """The label someone saved last, as stored."""
    back = neighbours(store, account, None, sample_number).back
    if back is None:
        return None
    with store.reading() as connection:
        return label_rows.current_label(connection, back)


def undo(store: Store, account: Annotator, token: str, *, now: float | None = None) -> Assignment:
    """Withdraw the label that was saved under a token, once however often it is asked.

    Raises AnnotationError when the item is not this annotator's any more, or has been labeled again since.
    """
    if account.retired_at is not None:
        raise AnnotationError("this account is closed; its labels stay as they are")
    moment = time.time() if now is None else now
    with store.writing() as connection:
        label = label_rows.label_of_presentation(connection, token)
        assignment = (
            None if label is None else assignment_rows.lock_assignment(connection, label.assignment_id)
        )
        if label is None or assignment is None or assignment.annotator_id != account.id:
            raise AnnotationError("that label is not yours to withdraw; reload the page")
        if assignment.purpose == "practice":
            raise AnnotationError("practice answers cannot be withdrawn; go on with the next item")
        current = label_rows.current_label(connection, assignment.id)
        if current is not None and current.answers is not None:
            if current.id != label.id:
                raise AnnotationError("that item has been answered again since; reload the page")
            _withdraw(connection, assignment, current, moment)
    with store.reading() as connection:
        withdrawn = assignment_rows.assignment_by_id(connection, assignment.id)
    assert withdrawn is not None  # a labeled assignment is never deleted
    return withdrawn


def _withdraw(connection: Connection, assignment: Assignment, label: Label, moment: float) -> None:
    token = secrets.token_urlsafe(18)
    presentation_rows.add_presentation(connection, token, assignment.id, moment)
    label_rows.add_label(
        connection, assignment, token, None, value=None, active_seconds=0.0, wall_seconds=0.0, now=moment
    )
    presentation_rows.put_draft(connection, assignment.id, label.answers or {}, moment)


def send_back(store: Store, lead: Annotator, item_id: int, note: str = "") -> int:
    """Ask the annotators of an item to look at it again; returns how many labels were withdrawn.

    Each gets their own answers back as a draft, with the lead's note and nothing of anybody else's.
    Annotators who have left are not asked: their labels stay. Raises AnnotationError for an item without a
    label.
    """
    accounts.require_lead(lead)
    moment = time.time()
    asked = 0
    with store.writing() as connection:
        for assignment_id in assignment_rows.labelled_assignments(connection, item_id, COUNTED):
            assignment = assignment_rows.lock_assignment(connection, assignment_id)
            label = label_rows.current_label(connection, assignment_id)
            if assignment is None or label is None or label.answers is None:
                continue
            _withdraw(connection, assignment, label, moment)
            second_look_rows.add_second_look(
                connection, assignment_id, lead.id, " ".join(note.split())[:MAX_NOTE], moment
            )
            asked += 1
    if not asked:
        raise AnnotationError(
            "nothing to send back: nobody who is still there has a label on this item;"
            " one that was sent back comes again once it is saved"
        )
    return asked
