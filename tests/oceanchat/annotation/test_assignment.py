"""Every item to exactly three people, evenly, whoever comes, goes or is slow."""

import threading
from collections import Counter
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Connection

from oceanchat.annotation import accounts, labels, revisions
from oceanchat.annotation.assignment import FilledSlot, coverage, plan, replan
from oceanchat.errors import AnnotationError
from oceanchat.store import assignments as assignment_rows
from oceanchat.store import labels as label_rows
from oceanchat.store import presentations as presentation_rows
from oceanchat.store import samples as sample_rows
from oceanchat.store.annotators import Annotator
from oceanchat.store.database import Store
from tests.oceanchat.annotation.scenes import GOOD, label_all, people, sampled


def assignments_of(store: Store, purpose: str = "label") -> list[tuple[int, int]]:
    with store.reading() as connection:
        sample = sample_rows.latest_sample(connection)
        assert sample is not None
        rows = presentation_rows.sample_assignments(connection, sample.id)
        return [(row.item_id, row.annotator_id) for row in rows if row.purpose == purpose]


def labels_per_item(store: Store) -> Counter[int]:
    with store.reading() as connection:
        sample = sample_rows.latest_sample(connection)
        assert sample is not None
        return Counter(
            label.item_id
            for label in label_rows.item_labels(connection, sample.id)
            if label.purpose == "label"
        )


@given(st.integers(1, 30), st.integers(1, 7), st.integers(1, 4), st.integers(0, 99))
def test_a_plan_is_full_and_even(items: int, people_: int, overlap: int, seed: int) -> None:
    slots = plan(range(items), range(people_), overlap, [], seed)
    per_item = Counter(slot.item for slot in slots)
    assert all(per_item[item] == min(overlap, people_) for item in range(items))
    assert len({(slot.item, slot.annotator) for slot in slots}) == len(slots)
    assert len({(slot.item, slot.slot) for slot in slots}) == len(slots)
    load = Counter(slot.annotator for slot in slots)
    assert max(load[p] for p in range(people_)) - min(load[p] for p in range(people_)) <= 1


@given(st.data())
def test_filled_slots_are_completed_and_never_overfilled(data: st.DataObject) -> None:
    items, team = range(12), range(5)
    first = plan(items, team, 3, [], 1)
    filled = data.draw(st.lists(st.sampled_from(first), unique=True))
    staying = data.draw(st.sets(st.sampled_from(list(team)), min_size=3))
    slots = [*filled, *plan(items, staying, 3, filled, 2)]
    assert Counter(slot.item for slot in slots) == dict.fromkeys(items, 3)
    assert len({(slot.item, slot.annotator) for slot in slots}) == len(slots)
    assert {slot.annotator for slot in slots if slot not in filled} <= staying


def test_the_same_seed_plans_the_same() -> None:
    assert plan(range(9), [1, 2, 3, 4], 3, [], 5) == plan(range(9), [1, 2, 3, 4], 3, [], 5)
    assert plan(range(9), [1, 2, 3, 4], 3, [], 5) != plan(range(9), [1, 2, 3, 4], 3, [], 6)


def test_each_annotator_has_an_own_recorded_order(store: Store) -> None:
    team = sampled(store, each=2)
    orders = []
    for person in team:
        order = []
        while (presented := labels.next_item(store, person)) is not None:
            order.append(presented.assignment.item.id)
            labels.save(store, person, presented.token, GOOD)
        orders.append(order)
    assert [len(order) for order in orders] == [20, 20, 20]
    assert len({tuple(order) for order in orders}) == 3
    with store.reading() as connection:
        rows = presentation_rows.sample_assignments(connection, 1)
    for person, order in zip(team, orders, strict=True):
        own = sorted((row.position, row.item_id) for row in rows if row.annotator_id == person.id)
        assert [item for _, item in own] == order


def test_people_who_come_before_or_after_the_sample_get_assignments(store: Store) -> None:
    sampled(store, ["Ann"])
    assert (coverage(store).unassigned, coverage(store).missing) == (20, 2)
    people(store, "Ben", "Cas", "Dee")
    assert coverage(store).unassigned == 0
    load = Counter(annotator for _, annotator in assignments_of(store))
    assert sorted(load.values()) == [7, 7, 8, 8]
    assert all(count == 3 for count in Counter(item for item, _ in assignments_of(store)).values())


def test_a_slow_annotator_s_rest_goes_to_the_others(store: Store) -> None:
    team = sampled(store, ["Ann", "Ben", "Cas", "Slow"])
    presented = labels.next_item(store, team[3])
    assert presented is not None
    labels.save(store, team[3], presented.token, GOOD)
    stuck = labels.next_item(store, team[3])
    assert stuck is not None
    labels.save_draft(store, team[3], stuck.token, GOOD)
    accounts.retire(store, team[3])
    with pytest.raises(AnnotationError, match="reassigned to another annotator"):
        labels.save(store, team[3], stuck.token, GOOD)
    for person in team[:3]:
        label_all(store, person, lambda _: GOOD)
    assert set(labels_per_item(store).values()) == {3}
    assert len(labels_per_item(store)) == 10


def test_what_was_withdrawn_by_somebody_who_leaves_goes_to_the_others(store: Store) -> None:
    *team, left = sampled(store)
    for person in (*team, left):
        label_all(store, person, lambda _: GOOD)
    assert coverage(store).complete == 10
    mine = revisions.last_label(store, left)
    assert mine is not None
    revisions.undo(store, left, mine.token)
    accounts.retire(store, left)
    assert coverage(store)[1:] == (9, 1, 1)
    (new,) = people(store, "Dee")
    assert coverage(store).unassigned == 0
    assert labels.progress(store, new) == (0, 1) and labels.progress(store, left) == (9, 9)
    label_all(store, new, lambda _: GOOD)
    assert set(labels_per_item(store).values()) == {3} and coverage(store).complete == 10
    again = revisions.last_label(store, new)
    assert again is not None
    revisions.undo(store, new, again.token)
    accounts.retire(store, new)  # from the slot that was given up before
    (third,) = people(store, "Eve")
    label_all(store, third, lambda _: GOOD)
    assert set(labels_per_item(store).values()) == {3} and coverage(store).complete == 10


def test_what_is_on_somebody_s_screen_stays_theirs_when_others_join(store: Store) -> None:
    team = sampled(store)
    presented = [labels.next_item(store, person) for person in team]
    people(store, "Dee", "Eve")
    for person, item in zip(team, presented, strict=True):
        assert item is not None
        assert labels.save(store, person, item.token, GOOD).revision == 1


def test_repeats_come_later_and_gold_is_mixed_in_at_the_rates_asked_for(store: Store) -> None:
    team = sampled(store, each=4, repeats=0.25, gold=0.1, seed=3)
    with store.reading() as connection:
        rows = presentation_rows.sample_assignments(connection, 1)
    for person in team:
        own = [row for row in rows if row.annotator_id == person.id]
        first = {row.item_id: row.position for row in own if row.purpose == "label"}
        again = [row for row in own if row.purpose == "repeat"]
        assert 4 <= len(again) <= 16
        assert all(row.position >= first[row.item_id] + 0.15 for row in again)
        assert sum(row.purpose == "gold" for row in own) == 4
    replan(store)
    with store.reading() as connection:
        assert len(presentation_rows.sample_assignments(connection, 1)) == len(rows)


def test_twenty_writers_at_once_leave_three_labels_an_item(store: Store) -> None:
    team = sampled(store, [f"Person {n}" for n in range(20)], each=4)
    failures: list[BaseException] = []

    def work(person: Annotator, number: int) -> None:
        try:
            while (presented := labels.next_item(store, person)) is not None:
                labels.save_draft(store, person, presented.token, GOOD)
                labels.save(store, person, presented.token, GOOD)
                if number % 4 == 0:  # some send twice, as after a lost answer
                    labels.save(store, person, presented.token, GOOD)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(p, n)) for n, p in enumerate(team)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    assert labels_per_item(store) == dict.fromkeys(labels_per_item(store), 3)
    assert len(labels_per_item(store)) == 40
    with store.reading() as connection:
        assert all(label.revision == 1 for label in label_rows.item_labels(connection, 1))


def test_people_joining_and_leaving_while_others_label_never_break_the_count(store: Store) -> None:
    team = sampled(store, ["Ann", "Ben", "Cas", "Dee"], each=2)
    failures: list[BaseException] = []

    def work(person: Annotator) -> None:
        try:
            while (presented := labels.next_item(store, person)) is not None:
                labels.save(store, person, presented.token, GOOD)
        except AnnotationError:
            work(person)  # it passed on between showing and saving
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(person,)) for person in team[:3]]
    for thread in threads:
        thread.start()
    late = people(store, "Eve")
    accounts.retire(store, team[3])
    for thread in threads:
        thread.join()
    for person in [*team[:3], *late]:
        label_all(store, person, lambda _: GOOD)
    assert not failures
    assert set(labels_per_item(store).values()) == {3} and len(labels_per_item(store)) == 20


def test_labels_that_come_while_a_plan_is_made_leave_no_slot_empty(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    team = sampled(store, ["Ann", "Ben", "Cas", "Dee"], each=2)
    remove = assignment_rows.remove_assignments

    def remove_late(connection: Connection, ids: Sequence[int]) -> int:
        monkeypatch.setattr(assignment_rows, "remove_assignments", remove)
        if store.engine.dialect.name == "postgresql":  # SQLite lets nobody write beside the plan
            label_all(store, team[1], lambda _: GOOD)
        return remove(connection, ids)

    monkeypatch.setattr(assignment_rows, "remove_assignments", remove_late)
    accounts.retire(store, team[3])
    assert assignment_rows.remove_assignments is remove
    assert coverage(store).unassigned == 0
    for person in team[:3]:
        label_all(store, person, lambda _: GOOD)
    assert set(labels_per_item(store).values()) == {3} and len(labels_per_item(store)) == 20


def test_the_database_itself_keeps_out_a_fourth(store: Store) -> None:
    team = sampled(store, ["Ann", "Ben", "Cas", "Dee"])
    item = assignments_of(store)[0][0]
    sitting = {annotator for i, annotator in assignments_of(store) if i == item}
    fourth = next(person.id for person in team if person.id not in sitting)
    row = FilledSlot(item, fourth, 2)
    with store.writing() as connection:
        assignment = {"purpose": "label", "position": 0.5, "item_id": row.item, "annotator_id": row.annotator}
        assignment_rows.add_assignments(connection, [{**assignment, "slot": row.slot}])
    assert sum(i == item for i, _ in assignments_of(store)) == 3
