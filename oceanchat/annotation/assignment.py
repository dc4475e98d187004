"""Share the items of a sample among annotators.

A plan fills every item up to its overlap with the annotators who have the fewest items, each in a seeded
order of their own; where models are rated, it is balanced over them. It is made again whenever someone joins
or retires: assignments with a label stay, and so do those already seen; the others move, and so do those of
dialogues whose label was withdrawn before its annotator left. Planning holds a lock on the sample and the
database keeps out surplus assignments, so there is never a fourth label, and never a third missing while
there are enough annotators.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection

from oceanchat.statistics.sampling import Crossed, balanced_order, fraction
from oceanchat.store import annotators as annotator_rows
from oceanchat.store import assignments as assignment_rows
from oceanchat.store import conversations as conversation_rows
from oceanchat.store import presentations as presentation_rows
from oceanchat.store import samples as sample_rows
from oceanchat.store.assignments import COUNTED
from oceanchat.store.conversations import CONVERSATION, EVALUATION
from oceanchat.store.database import Store
from oceanchat.store.samples import VALIDATION, Sample

REPEAT_GAP = 0.15
"""A silent repeat comes at least this share of someone's items after the first time."""


class FilledSlot(NamedTuple):
    """One of an item's slots, with the annotator who fills it."""

    item: int
    annotator: int
    slot: int


def plan(
    items: Sequence[int], annotators: Iterable[int], overlap: int, filled: Iterable[FilledSlot], seed: int
) -> list[FilledSlot]:
    """The slots to fill beside those filled already, so that every item has `overlap` annotators.

    Each free slot goes to the annotator with the fewest items who does not have this one yet; ties are broken
    by the seed. With fewer annotators than `overlap` the remaining slots stay free.
    """
    load = dict.fromkeys(annotators, 0)
    by_item: dict[int, dict[int, int]] = defaultdict(dict)
    for slot in filled:
        by_item[slot.item][slot.slot] = slot.annotator
        if slot.annotator in load:
            load[slot.annotator] += 1
    added = []
    for item in sorted(items, key=lambda item: fraction(seed, "plan", item)):
        taken = by_item[item]
        for number in range(overlap):
            free = [annotator for annotator in load if annotator not in taken.values()]
            if number in taken or not free:
                continue
            chosen = min(free, key=lambda annotator: (load[annotator], fraction(seed, item, annotator)))
            taken[number] = chosen
            load[chosen] += 1
            added.append(FilledSlot(item, chosen, number))
    return added


def replan(store: Store) -> None:
    """Fit every sample's assignments to the present annotators."""
    with store.reading() as connection:
        numbers = [
            sample.id
            for task in (VALIDATION, EVALUATION)
            for sample in sample_rows.all_samples(connection, task)
        ]
    for number in numbers:
        _replan(store, number)


def _replan(store: Store, number: int) -> None:
    with store.writing() as connection:
        sample = sample_rows.latest_sample(connection, number=number, lock=True)
        if sample is None:
            return
        annotators = [account.id for account in annotator_rows.everyone(connection) if account.gets_items]
        rows = presentation_rows.sample_assignments(connection, sample.id)
        rows = _without_abandoned(connection, rows, annotators)
        staying, moving = _partition(rows, annotators)
        assignment_rows.remove_assignments(connection, [row.id for row in moving])
        # What was labeled since it was read could not be removed, and its slot is filled.
        left = {row.id for row in presentation_rows.sample_assignments(connection, sample.id)}
        staying += [row for row in moving if row.id in left]
        filled = [
            FilledSlot(row.item_id, row.annotator_id, row.slot) for row in staying if row.purpose == COUNTED
        ]
        kind = CONVERSATION if sample.task == EVALUATION else "sample"
        items = sample_rows.sample_items(connection, sample.id, kind)
        new = plan(items, annotators, sample.overlap, filled, sample.seed)
        gold = sample_rows.sample_items(connection, sample.id, "gold")
        order = _order(connection, sample, annotators)
        wanted = [_row(slot, COUNTED, order(slot)) for slot in new]
        wanted += _control_rows(
            sample, [slot for slot in [*filled, *new] if slot.annotator in annotators], gold
        )
        present = {(row.item_id, row.annotator_id, row.purpose) for row in staying}
        assignment_rows.add_assignments(
            connection,
            [row for row in wanted if (row["item_id"], row["annotator_id"], row["purpose"]) not in present],
        )


def _order(
    connection: Connection, sample: Sample, annotators: Sequence[int]
) -> Callable[[FilledSlot], float]:
    """An item's position in its annotator's order: random; where models are rated, balanced over them."""
    if sample.task != EVALUATION:
        return lambda slot: fraction(sample.seed, slot.annotator, slot.item)
    cells = [
        Crossed(cell.item_id, cell.system, cell.stratum)
        for cell in conversation_rows.cells_of(connection, sample.id)
    ]
    orders = {annotator: balanced_order(cells, sample.seed, annotator) for annotator in annotators}
    return lambda slot: orders[slot.annotator][slot.item]


def _without_abandoned(connection: Connection, rows: Sequence[Any], annotators: Sequence[int]) -> list[Any]:
    """Give up what was sent back to, or undone by, somebody who then left; returns the other assignments."""
    abandoned = {
        row.id
        for row in rows
        if row.purpose == COUNTED
        and row.revision > 0
        and row.answered_at is None
        and row.annotator_id not in annotators
    }
    assignment_rows.give_up(connection, sorted(abandoned))
    return [row for row in rows if row.id not in abandoned]


def _partition(rows: Sequence[Any], annotators: Sequence[int]) -> tuple[list[Any], list[Any]]:
    """(assignments that stay, assignments that move): labeled ones stay, and what someone here has seen."""
    staying: list[Any] = []
    moving: list[Any] = []
    for row in rows:
        stays = row.revision > 0 or (row.presented and row.annotator_id in annotators)
        (staying if stays else moving).append(row)
    return staying, moving


def _control_rows(sample: Sample, slots: Sequence[FilledSlot], gold: Sequence[int]) -> list[dict[str, Any]]:
    """The assignments of repeats and gold items: at the rates of the sample, chosen by its seed."""
    repeats, gold_rate = float(sample.settings["repeats"]), float(sample.settings["gold"])
    rows = []
    by_annotator: dict[int, list[int]] = defaultdict(list)
    for slot in slots:
        by_annotator[slot.annotator].append(slot.item)
        first = fraction(sample.seed, slot.annotator, slot.item)
        if fraction(sample.seed, "repeat", slot.annotator, slot.item) < repeats:
            delay = fraction(sample.seed, "again", slot.annotator, slot.item) * (1 - first)
            rows.append(_row(slot._replace(slot=slot.annotator), "repeat", first + REPEAT_GAP + delay))
    for annotator, items in by_annotator.items():
        order = sorted(gold, key=lambda item: fraction(sample.seed, "gold", annotator, item))
        for item in order[: round(gold_rate * len(items))]:
            position = fraction(sample.seed, annotator, item)
            rows.append(_row(FilledSlot(item, annotator, annotator), "gold", position))
    return rows


def _row(slot: FilledSlot, purpose: str, position: float) -> dict[str, Any]:
    return {
        "item_id": slot.item,
        "annotator_id": slot.annotator,
        "purpose": purpose,
        "slot": slot.slot,
        "position": position,
    }


class Coverage(NamedTuple):
    """How complete the labels of a sample are."""

    items: int
    complete: int
    """Items that have all their labels."""
    unassigned: int
    """Slots that no annotator fills."""
    missing: int = 0
    """Annotators that they take at least: nobody labels an item twice."""


def coverage(store: Store, number: int | None = None) -> Coverage:
    """How complete a sample is (None: the newest); zeros when there is none."""
    with store.reading() as connection:
        sample = sample_rows.latest_sample(connection, number=number)
        if sample is None:
            return Coverage(0, 0, 0)
        counts = assignment_rows.counts_by_item(connection, sample.id, COUNTED)
    complete = sum(count.answered >= sample.overlap for count in counts.values())
    assigned = sum(count.assigned for count in counts.values())
    missing = max((sample.overlap - count.assigned for count in counts.values()), default=0)
    return Coverage(len(counts), complete, len(counts) * sample.overlap - assigned, missing)
