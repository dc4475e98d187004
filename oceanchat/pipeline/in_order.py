"""Do many things at once, in a window.

What each brings is taken in order, and no more are begun than fit into the window beside those that are not
taken yet: memory does not grow with how many there are.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterable
from contextlib import asynccontextmanager
from typing import Any, TypeVar

T = TypeVar("T")


@asynccontextmanager
async def task_group() -> AsyncIterator[asyncio.TaskGroup]:
    """A TaskGroup whose first error is raised as itself."""
    try:
        async with asyncio.TaskGroup() as group:
            yield group
    except BaseExceptionGroup as errors:
        raise errors.exceptions[0] from None


async def all_of(works: Iterable[Coroutine[Any, Any, T]]) -> tuple[T, ...]:
    """Do several things at once; the first error stops the others and is raised as itself."""
    async with task_group() as group:
        tasks = [group.create_task(work) for work in works]
    return tuple(task.result() for task in tasks)


async def take_in_order(
    works: Iterable[Coroutine[Any, Any, T]], take: Callable[[T], Awaitable[None]], at_once: int | None
) -> None:
    """`take` the results of `works` one after the other, doing `at_once` of them (None: all) meanwhile.

    The first error stops the others and is raised as itself.
    """
    begun: deque[asyncio.Task[T]] = deque()
    async with task_group() as group:
        for work in works:
            begun.append(group.create_task(work))
            if len(begun) == at_once:
                await take(await begun.popleft())
        while begun:
            await take(await begun.popleft())
