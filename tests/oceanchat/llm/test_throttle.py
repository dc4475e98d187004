"""The gate: the user's concurrency is the law, a throttling endpoint narrows it, its end opens it again."""

import asyncio
import time

import pytest

from oceanchat.errors import BuildStopped
from oceanchat.llm.throttle import WINDOW, Gate


async def hold(gate: Gate, seconds: float = 0.01) -> None:
    async with gate.slot(1):
        await asyncio.sleep(seconds)


async def test_no_more_than_the_concurrency_are_inside_and_all_get_in() -> None:
    gate = Gate(5)
    await asyncio.gather(*(hold(gate) for _ in range(40)))
    assert gate.most_in_flight == 5
    assert gate.in_flight == 0


async def most_inside(gate: Gate) -> int:
    gate.most_in_flight = 0
    await asyncio.gather(*(hold(gate) for _ in range(60)))
    return gate.most_in_flight


async def test_many_429_narrow_the_gate_and_their_end_opens_it() -> None:
    gate = Gate(32)
    for _ in range(10 * WINDOW):
        gate.replied(throttled=True)
    assert await most_inside(gate) == 1
    for _ in range(20 * WINDOW):
        gate.replied(throttled=False)
    assert await most_inside(gate) == 32


async def test_a_few_429_do_not_narrow_it() -> None:
    gate = Gate(16)
    for number in range(10 * WINDOW):
        gate.replied(throttled=number % 8 == 0)
    assert await most_inside(gate) == 16


async def test_a_retried_request_goes_before_those_that_wait() -> None:
    gate, order = Gate(1), []

    async def enter(name: str, ahead: bool) -> None:
        async with gate.slot(1, ahead):
            order.append(name)

    async with gate.slot(1):
        tasks = [asyncio.create_task(enter("first", False)), asyncio.create_task(enter("retried", True))]
        await asyncio.sleep(0)
    await asyncio.gather(*tasks)
    assert order == ["retried", "first"]


async def test_stopping_turns_away_those_who_wait_and_those_who_pause() -> None:
    gate = Gate(1)

    async def enter() -> None:
        async with gate.slot(1):
            pytest.fail("nobody gets in")

    async with gate.slot(1):
        waiting = [asyncio.create_task(enter()), asyncio.create_task(gate.pause(60))]
        await asyncio.sleep(0)
        gate.stop(BuildStopped("enough"))
        gate.stop(BuildStopped("a later reason does not replace the first"))
        told = await asyncio.gather(*waiting, return_exceptions=True)
    assert [str(error) for error in told] == ["enough", "enough"]
    with pytest.raises(BuildStopped, match="enough"):
        await hold(gate)
    assert gate.in_flight == 0


async def test_a_cancelled_waiter_leaves_its_place_to_others() -> None:
    gate = Gate(1)
    async with gate.slot(1):
        waiters = [asyncio.create_task(hold(gate)) for _ in range(3)]
        await asyncio.sleep(0)
        waiters[0].cancel()
    await asyncio.gather(*waiters, return_exceptions=True)
    assert gate.in_flight == 0
    assert [waiter.cancelled() for waiter in waiters] == [True, False, False]


@pytest.mark.parametrize(("rpm", "tpm"), [(1200, None), (None, 12_000)])
async def test_requests_and_tokens_a_minute_hold_over_time(rpm: float | None, tpm: float | None) -> None:
    gate = Gate(100, rpm, tpm)
    started = time.monotonic()

    async def one() -> None:
        async with gate.slot(10):
            return

    await asyncio.gather(*(one() for _ in range(30)))  # 20 a second; the first second's worth at once
    assert 0.4 <= time.monotonic() - started <= 3
