"""Which answers a judge sees together."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oceanchat.traits import CODES, Trait
from preact.evaluation.interview.inventories import Inventory, InventoryItem, bfi_keys
from preact.evaluation.judge.batches import batch_sizes, plan_batches

BFI = Inventory(
    "bfi44", tuple(InventoryItem(i, trait, back, f"{i}?") for i, (trait, back) in bfi_keys().items()), ""
)


@pytest.mark.parametrize(
    ("items", "sizes"), [(8, (4, 4)), (9, (3, 3, 3)), (10, (3, 4, 3)), (1, (1,)), (4, (4,))]
)
def test_batches_are_the_papers(items: int, sizes: tuple[int, ...]) -> None:
    assert batch_sizes(items) == sizes


@given(st.integers(1, 200))
def test_batches_hold_every_item_once_in_groups_of_at_most_four_that_differ_by_one(items: int) -> None:
    sizes = batch_sizes(items)
    assert sum(sizes) == items and max(sizes) <= 4 and max(sizes) - min(sizes) <= 1


def test_an_interview_takes_13_judge_calls_and_own_trait_scoring_of_all_trait_levels_26() -> None:
    assert len(plan_batches(BFI, ["none"], "all", 1, "batch")) == 13
    own = plan_batches(BFI, CODES, "own", 1, "batch")
    assert len(own) == 26 and sum(len(batch.items) for batch in own) == 88
    everything = plan_batches(BFI, CODES, "all", 1, "batch")
    assert len(everything) == 130 and sum(len(batch.items) for batch in everything) == 440


def test_the_other_modes_judge_a_whole_dimension_or_single_answers() -> None:
    assert len(plan_batches(BFI, CODES, "own", 1, "dimension")) == 10
    assert len(plan_batches(BFI, CODES, "own", 1, "item")) == 88


def test_run_zero_batches_in_order_and_run_k_in_the_order_of_seed_k() -> None:
    batches = [b for b in plan_batches(BFI, ["E+"], "own", 3, "batch") if b.trait is Trait.E]
    in_order = ["1", "6", "11", "16", "21", "26", "31", "36"]
    assert [i for b in batches if b.run == 0 for i in b.items] == in_order
    shuffled = list(in_order)
    random.Random(2).shuffle(shuffled)
    assert [i for b in batches if b.run == 2 for i in b.items] == shuffled


def test_repeats_come_after_everything_that_tables_show() -> None:
    repeats = [batch.repeat for batch in plan_batches(BFI, CODES, "own", 2, "batch", repeats=2)]
    assert repeats == sorted(repeats) and repeats.count(1) == 52
