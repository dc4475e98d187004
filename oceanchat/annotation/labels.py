"""Show an item, keep its draft, save its label: the way of every answer, whatever the task.

Each showing has a token of its own, and a label answers one token: sending it twice, from two tabs or after
a restart gives the same receipt and no second label. A receipt is read back from the database after the
commit. An annotator reaches own seats only.
"""

import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from sqlalchemy import Connection

from oceanchat.annotation.tasks import DESCRIBE, PRACTICE, Task, task_named
from oceanchat.errors import AnnotationError
from oceanchat.store import assignments as seat_rows
from oceanchat.store import labels as annotation_rows
from oceanchat.store.annotators import Annotator
from oceanchat.store.assignments import ROUTINE, Sample, Seat
from oceanchat.store.database import Store
from oceanchat.store.labels import Answers, Label

IDLE_CAP = 4 * 3600.0
"""No label counts more active seconds than this, whatever a browser claims."""


class TooSoon(AnnotationError):
    """Saved before anybody could have read the item."""

    def __init__(self, wait: float) -> None:
        super().__init__(
            f"that was quicker than reading it takes; please read on, you can save in {wait:.0f} s"
        )
        self.wait = wait


@dataclass(frozen=True)
class Shown:
    """An item in front of someone."""

    seat: Seat
    task: Task
    token: str
    answers: Answers
    """The draft, or what was saved before, or nothing."""


class Receipt(NamedTuple):
    """What the database holds after a label was saved."""

    seat_id: int
    answers: Answers
    value: str
    revision: int
    saved: float
    """Seconds since 1970."""
    done: int
    """Items this person has answered."""
    total: int


def task_of(seat: Seat) -> Task:
    """The questions asked at a seat."""
    if seat.purpose == "practice":
        return PRACTICE
    if seat.purpose == "describe":
        return DESCRIBE
    return task_named("validate")


def next_item(store: Store, account: Annotator) -> Shown | None:
    """The next item in someone's order, shown; None when all are answered or there is no sample."""
    with store.reading() as connection:
        sample = seat_rows.latest_sample(connection)
        seat = None if sample is None else seat_rows.next_seat(connection, account.id, sample.id)
    return None if seat is None else show(store, account, seat)


def show(store: Store, account: Annotator, seat: Seat) -> Shown:
    """Put an item in front of its owner, under the token of its open showing or a new one."""
    if seat.annotator_id != account.id:
        raise AnnotationError("this item belongs to somebody else")
    with store.reading() as connection:
        serve = annotation_rows.open_serve(connection, seat.id)
        answers = annotation_rows.draft(connection, seat.id)
        if answers is None and seat.answered is not None:
            label = annotation_rows.current_label(connection, seat.id)
            answers = None if label is None else label.answers
    token = serve[0] if serve is not None else _serve(store, seat)
    return Shown(seat, task_of(seat), token, answers or {})


def _serve(store: Store, seat: Seat) -> str:
    token = secrets.token_urlsafe(18)
    with store.writing() as connection:
        if seat_rows.lock_seat(connection, seat.id) is None:
            raise AnnotationError("this item has passed on to another annotator; reload the page")
        annotation_rows.add_serve(connection, token, seat.id, time.time())
    return token


def earlier(store: Store, account: Annotator, before: float | None) -> Seat | None:
    """The seat someone answered last before a time; None: last of all."""
    with store.reading() as connection:
        sample = seat_rows.latest_sample(connection)
        if sample is None:
            return None
        return seat_rows.earlier_seat(connection, account.id, sample.id, before)


def later(store: Store, account: Annotator, after: float) -> Seat | None:
    """The seat someone answered first after a time."""
    with store.reading() as connection:
        sample = seat_rows.latest_sample(connection)
        return None if sample is None else seat_rows.later_seat(connection, account.id, sample.id, after)


def own_seat(store: Store, account: Annotator, seat_id: int) -> Seat:
    """A seat of someone's own; AnnotationError for one of somebody else as for one that is not there."""
    with store.reading() as connection:
        seat = seat_rows.seat(connection, seat_id)
    if seat is None or seat.annotator_id != account.id:
        raise AnnotationError("this item is not in your list; go on with the next one")
    return seat


def keep_draft(store: Store, account: Annotator, token: str, answers: Mapping[str, object]) -> bool:
    """Keep what is given so far; False when the item was saved meanwhile, so that nothing is to be kept."""
    with store.writing() as connection:
        serve = annotation_rows.served(connection, token)
        seat = None if serve is None else seat_rows.lock_seat(connection, serve.seat_id)
        if serve is None or seat is None or seat.annotator_id != account.id:
            raise AnnotationError(_GONE)
        if serve.used is not None:
            return False
        annotation_rows.put_draft(connection, seat.id, task_of(seat).draft(answers), time.time())
    return True


_GONE = "this item is no longer yours to answer, it passed on to another annotator; reload the page"


def save(
    store: Store,
    account: Annotator,
    token: str,
    answers: Mapping[str, object],
    active_seconds: float = 0.0,
    *,
    now: float | None = None,
) -> Receipt:
    """Save the answers to the item shown under a token, once however often it is sent.

    Raises AnnotationError for answers that are not complete and for an item of somebody else, TooSoon for a
    label that came before the sample's least time (which is recorded).
    """
    moment = time.time() if now is None else now
    with store.writing() as connection:
        serve = annotation_rows.served(connection, token)
        seat = None if serve is None else seat_rows.lock_seat(connection, serve.seat_id)
        if serve is None or seat is None or seat.annotator_id != account.id or account.retired is not None:
            raise AnnotationError(_GONE)
        wait = 0.0
        if annotation_rows.label_of_serve(connection, token) is None:
            wall = max(0.0, moment - serve.shown)
            kept = _checked(seat, answers)
            wait = _least_time(seat_rows.latest_sample(connection), seat) - wall
            if wait > 0:
                annotation_rows.add_refusal(connection, account.id, "too-fast", moment)
            else:
                annotation_rows.add_label(
                    connection,
                    seat,
                    token,
                    kept,
                    value=task_of(seat).value(kept),
                    active_seconds=min(max(active_seconds, 0.0), wall, IDLE_CAP),
                    wall_seconds=wall,
                    now=moment,
                )
                _serve_next(connection, account, seat, moment)
    if wait > 0:
        raise TooSoon(wait)
    return _receipt(store, account, token)


def _serve_next(connection: Connection, account: Annotator, seat: Seat, moment: float) -> None:
    """Show the item that comes next in the same transaction: one write to disk a click instead of two."""
    following = (
        seat_rows.next_seat(connection, account.id, seat.item.sample_id)
        if seat.purpose in ROUTINE and seat.item.sample_id is not None
        else None
    )
    # Waiting for the seat could end in a deadlock with another tab, and it may be moving to somebody else.
    if following is None or not seat_rows.lock_if_free(connection, following.id):
        return
    if annotation_rows.open_serve(connection, following.id) is None:
        annotation_rows.add_serve(connection, secrets.token_urlsafe(18), following.id, moment)


def _checked(seat: Seat, answers: Mapping[str, object]) -> dict[str, str]:
    if seat.purpose == "practice" and seat.revision:
        raise AnnotationError("practice answers stand as first given; go on with the next one")
    return task_of(seat).check(answers)


def _least_time(sample: Sample | None, seat: Seat) -> float:
    if seat.purpose not in ROUTINE or seat.revision:
        return 0.0
    return 0.0 if sample is None else float(sample.settings["min_seconds"])


def _receipt(store: Store, account: Annotator, token: str) -> Receipt:
    with store.reading() as connection:
        label = annotation_rows.label_of_serve(connection, token)
        sample = seat_rows.latest_sample(connection)
        done, total = (0, 0) if sample is None else seat_rows.progress(connection, account.id, sample.id)
    if label is None or label.answers is None or label.value is None:
        raise AnnotationError("the label was not found after saving; please save again")
    return Receipt(label.seat_id, label.answers, label.value, label.revision, label.saved, done, total)


def undo(store: Store, account: Annotator, *, now: float | None = None) -> Seat | None:
    """Withdraw the label saved last, as a revision without answers; its answers come back as the draft."""
    last = earlier(store, account, None)
    if last is None:
        return None
    moment = time.time() if now is None else now
    with store.writing() as connection:
        seat = seat_rows.lock_seat(connection, last.id)
        label = annotation_rows.current_label(connection, last.id)
        if seat is None or seat.answered is None or label is None or label.answers is None:
            return None
        token = secrets.token_urlsafe(18)
        annotation_rows.add_serve(connection, token, seat.id, moment)
        annotation_rows.add_label(
            connection, seat, token, None, value=None, active_seconds=0.0, wall_seconds=0.0, now=moment
        )
        annotation_rows.put_draft(connection, seat.id, label.answers, moment)
    return own_seat(store, account, last.id)


def last_label(store: Store, account: Annotator) -> Label | None:
    """The label someone saved last, as the database has it."""
    seat = earlier(store, account, None)
    if seat is None:
        return None
    with store.reading() as connection:
        return annotation_rows.current_label(connection, seat.id)


def progress(store: Store, account: Annotator) -> tuple[int, int]:
    """(answered, all) items of someone in the newest sample."""
    with store.reading() as connection:
        sample = seat_rows.latest_sample(connection)
        return (0, 0) if sample is None else seat_rows.progress(connection, account.id, sample.id)
