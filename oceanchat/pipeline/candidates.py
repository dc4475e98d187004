"""Order the sentences considered for one trait-level.

Essays whose author carries the target level come first, then unlabeled ones, then the rest. Within each kind
sentences that speak of their writer come before others; the essays stand in an order drawn from the seed, and
every round takes one more sentence of each, so that early candidates come from as many authors as possible.
Only the essays are held in memory, never their sentences.
"""

import hashlib
import itertools
import random
from array import array
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from oceanchat.pipeline.seed_topics import BLOCK
from oceanchat.store.corpora import EssayOutline
from oceanchat.traits import TraitLevel


class SentencePosition(NamedTuple):
    """Where a candidate stands in the corpus."""

    order: int
    """Its number in the canonical order, from 0."""
    essay_number: int
    position: int
    """Its number among the essay's sentences, from 0."""


FirstPersonFlags = Callable[[Sequence[int]], Sequence[bytes]]
"""For each essay number one byte a sentence, 1 where it speaks of its writer."""


def candidate_blocks(
    essays: Sequence[EssayOutline],
    trait_level: TraitLevel,
    seed: int,
    first_person: FirstPersonFlags,
    together: int = 1,
) -> Iterator[Sequence[Sequence[SentencePosition]]]:
    """Blocks of about BLOCK positions in canonical order, each in groups of `together` that share a call.

    Groups never reach over the edge between two kinds of essays, so the high and the low level of a trait,
    which take the kinds in opposite order, put the same sentences together and share the answers.
    """
    order = itertools.count()
    groups = (
        [SentencePosition(next(order), number, position) for number, position in group]
        for kind in _kinds(essays, trait_level, seed, first_person)
        for group in _in_groups(kind, together)
    )
    while block := list(itertools.islice(groups, max(1, BLOCK // together))):
        yield block


def _in_groups(positions: Iterator[tuple[int, int]], size: int) -> Iterator[list[tuple[int, int]]]:
    while group := list(itertools.islice(positions, size)):
        yield group


def _kinds(
    essays: Sequence[EssayOutline], trait_level: TraitLevel, seed: int, first_person: FirstPersonFlags
) -> Iterator[Iterator[tuple[int, int]]]:
    """(Essay number, position) pairs of the target level's essays, of unlabeled ones, of the rest."""
    kinds: tuple[list[EssayOutline], ...] = ([], [], [])
    for essay in essays:
        level = essay.labels.get(trait_level.trait)
        kinds[1 if level is None else 0 if level is trait_level.level else 2].append(essay)
    for kind in kinds:
        yield _in_order(sorted(kind, key=lambda essay: _draw(seed, essay.id)), seed, first_person)


def _in_order(
    essays: list[EssayOutline], seed: int, first_person: FirstPersonFlags
) -> Iterator[tuple[int, int]]:
    """Rounds over the sentences that speak of their writers, then over the others."""
    own: dict[int, array[int]] = {}
    others: dict[int, array[int]] = {}
    # Essays are looked into when they are first reached: a large corpus is never read whole.
    for start in range(0, len(essays), BLOCK):
        reached = essays[start : start + BLOCK]
        flags = first_person([essay.number for essay in reached])
        for essay, of_writer in zip(reached, flags, strict=True):
            positions = _shuffled(essay, seed)
            own[essay.number] = array("I", (p for p in positions if of_writer[p]))
            others[essay.number] = array("I", (p for p in positions if not of_writer[p]))
            if own[essay.number]:
                yield essay.number, own[essay.number][0]
    yield from _in_rounds(essays, own, 1)
    yield from _in_rounds(essays, others, 0)


def _in_rounds(
    essays: list[EssayOutline], positions: "dict[int, array[int]]", first: int
) -> Iterator[tuple[int, int]]:
    """One sentence of each essay, then another of each, until all have run out, from round `first` on."""
    for turn in itertools.count(first):
        essays = [essay for essay in essays if len(positions[essay.number]) > turn]
        if not essays:
            break
        for essay in essays:
            yield essay.number, positions[essay.number][turn]


def _draw(seed: int, essay_id: str) -> bytes:
    return hashlib.sha256(f"{seed}\x1f{essay_id}".encode("utf-8", "surrogatepass")).digest()


def _shuffled(essay: EssayOutline, seed: int) -> "array[int]":
    positions = array("I", range(essay.sentence_count))
    random.Random(_draw(seed, essay.id)).shuffle(positions)
    return positions
