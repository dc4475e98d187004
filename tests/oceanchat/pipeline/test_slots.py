"""Who is asked for which lengths depends on outcomes alone, and no length is lost with what fails."""

import random
from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from oceanchat.pipeline.slots import FIRST_WAVE, Slots

WAVES = FIRST_WAVE * 15
"""Seed topics of the first four waves."""


def assigned(passes: Callable[[int, int], bool], steps: Callable[[], int], count: int) -> list[int]:
    """The slots of so many seed topics, handed out in steps of any size."""
    slots, given_out = Slots(), list[int]()
    while len(given_out) < count:
        numbers = range(len(given_out), min(count, len(given_out) + min(steps(), slots.room)))
        taken = [slots.next() for _ in numbers]
        slots.settle(passes(number, slot) for number, slot in zip(numbers, taken, strict=True))
        given_out += taken
    return given_out


@given(st.integers(0, 10_000), st.integers(1, WAVES), st.floats(0, 1))
def test_slots_depend_on_outcomes_and_not_on_how_many_are_asked_for(
    seed: int, count: int, share: float
) -> None:
    def passes(number: int, slot: int) -> bool:
        return random.Random(f"{seed} {number}").random() < share

    lottery = random.Random(seed)
    whole = assigned(passes, lambda: WAVES, WAVES)
    assert assigned(passes, lambda: lottery.randint(1, 40), count) == whole[:count]
    filled = [slot for number, slot in enumerate(whole) if passes(number, slot)]
    assert len(set(filled)) == len(filled)


def test_with_nothing_failed_every_seed_topic_has_the_slot_of_its_number() -> None:
    assert assigned(lambda number, slot: True, lambda: 7, 200) == list(range(200))


def test_open_slots_go_to_the_first_of_the_next_wave() -> None:
    slots = assigned(lambda number, slot: number not in (3, 10), lambda: 100, 3 * FIRST_WAVE + 2)
    assert slots[FIRST_WAVE : FIRST_WAVE + 3] == [3, 10, 26]
    assert slots[-2:] == [24, 25]


def test_what_one_level_finds_hard_is_tried_again() -> None:
    """Every third slot is hard for one level: half of its dialogues fail there."""

    def passes(number: int, slot: int) -> bool:
        return slot % 3 != 0 or random.Random(number).random() < 0.5

    count = FIRST_WAVE * 31
    slots = assigned(passes, lambda: 10_000, count)
    filled = [slot for number, slot in enumerate(slots) if passes(number, slot)]
    without = [number for number in range(count) if passes(number, number)]
    hard, hard_without = (sum(slot % 3 == 0 for slot in one) / len(one) for one in (filled, without))
    assert hard_without < 0.22 and hard > 0.24, (hard_without, hard)
