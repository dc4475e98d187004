"""The user's concurrency is the law, a throttling endpoint narrows it, its end opens it again."""

import asyncio
import time

import pytest

from oceanchat.errors import BuildStopped
from oceanchat.llm.throttle import WINDOW, Throttle


async def hold(throttle: Throttle, seconds: float = 0.01) -> None:
    async with throttle.slot(1):
        await asyncio.sleep(seconds)


async def test_no_more_than_the_concurrency_are_inside_and_all_get_in() -> None:
    throttle = Throttle(5)
    await asyncio.gather(*(hold(throttle) for _ in range(40)))
    assert throttle.max_in_flight == 5
    assert throttle.in_flight == 0


async def max_inside(throttle: Throttle) -> int:
    throttle.max_in_flight = 0
    await asyncio.gather(*(hold(throttle) for _ in range(60)))
    return throttle.max_in_flight


async def test_many_429_narrow_the_gate_and_their_end_opens_it() -> None:
    throttle = Throttle(32)
    for _ in range(10 * WINDOW):
        throttle.replied(throttled=True)
    assert await max_inside(throttle) == 1
    for _ in range(20 * WINDOW):
        throttle.replied(throttled=False)
    assert await max_inside(throttle) == 32


async def test_a_few_429_do_not_narrow_it() -> None:
    throttle = Throttle(16)
    for number in range(10 * WINDOW):
        throttle.replied(throttled=number % 8 == 0)
    assert await max_inside(throttle) == 16


async def test_a_retried_request_goes_before_those_that_wait() -> None:
    throttle, order = Throttle(1), []

    async def enter(name: str, ahead: bool) -> None:
        async with throttle.slot(1, ahead):
            order.append(name)

    async with throttle.slot(1):
        tasks = [asyncio.create_task(enter("first", False)), asyncio.create_task(enter("retried", True))]
        await asyncio.sleep(0)
    await asyncio.gather(*tasks)
    assert order == ["retried", "first"]


async def test_stopping_turns_away_those_who_wait_and_those_who_pause() -> None:
    throttle = Throttle(1)

    async def enter() -> None:
        async with throttle.slot(1):
            pytest.fail("nobody gets in")

    async with throttle.slot(1):
        waiting = [asyncio.create_task(enter()), asyncio.create_task(throttle.pause(60))]
        await asyncio.sleep(0)
        throttle.stop(BuildStopped("enough"))
        throttle.stop(BuildStopped("a later reason does not replace the first"))
        errors = await asyncio.gather(*waiting, return_exceptions=True)
    assert [str(error) for error in errors] == ["enough", "enough"]
    with pytest.raises(BuildStopped, match="enough"):
        await hold(throttle)
    assert throttle.in_flight == 0


async def test_a_cancelled_waiter_leaves_its_place_to_others() -> None:
    throttle = Throttle(1)
    async with throttle.slot(1):
        waiters = [asyncio.create_task(hold(throttle)) for _ in range(3)]
        await asyncio.sleep(0)
        waiters[0].cancel()
    await asyncio.gather(*waiters, return_exceptions=True)
    assert throttle.in_flight == 0
    assert [waiter.cancelled() for waiter in waiters] == [True, False, False]


@pytest.mark.parametrize(("rpm", "tpm"), [(1200, None), (None, 12_000)])
async def test_requests_and_tokens_a_minute_hold_over_time(rpm: float | None, tpm: float | None) -> None:
    throttle = Throttle(100, rpm, tpm)
    started = time.monotonic()

    async def enter() -> None:
        async with throttle.slot(10):
            return

    await asyncio.gather(*(enter() for _ in range(30)))  # 20 a second; the first second's worth at once
    assert 0.4 <= time.monotonic() - started <= 3
