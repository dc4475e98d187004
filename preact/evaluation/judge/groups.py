"""Rate in groups, each stored in time.

Each group is stored before the next is sent, even where part of it was stopped, so that a kill costs at most
one group.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from pydantic import BaseModel

from preact.evaluation.transcripts import JsonLines

RatedT = TypeVar("RatedT")
RatingT = TypeVar("RatingT", bound=BaseModel)


async def rate_in_groups(
    size: int,
    remaining: Sequence[RatedT],
    rate: Callable[[RatedT], Awaitable[RatingT]],
    lines: JsonLines[RatingT],
    progress: Callable[[int], None] = lambda done: None,
) -> None:
    """Rate what remains, `size` at a time; raises what rating raised, after storing the rest of the group."""
    for start in range(0, len(remaining), size):
        group = remaining[start : start + size]
        outcomes = await asyncio.gather(*map(rate, group), return_exceptions=True)
        lines.append(outcome for outcome in outcomes if not isinstance(outcome, BaseException))
        for outcome in outcomes:
            if isinstance(outcome, BaseException):
                raise outcome
        progress(start + len(group))
