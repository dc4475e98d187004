"""Run coroutines where a loop may already run.

Jupyter runs its cells inside an event loop, where `asyncio.run` refuses to start another one.
"""

import asyncio
from collections.abc import Coroutine
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

T = TypeVar("T")


def run_anywhere(work: Coroutine[Any, Any, T]) -> T:
    """The result of `work`, by a loop of its own: here, or in a thread where this one runs a loop already.

    An interrupt of the waiting cell cancels the work, and is raised when the work has tidied up.
    """
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(work)
    return _in_thread(work)


def _in_thread(work: Coroutine[Any, Any, T]) -> T:
    begun: Future[tuple[asyncio.AbstractEventLoop, asyncio.Task[Any]]] = Future()

    async def watched() -> T:
        task = asyncio.current_task()
        assert task is not None
        begun.set_result((asyncio.get_running_loop(), task))
        return await work

    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="notebook") as thread:
        result = thread.submit(asyncio.run, watched())
        try:
            return result.result()
        except KeyboardInterrupt:
            loop, task = begun.result()
            if not result.done():
                loop.call_soon_threadsafe(task.cancel)
            raise
