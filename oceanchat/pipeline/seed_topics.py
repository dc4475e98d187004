"""Select one trait-level's seed topics (stage 1).

Candidates come in a canonical order and are labeled in blocks of fixed size; what is chosen depends on that
order alone, never on which answer came first, so a longer run begins with what a shorter one chose (paper,
section 3.1). It knows no store.
"""

import itertools
import math
from array import array
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from oceanchat.facets import FACETS
from oceanchat.near_duplicates import NearDuplicates
from oceanchat.pipeline.in_order import all_of, take_in_order
from oceanchat.pipeline.labeling import Labeler, OrderedSentence
from oceanchat.records import Candidate, SeedTopic, content_id
from oceanchat.spool import Lazy, Spool
from oceanchat.traits import TraitLevel

BLOCK = 48
"""Candidates labeled before the next choice is made."""
CHOSEN_PER_BLOCK = 12
"""Seed topics chosen at most for each block: a quarter, so that 'strongest first' means something."""
SIMILAR = 0.5
"""Jaccard similarity of word pairs from which two seed topics are near-duplicates."""
FACET_LEAD_COST = 0.5
"""How much strength (1 to 5) a facet gives up for each seed topic it is ahead of the least used one."""


class _InPool(NamedTuple):
    """A candidate that may become a seed topic."""

    number: int
    """In the canonical order, from 0."""
    essay_id: str


@dataclass
class SeedSelector:
    """Selects the seed topics of one trait-level in canonical order, labeling no further than is needed."""

    trait_level: TraitLevel
    labeler: Labeler
    blocks: Iterator[Sequence[Sequence[OrderedSentence]]]
    """Blocks of about BLOCK candidates in canonical order, in the groups that share a call."""
    seeds_per_essay: int
    """Seed topics taken from one essay at most."""
    min_strength: int = 1
    """The least strength of a seed topic, 1 to 5."""
    on_labeled: Callable[[Sequence[Candidate]], None] = lambda candidates: None
    """Called with the candidates of each call as it is answered."""
    blocks_at_once: int | None = None
    """Blocks being labeled at the same time at most; None: all that are needed."""
    _candidates: Spool[Candidate] = field(default_factory=lambda: Spool(Candidate, together=BLOCK))
    """All candidates labeled so far, in order."""
    _pool: defaultdict[tuple[str, int], deque[_InPool]] = field(default_factory=lambda: defaultdict(deque))
    """Those that fit and were not considered yet, in order, by facet and strength."""
    _selected: "array[int]" = field(default_factory=lambda: array("I"))
    """Candidates by their numbers, in the order of choice."""
    _returned: int = 0
    _blocks_taken: int = 0
    _exhausted: bool = False
    _per_essay: Counter[str] = field(default_factory=Counter)
    _per_facet: Counter[str] = field(default_factory=Counter)
    _texts: NearDuplicates = field(default_factory=lambda: NearDuplicates(n=2))

    async def next(self, count: int) -> Lazy[SeedTopic]:
        """The next `count` seed topics, fewer when the corpus holds no more."""
        while (missing := count - (len(self._selected) - self._returned)) > 0:
            if not self._exhausted:
                # A block gives at most CHOSEN_PER_BLOCK, so this many are needed whatever they hold: no
                # call is wasted.
                await self._label_blocks(math.ceil(missing / CHOSEN_PER_BLOCK))
            elif not self._select():
                break
        first = self._returned
        self._returned = min(first + count, len(self._selected))
        return Lazy(self._topic, range(first, self._returned))

    def _topic(self, order: int) -> SeedTopic:
        return seed_topic(self.trait_level, self._candidates.read(self._selected[order]), order)

    async def _label_blocks(self, number: int) -> None:
        # Asked once for all of these blocks, whose answers come in any order.
        together = self.labeler.reads_together

        async def label_group(group: Sequence[OrderedSentence]) -> list[Candidate]:
            candidates = await self.labeler.label([group], together)
            self.on_labeled(candidates)
            return candidates

        async def label_block(block: Sequence[Sequence[OrderedSentence]]) -> list[Candidate]:
            groups = await all_of(map(label_group, block))
            return [candidate for group in groups for candidate in group]

        before = self._blocks_taken
        await take_in_order(
            map(label_block, itertools.islice(self.blocks, number)), self._take, self.blocks_at_once
        )
        self._exhausted = self._blocks_taken - before < number

    async def _take(self, block: Sequence[Candidate]) -> None:
        self._blocks_taken += 1
        for candidate in block:
            if self._fits(candidate):
                kind = candidate.facet or "", candidate.strength or 0
                self._pool[kind].append(_InPool(len(self._candidates), candidate.sentence.essay_id))
            self._candidates.add(candidate)
        self._select()

    def _fits(self, candidate: Candidate) -> bool:
        strong = (candidate.strength or 0) >= self.min_strength
        return candidate.level is self.trait_level.level and strong

    def _select(self) -> bool:
        """Select up to CHOSEN_PER_BLOCK from the pool, strongest first and spread over the facets.

        Returns whether the pool held any candidate.
        """
        any_left = False
        for _ in range(CHOSEN_PER_BLOCK):
            self._drop_used_up()
            if not self._pool:
                break
            any_left = True
            rarest = min(self._per_facet[facet.id] for facet in FACETS[self.trait_level.trait])
            best = max(self._pool, key=lambda kind: self._score(kind, rarest))
            number = self._pool[best].popleft().number
            candidate = self._candidates.read(number)
            closest = self._texts.closest(candidate.sentence.text)
            if closest is None or closest.jaccard < SIMILAR:
                self._add(number, candidate)
        return any_left

    def _drop_used_up(self) -> None:
        """Make sure that the first of each kind is of an essay that may give another seed topic."""
        for kind, waiting in list(self._pool.items()):
            while waiting and self._per_essay[waiting[0].essay_id] >= self.seeds_per_essay:
                waiting.popleft()
            if not waiting:
                del self._pool[kind]

    def _score(self, kind: tuple[str, int], rarest: int) -> tuple[float, int]:
        """Strength, less what the facet's lead over the rarest one costs; the earlier of equals wins."""
        facet, strength = kind
        return strength - FACET_LEAD_COST * (self._per_facet[facet] - rarest), -self._pool[kind][0].number

    def _add(self, number: int, candidate: Candidate) -> None:
        sentence = candidate.sentence
        self._texts.add(sentence.id, sentence.text)
        self._per_essay[sentence.essay_id] += 1
        self._per_facet[candidate.facet or ""] += 1
        self._selected.append(number)

    def final_candidates(self) -> Lazy[Candidate]:
        """All labeled candidates in their final states: those that `next` returned are 'selected', other
        sentences of the right level, the too weak ones among them, 'surplus'."""
        selected = bytearray(len(self._candidates))
        for number in self._selected[: self._returned]:
            selected[number] = True
        return Lazy(lambda number: self._final(number, bool(selected[number])), range(len(selected)))

    def _final(self, number: int, selected: bool) -> Candidate:
        candidate = self._candidates.read(number)
        if candidate.level is not self.trait_level.level:
            return candidate
        return candidate.model_copy(update={"state": "selected" if selected else "surplus"})


def seed_topic(trait_level: TraitLevel, candidate: Candidate, order: int) -> SeedTopic:
    """The seed topic that a candidate makes, as number `order` of its trait-level."""
    sentence = candidate.sentence
    return SeedTopic(
        id=content_id(trait_level.code, candidate.facet or "", sentence.id),
        order=order,
        sentence_id=sentence.id,
        essay_id=sentence.essay_id,
        author=sentence.author,
        trait=trait_level.trait,
        level=trait_level.level,
        facet=candidate.facet or "",
        strength=candidate.strength or 1,
        text=sentence.text,
        reason=candidate.reason,
    )
