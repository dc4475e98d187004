"""Coroutines run whether or not a loop runs already, and an interrupt ends them tidily."""

import asyncio
import threading
from concurrent.futures import Future
from typing import Any

import pytest

from oceanchat.notebook.loops import run_anywhere


async def double(number: int) -> int:
    await asyncio.sleep(0)
    return 2 * number


def test_a_coroutine_runs_where_no_loop_does() -> None:
    assert run_anywhere(double(4)) == 8


async def test_a_coroutine_runs_inside_a_running_loop() -> None:
    assert run_anywhere(double(4)) == 8


async def test_its_error_is_raised_as_itself() -> None:
    async def fail() -> None:
        raise ValueError("as it was")

    with pytest.raises(ValueError, match="as it was"):
        run_anywhere(fail())


async def test_an_interrupt_cancels_the_work_and_waits_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    begun, tidied = threading.Event(), threading.Event()

    async def work() -> None:
        begun.set()
        try:
            await asyncio.sleep(3600)
        finally:
            tidied.set()

    def interrupted(future: "Future[Any]", timeout: float | None = None) -> Any:
        if threading.current_thread() is threading.main_thread() and not future.done():
            begun.wait()
            raise KeyboardInterrupt
        return waited(future, timeout)

    waited = Future.result
    monkeypatch.setattr(Future, "result", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run_anywhere(work())
    assert tidied.is_set()
