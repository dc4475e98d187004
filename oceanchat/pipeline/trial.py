"""Bring one seed topic through all roles.

A build does so before it buys in bulk, so that a model that is mistyped, refuses or cannot be read costs a
handful of calls. The requests are the build's own: labels of its first sentences, then the dialogue about a
topic that those make likely, one at a time. Their answers are replayed by the build, which selects its seed
topics as if there had been no trial.
"""

from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass

from oceanchat.models import ModelSession
from oceanchat.pipeline.labeling import Labeler, OrderedSentence
from oceanchat.pipeline.seed_topics import seed_topic
from oceanchat.records import Candidate, SeedTopic
from oceanchat.traits import TraitLevel

TOGETHER = 8
"""Sentences labeled at once."""
ENOUGH = 16
"""So many labels are made in search of a topic of full strength, which the build is sure to take first."""
FULL_STRENGTH = 5

Together = Sequence[OrderedSentence]
"""Sentences that share a call."""


@dataclass(frozen=True)
class Trial:
    """The trial of one trait-level."""

    trait_level: TraitLevel
    labeler: Labeler
    write_and_check: Callable[[SeedTopic], Awaitable[bool]]
    """Whether a dialogue about the topic was written and the checker gave a verdict on it."""
    session: ModelSession
    min_strength: int = 1
    """The least strength of a seed topic, 1 to 5."""

    async def run(self, block: Sequence[Together]) -> bool:
        """Whether a topic of the build's first block came through all roles."""
        labeled, tried, topics = 0, 0, list[Candidate]()
        for groups in _steps(block):
            candidates = await self.labeler.label(groups)
            labeled += len(candidates)
            topics += [c for c in candidates if self._fits(c)]
            if labeled < ENOUGH and all(c.strength != FULL_STRENGTH for c in topics):
                continue
            for candidate in sorted(topics, key=lambda c: (-(c.strength or 0), c.order)):
                if self.session.throttle.stopped is not None:  # a role has turned out to be of no use
                    return False
                if await self.write_and_check(seed_topic(self.trait_level, candidate, tried)):
                    return True
                tried += 1
            topics.clear()
        return False

    def _fits(self, candidate: Candidate) -> bool:
        strong = (candidate.strength or 0) >= self.min_strength
        return candidate.level is self.trait_level.level and strong


def _steps(block: Sequence[Together]) -> Iterator[list[Together]]:
    """The groups of a block, about TOGETHER sentences at a time."""
    step: list[Together] = []
    for group in block:
        step.append(group)
        if sum(map(len, step)) >= TOGETHER:
            yield step
            step = []
    if step:
        yield step
