"""Blocks come in their order, while those behind them are being labeled."""

import asyncio
from collections.abc import Sequence

from oceanchat.pipeline.labeling import OrderedSentence
from oceanchat.pipeline.look_ahead import Block, LookAhead
from oceanchat.records import Candidate, Sentence


class Listening:
    """A labeler that notes what it is asked to label, and fails."""

    def __init__(self) -> None:
        self.orders: list[int] = []

    async def label(self, groups: Sequence[Sequence[OrderedSentence]]) -> list[Candidate]:
        self.orders += [entry.order for group in groups for entry in group]
        raise RuntimeError("nobody hears of it")


def blocks(number: int) -> list[Block]:
    sentence = Sentence(id="s", essay_id="e", author="", start=0, end=7, text="I sing.")
    return [[[OrderedSentence(order, sentence)]] for order in range(number)]


async def test_so_many_blocks_are_labeled_ahead_and_each_once() -> None:
    labeler, given = Listening(), blocks(5)
    ahead = LookAhead(iter(given), labeler, number=2)  # type: ignore[arg-type]
    taken = []
    for labeled in (3, 4, 5, 5, 5):
        taken.append(next(ahead))
        await asyncio.sleep(0.01)
        assert labeler.orders == [*range(labeled)]
    assert taken == given and next(ahead, None) is None
