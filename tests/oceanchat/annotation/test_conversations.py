"""Conversations go on turn by turn, and nothing is scored before they are over."""

from collections.abc import Callable
from functools import partial

import pytest

from oceanchat.annotation import accounts, conversations, labels, revisions
from oceanchat.annotation.conversations import HeldElsewhere, OtherMessage, Request
from oceanchat.annotation.evaluation_progress import evaluation_progress
from oceanchat.annotation.tasks import RATE, TALK
from oceanchat.errors import AnnotationError
from oceanchat.store.annotators import Annotator
from oceanchat.store.assignments import Assignment
from oceanchat.store.conversations import StoredTurn, answers_of, open_cells
from oceanchat.store.database import Store
from oceanchat.store.ratings import rating_table
from tests.oceanchat.annotation.scenes import people
from tests.oceanchat.annotation.talks import (
    FULL,
    SYSTEMS,
    evaluated,
    evaluation_of,
    exchange,
    hold,
    next_cell,
    rate_all,
)


def test_the_model_is_asked_with_all_that_was_said_and_one_message_once(store: Store) -> None:
    ann = evaluated(store, ("Ann",), systems=SYSTEMS[1:], annotators=1)[0]
    item = next_cell(store, ann)
    first = conversations.say(store, ann, item.token, 1, "something else")
    assert isinstance(first, Request) and first.model == "base" and first.url.endswith(":9/v1")
    assert [role for role, _ in first.messages] == ["system", "user"]
    assert "high Openness" in first.messages[0][1] and first.messages[1][1] == "How was day 0?"
    again = conversations.say(store, ann, item.token, 1, "")
    assert again == first  # the model was away: the same is asked again
    stored = conversations.store_answer(store, first, " Fine.\0 ")
    assert (
        stored.text == "Fine." and stored.prompt_hash == first.prompt_hash and len(stored.answer_hash) == 64
    )
    assert conversations.store_answer(store, first, "Another answer.") == stored
    assert conversations.say(store, ann, item.token, 1, "") == stored
    second = conversations.say(store, ann, item.token, 2, "And then?")
    assert isinstance(second, Request) and second.seed == first.seed
    assert [text for _, text in second.messages[1:]] == ["How was day 0?", "Fine.", "And then?"]
    with pytest.raises(OtherMessage) as other:
        conversations.say(store, ann, item.token, 2, "Typed in another tab")
    assert [turn.text for turn in other.value.turns] == ["How was day 0?", "Fine.", "And then?"]
    for number in (3, 6):
        with pytest.raises(OtherMessage):
            conversations.say(store, ann, item.token, number, "Out of turn")
    with pytest.raises(AnnotationError, match="empty"):
        conversations.say(store, ann, item.token, 2, " \n")


def test_scores_are_locked_until_the_fifth_answer(store: Store) -> None:
    ann = evaluated(store, ("Ann",))[0]
    item = next_cell(store, ann)
    assert item.task is TALK
    for number in range(1, 6):
        with pytest.raises(AnnotationError, match="scores open after"):
            labels.save(store, ann, item.token, FULL)
        assert labels.save_draft(store, ann, item.token, FULL | {"message": "half a"}) is None
        assert dict(next_cell(store, ann).answers) == {"message": "half a"}
        exchange(store, ann, item.token, number)
    assert next_cell(store, ann).task is RATE and not next_cell(store, ann).answers
    with pytest.raises(AnnotationError, match="comment"):
        labels.save(store, ann, item.token, FULL | {"coherence": "4"})
    with pytest.raises(AnnotationError, match="no answer yet"):
        labels.save(store, ann, item.token, FULL | {"coherence": "6"})
    receipt = labels.save(store, ann, item.token, FULL)
    assert (receipt.value, receipt.done, receipt.total) == ("1 5 5", 1, 2)
    revisions.undo(store, ann, item.token)
    assert dict(next_cell(store, ann).answers) == FULL


def test_a_shared_conversation_is_held_once_and_rated_by_all(store: Store) -> None:
    team = evaluated(store, levels=2)
    holder = team[0]
    item = next_cell(store, holder)
    exchange(store, holder, item.token, 1)
    for other in team[1:]:
        own = labels.show(store, other, assignment_about(store, other, item.assignment.item.id))
        with pytest.raises(HeldElsewhere):
            conversations.say(store, other, own.token, 2, "May I?")
        assert conversations.held_elsewhere(store, other, own.assignment)
    hold(store, holder, item)
    while any([rate_all(store, person) for person in team]):
        pass
    with store.reading() as connection:
        rows = rating_table(connection)
    assert len(rows) == 12 and len({row["conversation_id"] for row in rows}) == 4
    assert {(row["system"], row["annotator"]) for row in rows} == {
        (system, f"annotator-{person.id}") for system in ("preact", "prompt") for person in team
    }


def assignment_about(store: Store, person: Annotator, item_id: int) -> Assignment:
    with store.reading() as connection:
        cells = open_cells(connection, person.id, evaluation_of(store).id)
        (id,) = (cell.assignment_id for cell in cells if cell.item_id == item_id)
    return labels.own_assignment(store, person, id)


@pytest.mark.parametrize("leave", [accounts.retire, partial(accounts.change_role, role="lead")])
def test_who_takes_over_for_somebody_who_left_goes_on_where_they_stopped(
    store: Store, leave: Callable[[Store, Annotator], None]
) -> None:
    ann, ben = evaluated(store, ("Ann", "Ben"), systems=SYSTEMS[:1], annotators=2)
    holder, other = (ann, ben) if conversations.next_conversation(store, ann, 1).item else (ben, ann)
    item = next_cell(store, holder)
    exchange(store, holder, item.token, 1)
    assert conversations.next_conversation(store, other, 1) == (None, True)
    leave(store, accounts.find(store, holder.name))
    continued = next_cell(store, other)
    assert [turn.text for turn in conversations.turns_for(store, continued.assignment)] == [
        "How was day 0?",
        "Scripted answer 1.",
    ]
    for number in range(2, 6):
        exchange(store, other, continued.token, number)
    assert labels.save(store, other, continued.token, FULL).value == "1 5 5"


@pytest.mark.parametrize("unit", ["shared", "live"])
def test_a_rating_undone_by_somebody_who_leaves_is_given_by_somebody_else(store: Store, unit: str) -> None:
    left, ben = evaluated(store, ("Ann", "Ben"), systems=SYSTEMS[:1], annotators=2, unit=unit)
    for person in (left, ben, left):  # one of them holds a shared talk, the other waits for it
        rate_all(store, person)
    mine = revisions.last_label(store, left, evaluation_of(store).id)
    assert mine is not None
    revisions.undo(store, left, mine.token)
    accounts.retire(store, left)
    (cas,) = people(store, "Cas")
    assert rate_all(store, cas) == 1
    progress = evaluation_progress(store)
    assert progress is not None and (progress.unassigned, progress.systems[0].ratings) == (0, 2)
    with store.reading() as connection:
        raters = {row["annotator"] for row in rating_table(connection)}
    assert raters == {f"annotator-{person.id}" for person in (ben, cas)}


def test_what_is_put_off_comes_last_and_what_others_left_is_open_to_all(store: Store) -> None:
    ann = evaluated(store, ("Ann", "Ben"), levels=2)[0]
    number = evaluation_of(store).id
    later: list[int] = []
    for _ in range(4):
        item = conversations.next_conversation(store, ann, number).item
        assert item is not None and item.assignment.id not in later
        later.append(item.assignment.id)
        conversations.put_off(store, ann, item.token)
    assert conversations.next_conversation(store, ann, number).item is not None


def test_live_conversations_are_ones_own(store: Store) -> None:
    team = evaluated(store, systems=SYSTEMS[:1], unit="live")
    for person in team:
        assert rate_all(store, person) == 1
    with store.reading() as connection:
        held = answers_of(connection, evaluation_of(store).id)
    assert sorted(slot for _, slot in held) == sorted(person.id for person in team)
    assert len({each.conversation_id for each in held.values()}) == 3


def test_a_strangers_token_says_nothing(store: Store) -> None:
    ann, ben = evaluated(store, ("Ann", "Ben"))
    item = next_cell(store, ann)
    for token in (item.token, "made-up"):
        with pytest.raises(AnnotationError, match="no longer yours"):
            conversations.say(store, ben, token, 1, "Hello?")
    assert conversations.turns_for(store, item.assignment) == []
    assert isinstance(exchange(store, ann, item.token, 1), StoredTurn)
