"""The canonical order in which sentences are looked at for one trait-level.

Essays whose author carries the target level come first, then unlabelled ones, then the rest; within each
group the
essays stand in an order drawn from the seed, and every round takes one more sentence of each, so that early
candidates come from as many authors as possible. Only the essays are held in memory, never their sentences.
"""

import hashlib
import itertools
import random
from array import array
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from oceanchat.stages.seed_topics import BLOCK
from oceanchat.store.build_rows import EssayPlace
from oceanchat.traits import TraitLevel


class Place(NamedTuple):
    """Where a candidate stands in the corpus."""

    order: int
    """Its place in the canonical order, from 0."""
    essay_number: int
    place: int
    """Its place in the essay, from 0."""


def candidate_blocks(
    essays: Sequence[EssayPlace], trait_level: TraitLevel, seed: int
) -> Iterator[Sequence[Place]]:
    """Blocks of BLOCK places in canonical order, the last one shorter."""
    block: list[Place] = []
    for order, (number, place) in enumerate(_places(essays, trait_level, seed)):
        block.append(Place(order, number, place))
        if len(block) == BLOCK:
            yield block
            block = []
    if block:
        yield block


def _places(essays: Sequence[EssayPlace], trait_level: TraitLevel, seed: int) -> Iterator[tuple[int, int]]:
    groups: list[list[EssayPlace]] = [[], [], []]
    for essay in essays:
        level = essay.labels.get(trait_level.trait)
        groups[1 if level is None else 0 if level is trait_level.level else 2].append(essay)
    for group in groups:
        left = sorted(group, key=lambda essay: _draw(seed, essay.id))
        places = {essay.number: _shuffled(essay, seed) for essay in left}
        for turn in itertools.count():
            left = [essay for essay in left if essay.sentence_count > turn]
            if not left:
                break
            for essay in left:
                yield essay.number, places[essay.number][turn]


def _draw(seed: int, essay_id: str) -> bytes:
    return hashlib.sha256(f"{seed}\x1f{essay_id}".encode("utf-8", "surrogatepass")).digest()


def _shuffled(essay: EssayPlace, seed: int) -> "array[int]":
    places = array("I", range(essay.sentence_count))
    random.Random(_draw(seed, essay.id)).shuffle(places)
    return places
