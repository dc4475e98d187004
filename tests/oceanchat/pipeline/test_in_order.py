"""Many things are done at once, in a window, and taken in order."""

import asyncio
from collections.abc import Coroutine, Iterator
from typing import Any

import pytest

from oceanchat.pipeline.in_order import all_of, take_in_order


class Works:
    """Numbers that come in another order than they were asked for, and a count of those not taken."""

    def __init__(self, number: int, wrong: int | None = None) -> None:
        self.number, self.wrong = number, wrong
        self.begun = self.most = self.stopped = 0
        self.taken: list[int] = []

    def __iter__(self) -> Iterator[Coroutine[Any, Any, int]]:
        for number in range(self.number):
            self.begun += 1
            self.most = max(self.most, self.begun - len(self.taken))
            yield self._work(number)

    async def _work(self, number: int) -> int:
        try:
            await asyncio.sleep(0.001 * (7 * number % 5))
        except asyncio.CancelledError:
            self.stopped += 1
            raise
        if number == self.wrong:
            raise ValueError("the third")
        return number

    async def take(self, number: int) -> None:
        self.taken.append(number)


@pytest.mark.parametrize(("at_once", "most"), [(1, 1), (3, 3), (None, 10)])
async def test_results_are_taken_in_order_and_few_are_under_way(at_once: int | None, most: int) -> None:
    works = Works(10)
    await take_in_order(works, works.take, at_once)
    assert works.taken == list(range(10)) and works.most == most


async def test_the_first_error_stops_the_others_and_is_raised_as_itself() -> None:
    works = Works(10, wrong=2)
    with pytest.raises(ValueError, match="the third"):
        await take_in_order(works, works.take, 5)
    assert works.taken == [0, 1] and works.begun < 10
    others = Works(10, wrong=0)
    with pytest.raises(ValueError, match="the third"):
        await all_of(others)
    assert others.stopped > 0
