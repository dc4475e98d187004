"""Who labels what: the seats before each item, shared evenly, each person in an own seeded order.

A plan fills every item up to its overlap with the people who have least to do. It is made again whenever
someone joins or retires: seats that were labelled stay, and so do those already shown; the rest moves.
Planning holds a lock on the sample and the database keeps out a surplus seat, so there is never a fourth
label, and never a third missing while enough people are there.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from oceanchat.statistics.sampling import fraction
from oceanchat.store import annotators as account_rows
from oceanchat.store import assignments as seat_rows
from oceanchat.store import labels as annotation_rows
from oceanchat.store.assignments import COUNTED, Sample
from oceanchat.store.database import Store

LATER = 0.15
"""A silent repeat comes at least this share of someone's items after the first time."""


class Place(NamedTuple):
    """One person on one of an item's slots."""

    item: int
    annotator: int
    slot: int


def plan(
    items: Sequence[int], people: Iterable[int], overlap: int, kept: Iterable[Place], seed: int
) -> list[Place]:
    """The places to add to those kept, so that every item has `overlap` different people.

    Each free slot goes to whoever has least so far and is not yet on the item; ties are broken by the seed.
    With fewer people than `overlap` the slots left over stay free.
    """
    load = dict.fromkeys(people, 0)
    on_item: dict[int, dict[int, int]] = defaultdict(dict)
    for place in kept:
        on_item[place.item][place.slot] = place.annotator
        if place.annotator in load:
            load[place.annotator] += 1
    added = []
    for item in sorted(items, key=lambda item: fraction(seed, "plan", item)):
        taken = on_item[item]
        for slot in range(overlap):
            free = [person for person in load if person not in taken.values()]
            if slot in taken or not free:
                continue
            person = min(free, key=lambda one: (load[one], fraction(seed, item, one)))
            taken[slot] = person
            load[person] += 1
            added.append(Place(item, person, slot))
    return added


def replan(store: Store) -> None:
    """Fit the newest sample's seats to the people who are there now."""
    with store.writing() as connection:
        sample = seat_rows.latest_sample(connection, lock=True)
        if sample is None:
            return
        people = [
            one.id
            for one in account_rows.everyone(connection)
            if one.role == "annotator" and one.retired is None
        ]
        rows = annotation_rows.sample_seats(connection, sample.id)
        kept, moving = _sort(rows, people)
        seat_rows.remove_seats(connection, [row.id for row in moving])
        places = [Place(row.item_id, row.annotator_id, row.slot) for row in kept if row.purpose == COUNTED]
        items = seat_rows.sample_items(connection, sample.id, "sample")
        new = plan(items, people, sample.overlap, places, sample.seed)
        gold = seat_rows.sample_items(connection, sample.id, "gold")
        present = {(row.item_id, row.annotator_id, row.purpose) for row in kept}
        wanted = [_seat(place, COUNTED, fraction(sample.seed, place.annotator, place.item)) for place in new]
        wanted += _unseen(sample, [place for place in [*places, *new] if place.annotator in people], gold)
        seat_rows.add_seats(
            connection,
            [row for row in wanted if (row["item_id"], row["annotator_id"], row["purpose"]) not in present],
        )


def _sort(rows: Sequence[Any], people: Sequence[int]) -> tuple[list[Any], list[Any]]:
    """(seats that stay, seats that may move): labelled ones stay, and what someone still here has seen."""
    kept: list[Any] = []
    moving: list[Any] = []
    for row in rows:
        stays = row.revision > 0 or (row.touched and row.annotator_id in people)
        (kept if stays else moving).append(row)
    return kept, moving


def _unseen(sample: Sample, places: Sequence[Place], gold: Sequence[int]) -> list[dict[str, Any]]:
    """The seats for repeats and gold items: at the rates of the sample, chosen by its seed."""
    repeats, rate = float(sample.settings["repeats"]), float(sample.settings["gold"])
    rows = []
    per_person: dict[int, list[int]] = defaultdict(list)
    for place in places:
        per_person[place.annotator].append(place.item)
        first = fraction(sample.seed, place.annotator, place.item)
        if fraction(sample.seed, "repeat", place.annotator, place.item) < repeats:
            again = first + LATER + fraction(sample.seed, "again", place.annotator, place.item) * (1 - first)
            rows.append(_seat(place._replace(slot=place.annotator), "repeat", again))
    for annotator, items in per_person.items():
        order = sorted(gold, key=lambda item: fraction(sample.seed, "gold", annotator, item))
        for item in order[: round(rate * len(items))]:
            rows.append(
                _seat(Place(item, annotator, annotator), "gold", fraction(sample.seed, annotator, item))
            )
    return rows


def _seat(place: Place, purpose: str, position: float) -> dict[str, Any]:
    return {
        "item_id": place.item,
        "annotator_id": place.annotator,
        "purpose": purpose,
        "slot": place.slot,
        "position": position,
    }


class Coverage(NamedTuple):
    """How far the labels of a sample have come."""

    items: int
    complete: int
    """Items that have all their labels."""
    free: int
    """Seats nobody sits on, for want of people."""


def coverage(store: Store) -> Coverage:
    """How far the newest sample has come; zeros when there is none."""
    with store.reading() as connection:
        sample = seat_rows.latest_sample(connection)
        if sample is None:
            return Coverage(0, 0, 0)
        items = seat_rows.sample_items(connection, sample.id, "sample")
        rows = [row for row in annotation_rows.sample_seats(connection, sample.id) if row.purpose == COUNTED]
    done: Mapping[int, int] = _count(row.item_id for row in rows if row.answered is not None)
    complete = sum(done.get(item, 0) >= sample.overlap for item in items)
    return Coverage(len(items), complete, len(items) * sample.overlap - len(rows))


def _count(ids: Iterable[int]) -> dict[int, int]:
    counts: dict[int, int] = defaultdict(int)
    for one in ids:
        counts[one] += 1
    return counts
