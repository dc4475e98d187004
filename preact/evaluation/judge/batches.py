"""Group the answers that are judged together.

Three or four of one trait at a time (the paper's protocol: 4+4, 3+3+3, 3+4+3 for 8, 9, 10 items), a whole
dimension, or single answers. Arithmetic over an inventory; nothing is asked here.
"""

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from oceanchat.traits import TRAITS, Trait
from preact.evaluation.interview.interviewing import UNCONDITIONED
from preact.evaluation.interview.inventories import Inventory, InventoryItem
from preact.evaluation.judge.verdicts import Mode

LARGEST_BATCH = 4


class AnswerBatch(NamedTuple):
    """Answers that are judged together."""

    trait_level: str
    """Whose answers: a code, or 'none'."""
    run: int
    trait: Trait
    """The trait they are rated for, which is the one the items measure."""
    number: int
    """Its number among the trait's batches, from 0."""
    repeat: int
    """0 is the score that tables show; higher ones are for the judge's agreement with itself."""
    items: tuple[str, ...]

    @property
    def key(self) -> tuple[str, int, Trait, int, int]:
        """Identifies the batch: each is judged only once."""
        return self.trait_level, self.run, self.trait, self.number, self.repeat


def batch_sizes(items: int) -> tuple[int, ...]:
    """Sizes of at most four that differ by at most one: 8 gives 4+4, 9 gives 3+3+3, 10 gives 3+4+3."""
    parts = math.ceil(items / LARGEST_BATCH)
    ends = [round(part * items / parts) for part in range(parts + 1)]
    return tuple(end - start for start, end in pairwise(ends))


def grouped_ids(items: Sequence[InventoryItem], mode: Mode) -> list[tuple[str, ...]]:
    """The ids of a trait's items, grouped as the mode asks."""
    sizes = {"dimension": (len(items),), "item": (1,) * len(items)}.get(mode) or batch_sizes(len(items))
    ids, groups, start = [item.id for item in items], [], 0
    for size in sizes:
        groups.append(tuple(ids[start : start + size]))
        start += size
    return groups


def plan_batches(
    inventory: Inventory, codes: Sequence[str], scope: str, runs: int, mode: Mode, repeats: int = 1
) -> list[AnswerBatch]:
    """Every batch to be judged, the scores that tables show first."""
    return [
        AnswerBatch(code, run, trait, number, repeat, ids)
        for repeat in range(repeats)
        for run in range(runs)
        for code in codes
        for trait in TRAITS
        if scope == "all" or code == UNCONDITIONED or code.startswith(trait.value)
        for number, ids in enumerate(grouped_ids(inventory.in_order(trait, run), mode))
    ]
