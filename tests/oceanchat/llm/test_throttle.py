"""The user's concurrency is the law, a throttling endpoint narrows it, its end opens it again."""

import asyncio
import time

import pytest

from oceanchat.errors import BuildStopped
from oceanchat.llm.throttle import WINDOW, OwnRates, Throttle


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


async def test_timeouts_narrow_it_to_what_is_answered_in_time() -> None:
    throttle = Throttle(32, timeout=60)
    for _ in range(12):
        throttle.replied(throttled=False, seconds=5)
    throttle.timed_out(0)
    assert await max_inside(throttle) == 4
    assert throttle.pace == (5.0, 4)
    for _ in range(3 * WINDOW):  # replies that take more than half of the time limit widen nothing
        throttle.replied(throttled=False, seconds=40)
    assert await max_inside(throttle) == 4
    for _ in range(10 * WINDOW):
        throttle.replied(throttled=False, seconds=5)
    assert await max_inside(throttle) == 32


async def test_a_timeout_among_many_answers_narrows_nothing() -> None:
    throttle = Throttle(8, timeout=60)
    for _ in range(50):
        throttle.replied(throttled=False, seconds=1)
    throttle.timed_out(0)
    assert await max_inside(throttle) == 8 and throttle.pace is None


async def test_timeouts_of_single_requests_are_counted_until_one_is_answered() -> None:
    throttle = Throttle(8, timeout=60)
    for _ in range(8):  # sent together
        throttle.timed_out(0)
    assert throttle.stalls == 0 and await max_inside(throttle) == 1
    for _ in range(3):
        throttle.timed_out(time.monotonic())
    assert throttle.stalls == 3
    throttle.replied(throttled=False, seconds=1)
    assert throttle.stalls == 0


async def test_the_retried_are_served_in_their_order() -> None:
    throttle, order = Throttle(1), []

    async def enter(name: int) -> None:
        async with throttle.slot(1, ahead=True):
            order.append(name)

    async with throttle.slot(1):
        tasks = [asyncio.create_task(enter(number)) for number in range(3)]
        await asyncio.sleep(0)
    await asyncio.gather(*tasks)
    assert order == [0, 1, 2]


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
    throttle = Throttle(100, OwnRates(rpm, tpm))
    started = time.monotonic()

    async def enter() -> None:
        async with throttle.slot(10):
            return

    await asyncio.gather(*(enter() for _ in range(30)))  # 20 a second; the first second's worth at once
    assert time.monotonic() - started >= 0.4
