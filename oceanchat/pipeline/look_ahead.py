"""Ask for labels before they are needed.

A build labels no further than it has to, a few blocks at a time. Where each time is a round of its own, the
labels of the blocks that follow can be asked for together with those of the blocks that are needed.
"""

import asyncio
from collections import deque
from collections.abc import Iterator, Sequence

from oceanchat.pipeline.labeling import Labeler, OrderedSentence
from oceanchat.records import Candidate

Block = Sequence[Sequence[OrderedSentence]]
"""About 48 sentences in canonical order, in the groups that share a call."""


class LookAhead:
    """Blocks in their order, while those that follow are being labeled."""

    def __init__(self, blocks: Iterator[Block], labeler: Labeler, number: int) -> None:
        """`labeler` labels `number` blocks ahead; nobody waits for its labels, the ledger holds them."""
        self._blocks = blocks
        self._labeler = labeler
        self._number = number
        self._following: deque[Block] = deque()
        self._labeling: set[asyncio.Future[list[list[Candidate] | BaseException]]] = set()

    def __iter__(self) -> Iterator[Block]:
        return self

    def __next__(self) -> Block:
        while len(self._following) <= self._number and (block := next(self._blocks, None)) is not None:
            self._following.append(block)
            self._label(block)
        if not self._following:
            raise StopIteration
        return self._following.popleft()

    def _label(self, block: Block) -> None:
        labels = (self._labeler.label([group]) for group in block)
        labeling = asyncio.gather(*labels, return_exceptions=True)
        self._labeling.add(labeling)  # the event loop holds weak references only
        labeling.add_done_callback(self._labeling.discard)
