"""A cap and rates hold over all processes of a build, also over those that are killed."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import select

from oceanchat.errors import BuildStopped
from oceanchat.llm.budget import CallBounds
from oceanchat.llm.prices import load_prices
from oceanchat.llm.shared_budget import SharedAccount, SharedBudget
from oceanchat.store import ledger_runs, shared_limits
from oceanchat.store.database import Store, open_store
from oceanchat.store.ledger_writer import LedgerWriter
from oceanchat.store.shared_limits import SharedLimits
from tests.endpoint import MODEL, prices_file
from tests.processes import PATIENCE

DRIVER = "driver"
BOUNDS = CallBounds("http://x/v1", MODEL, 0, 10)
"""The worst case of this request costs ten cents."""


@pytest.fixture
def prices(tmp_path: Path) -> Path:
    """A cent an output token, nothing for a prompt."""
    return prices_file(tmp_path, 0.0, 10_000.0)


@asynccontextmanager
async def processes(
    store: Store, prices: Path, number: int, limits: SharedLimits
) -> AsyncIterator[list[SharedBudget]]:
    """The budgets of so many processes of one build; a run on record stands for each process."""
    with store.writing() as connection:
        shared_limits.start(connection, DRIVER, limits)
    async with AsyncExitStack() as stack:
        budgets = []
        for _ in range(number):
            writer = LedgerWriter(store.engine)
            await writer.open()
            stack.push_async_callback(writer.close)
            cap = None if limits.cap is None else float(limits.cap)
            account = SharedAccount(store, writer.run, DRIVER, limits.rpm, limits.tpm)
            budgets.append(SharedBudget(load_prices(prices), cap, account))
            stack.push_async_callback(budgets[-1].close)
        yield budgets


def limits_of(store: Store) -> SharedLimits:
    with store.reading() as connection:
        limits = shared_limits.change(connection, DRIVER, lambda limits, now: limits)
    assert limits is not None
    return limits


@pytest.mark.postgres
async def test_processes_that_reserve_at_once_keep_one_cap(postgres_url: str, prices: Path) -> None:
    store = open_store(postgres_url)

    async def spend(budget: SharedBudget) -> bool:
        try:
            reservation = await budget.reserve(BOUNDS)
        except BuildStopped:
            return False
        await asyncio.sleep(0.01)
        budget.settle(reservation, Decimal("0.07"), 7)
        return True

    async with processes(store, prices, 3, SharedLimits(cap=Decimal(1))) as budgets:
        spent = await asyncio.gather(*(spend(budget) for budget in budgets for _ in range(10)))
    assert sum(spent) == 13  # 12 leave 16 cents, room for one more at its worst; 13 leave none
    assert limits_of(store).spent == Decimal("0.91")
    store.close()


async def test_what_others_have_in_flight_is_waited_for(store: Store, prices: Path) -> None:
    async with processes(store, prices, 2, SharedLimits(cap=Decimal("0.15"))) as (one, other):
        first = await one.reserve(BOUNDS)
        second = asyncio.create_task(other.reserve(BOUNDS))
        await asyncio.sleep(0.05)
        assert not second.done()
        one.settle(first, Decimal("0.05"), 5)
        other.settle(await asyncio.wait_for(second, PATIENCE), Decimal("0.06"), 6)
        await other.close()
        with pytest.raises(BuildStopped, match=r"'0.15' is reached: \$0.1100 spent and the next"):
            await one.reserve(BOUNDS)


async def test_what_a_killed_process_had_in_flight_counts_as_spent(store: Store, prices: Path) -> None:
    async with processes(store, prices, 2, SharedLimits(cap=Decimal("0.15"))) as (killed, other):
        reservation = await killed.reserve(BOUNDS)
        with store.writing() as connection:
            ledger_runs.end_run(connection, killed._account._run)
        with pytest.raises(BuildStopped, match=r"\$0.1000 spent and the next"):
            await asyncio.wait_for(other.reserve(BOUNDS), PATIENCE)
        assert killed._account._run not in limits_of(store).in_flight
        killed.settle(reservation, Decimal("0.02"), 2)  # it lives after all, and says what it cost
        await killed.close()
        assert limits_of(store).spent == Decimal("0.02")


async def test_rates_are_those_of_all_processes_together(store: Store, prices: Path) -> None:
    async with processes(store, prices, 2, SharedLimits(rpm=600, tpm=60_000)) as budgets:
        one, other = (budget._account for budget in budgets)
        started = time.monotonic()
        waits = [await account.wait_for(1) for _ in range(15) for account in (one, other)]
        assert waits[0] == 0
        assert time.monotonic() + waits[-1] >= started + 29 / 10 - 1.1  # a second's worth may go at once
        await one.wait_for(9_000)
        assert time.monotonic() + await other.wait_for(1) >= started + 9 - 1.1


async def test_workers_of_a_build_that_is_over_are_told_so(store: Store, prices: Path) -> None:
    async with processes(store, prices, 1, SharedLimits(cap=Decimal(1))) as (budget,):
        reservation = await budget.reserve(BOUNDS)
        with store.writing() as connection:
            shared_limits.end(connection, DRIVER)
        budget.settle(reservation, Decimal("0.1"))  # nobody counts it, and the answer can be stored
        await budget.close()
        with pytest.raises(BuildStopped, match="is over"):
            await budget.reserve(BOUNDS)


def test_the_limits_of_drivers_that_are_gone_are_deleted(store: Store) -> None:
    with store.writing() as connection:
        ledger_runs.start_run(connection, "living")
        shared_limits.start(connection, "living", SharedLimits())
        shared_limits.start(connection, "killed", SharedLimits())
        shared_limits.start(connection, "new", SharedLimits())
        left = connection.execute(select(shared_limits.shared_limits.c.driver)).scalars().all()
    assert sorted(left) == ["living", "new"]
