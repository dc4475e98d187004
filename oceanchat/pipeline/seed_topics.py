"""Select one trait-level's seed topics (stage 1).

Candidates come in a canonical order and are labeled in blocks of fixed size; what is chosen depends on that
order alone, never on which answer came first, so a longer run begins with what a shorter one chose (paper,
section 3.1). It knows no store and no file.
"""

import asyncio
import itertools
import math
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from oceanchat.facets import FACETS
from oceanchat.near_duplicates import NearDuplicates
from oceanchat.pipeline.labeling import Labeler, OrderedSentence
from oceanchat.records import Candidate, SeedTopic, content_id
from oceanchat.traits import TraitLevel

BLOCK = 48
"""Candidates labeled before the next choice is made."""
CHOSEN_PER_BLOCK = 12
"""Seed topics chosen at most for each block: a quarter, so that 'strongest first' means something."""
SIMILAR = 0.5
"""Jaccard similarity of word pairs from which two seed topics are near-duplicates."""
FACET_LEAD_COST = 0.5
"""How much strength (1 to 5) a facet gives up for each seed topic it is ahead of the least used one."""


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
    candidates: list[Candidate] = field(default_factory=list)
    """All candidates labeled so far, in order."""
    _pool: list[Candidate] = field(default_factory=list)
    _selected: list[SeedTopic] = field(default_factory=list)
    _returned: int = 0
    _exhausted: bool = False
    _per_essay: Counter[str] = field(default_factory=Counter)
    _per_facet: Counter[str] = field(default_factory=Counter)
    _texts: NearDuplicates = field(default_factory=lambda: NearDuplicates(n=2))

    async def next(self, count: int) -> list[SeedTopic]:
        """The next `count` seed topics, fewer when the corpus holds no more."""
        while (missing := count - (len(self._selected) - self._returned)) > 0:
            if not self._exhausted:
                # A block gives at most CHOSEN_PER_BLOCK, so this many are needed whatever they hold: no
                # call is wasted.
                await self._label_blocks(math.ceil(missing / CHOSEN_PER_BLOCK))
            elif not self._select():
                break
        seeds = self._selected[self._returned : self._returned + count]
        self._returned += len(seeds)
        return seeds

    async def _label_blocks(self, number: int) -> None:
        blocks = list(itertools.islice(self.blocks, number))
        # Asked once for all of these blocks, whose answers come in any order.
        together = self.labeler.reads_together

        async def label_group(group: Sequence[OrderedSentence]) -> list[Candidate]:
            candidates = await self.labeler.label([group], together)
            self.on_labeled(candidates)
            return candidates

        labeled = [asyncio.gather(*map(label_group, block)) for block in blocks]
        for groups in await asyncio.gather(*labeled):
            block = [candidate for group in groups for candidate in group]
            self.candidates += block
            self._pool += [c for c in block if self._fits(c)]
            self._select()
        self._exhausted = len(blocks) < number

    def _fits(self, candidate: Candidate) -> bool:
        strong = (candidate.strength or 0) >= self.min_strength
        return candidate.level is self.trait_level.level and strong

    def _select(self) -> bool:
        """Select up to CHOSEN_PER_BLOCK from the pool, strongest first and spread over the facets.

        Returns whether the pool held any candidate.
        """
        facets = FACETS[self.trait_level.trait]
        any_left = False
        for _ in range(CHOSEN_PER_BLOCK):
            self._pool = [
                c for c in self._pool if self._per_essay[c.sentence.essay_id] < self.seeds_per_essay
            ]
            if not self._pool:
                break
            any_left = True
            rarest = min(self._per_facet[facet.id] for facet in facets)
            best = max(self._pool, key=lambda c: self._score(c, rarest))
            self._pool.remove(best)
            closest = self._texts.closest(best.sentence.text)
            if closest is None or closest.jaccard < SIMILAR:
                self._add(best)
        return any_left

    def _score(self, candidate: Candidate, rarest: int) -> tuple[float, int]:
        """Strength, less what the facet's lead over the rarest one costs; the earlier of equals wins."""
        lead = self._per_facet[candidate.facet or ""] - rarest
        return (candidate.strength or 0) - FACET_LEAD_COST * lead, -candidate.order

    def _add(self, candidate: Candidate) -> None:
        sentence = candidate.sentence
        self._texts.add(sentence.id, sentence.text)
        self._per_essay[sentence.essay_id] += 1
        self._per_facet[candidate.facet or ""] += 1
        self._selected.append(seed_topic(self.trait_level, candidate, len(self._selected)))

    def final_candidates(self, used: Sequence[SeedTopic]) -> list[Candidate]:
        """All labeled candidates in their final states: those in `used` are 'selected', other sentences of
        the right level, the too weak ones among them, 'surplus'."""
        selected = {seed.sentence_id for seed in used}
        return [self._final(candidate, selected) for candidate in self.candidates]

    def _final(self, candidate: Candidate, selected: set[str]) -> Candidate:
        if candidate.level is not self.trait_level.level:
            return candidate
        state = "selected" if candidate.sentence.id in selected else "surplus"
        return candidate.model_copy(update={"state": state})


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
