"""Imported dialogues in the store, on SQLite and on PostgreSQL."""

from oceanchat.records import Dialogue, Turn, dialogue_id
from oceanchat.store.database import Store
from oceanchat.store.imports import add_imported, read_imported, rewrite_imported
from oceanchat.traits import TraitLevel


def dialogue(number: int, code: str = "A-") -> Dialogue:
    label = TraitLevel.parse(code)
    turns = (
        Turn(role="questioner", text=f"Number {number}?"),
        Turn(role="discloser", text="Never \u2013 \U0001f642."),
    )
    return Dialogue(
        id=dialogue_id(label, turns), source="imported", trait=label.trait, level=label.level, turns=turns
    )


def test_dialogues_keep_their_order_of_arrival_and_are_kept_once(store: Store) -> None:
    with store.writing() as connection:
        assert add_imported(connection, [dialogue(3), dialogue(1), dialogue(3)]) == 2
        assert add_imported(connection, [dialogue(1), dialogue(2)]) == 1
    with store.reading() as connection:
        assert read_imported(connection) == [dialogue(3), dialogue(1), dialogue(2)]


def test_the_same_words_under_another_label_are_another_dialogue(store: Store) -> None:
    with store.writing() as connection:
        assert add_imported(connection, [dialogue(1, "A-"), dialogue(1, "A+")]) == 2


def test_a_rewritten_dialogue_keeps_its_place(store: Store) -> None:
    passed = dialogue(1).model_copy(update={"state": "passed"})
    with store.writing() as connection:
        add_imported(connection, [dialogue(1), dialogue(2)])
        rewrite_imported(connection, [passed])
    with store.reading() as connection:
        assert read_imported(connection) == [passed, dialogue(2)]


def test_more_dialogues_than_one_statement_takes(store: Store) -> None:
    many = [dialogue(number) for number in range(1200)]
    with store.writing() as connection:
        assert add_imported(connection, many) == 1200
        assert read_imported(connection) == many
