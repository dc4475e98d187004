"""Sketches show which data sets share dialogues."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oceanchat.prompts import Message
from oceanchat.traits import Level, Trait, TraitLevel
from preact.dialogues.overlap import SIZE, share_within, sketch
from preact.dialogues.release import TrainingDialogue


def dialogues(numbers: range) -> list[TrainingDialogue]:
    return [
        TrainingDialogue(
            str(n), TraitLevel(Trait.O, Level.HIGH), (Message("user", f"{n}?"),), "train", "", ""
        )
        for n in numbers
    ]


def test_a_selection_lies_within_what_it_was_chosen_from_under_any_name_and_split() -> None:
    chosen = [replace(d, id=f"new {d.id}", split="test") for d in dialogues(range(300, 700))]
    small, large = sketch(chosen), sketch(dialogues(range(3000)))
    assert len(small) == len(large) == SIZE
    assert share_within(small, large) == 1.0
    assert share_within(large, small) == pytest.approx(400 / 3000, abs=0.06)


def test_another_trait_level_is_another_dialogue() -> None:
    high = dialogues(range(20))
    low = [replace(d, trait_level=TraitLevel(Trait.O, Level.LOW)) for d in high]
    assert share_within(sketch(high), sketch(low)) == 0.0


def test_nothing_is_said_of_files_without_a_sketch() -> None:
    assert share_within((), sketch(dialogues(range(5)))) is None
    assert share_within(sketch(dialogues(range(5))), ()) is None


@given(st.sets(st.integers(0, 60), min_size=1), st.sets(st.integers(0, 60), min_size=1))
def test_small_sets_are_compared_exactly(inner: set[int], outer: set[int]) -> None:
    every = dialogues(range(61))
    shown = share_within(sketch(every[n] for n in inner), sketch(every[n] for n in outer))
    assert shown == len(inner & outer) / len(inner)
