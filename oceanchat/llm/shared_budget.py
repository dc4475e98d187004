"""A budget and rates that several processes share.

Each process takes its part of them from one row in the store: the worst case of what it sends, and a little
ahead, so that few requests need to ask the store. There it settles what its requests cost and gives back what
it does not use. A process that is killed leaves behind what it held, which counts as spent: the cap holds
whatever happens.
"""

import asyncio
import contextlib
import time
from decimal import Decimal
from typing import Any

from oceanchat.errors import BuildStopped
from oceanchat.llm.budget import Budget, CallBounds, Reservation
from oceanchat.llm.leases import Balance, LeaseGrant, LeaseReport, Leases, grant
from oceanchat.llm.prices import PriceTable
from oceanchat.store import shared_limits as limit_rows
from oceanchat.store.database import Store
from oceanchat.store.shared_limits import SharedLimits

LOOK_SECONDS = 0.3
"""Seconds between two looks whether what others had in flight has left room."""
REPORT_SECONDS = 0.5
"""Seconds after which a process reports what it spent and gives back what it does not use."""


class SharedAccount:
    """One process's access to the limits of its build."""

    def __init__(
        self, store: Store, run: str, driver: str, rpm: float | None = None, tpm: float | None = None
    ) -> None:
        """`run` is this process's, `driver` the one under which the limits are on record; rates a minute as
        they are there."""
        self._store = store
        self._run = run
        self._driver = driver
        self._leases = Leases(run, rpm, tpm)
        self._amounts: list[tuple[Decimal, asyncio.Future[Balance | None]]] = []
        self._turns: list[tuple[float, asyncio.Future[float]]] = []
        self._reporting: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._reported_at = self._looks_at = 0.0
        self._clock = 0.0
        """The store's epoch seconds less this process's monotonic ones."""

    async def reserve(self, amount: Decimal) -> Balance | None:
        """Set aside `amount`; where the cap leaves no room for it, the balance that forbids it.

        Raises BuildStopped, as `wait_for` does, once the build is over.
        """
        if self._leases.money.take(amount):
            return None
        answer: asyncio.Future[Balance | None] = asyncio.get_running_loop().create_future()
        self._amounts.append((amount, answer))
        self._report_now()
        return await answer

    def settle(self, amount: Decimal, cost: Decimal) -> None:
        """End an attempt for which `amount` was set aside and which cost `cost`; the others learn it soon."""
        self._leases.money.settle(amount, cost)
        if self._leases.money.is_close or cost > amount:
            self._report_now()
        else:
            self._report_in(REPORT_SECONDS)

    async def wait_for(self, tokens: float) -> float:
        """Take one request of so many tokens; returns the seconds to wait before sending it."""
        wait = self._leases.take_turn(tokens, time.monotonic() + self._clock)
        if wait is not None:
            return wait
        answer: asyncio.Future[float] = asyncio.get_running_loop().create_future()
        self._turns.append((tokens, answer))
        self._report_now()
        return await answer

    async def count_dead_as_spent(self) -> None:
        """Count as spent what killed processes held; however many ask, one looks at a time."""
        now = time.monotonic()
        if now < self._looks_at:
            return
        self._looks_at = now + LOOK_SECONDS
        await asyncio.to_thread(
            self._store.write, lambda connection: limit_rows.count_dead_as_spent(connection, self._driver)
        )

    async def close(self) -> None:
        """LeaseReport what is left to report and give everything back."""
        if self._reporting is not None:
            await self._reporting
        if self._timer is not None:
            self._timer.cancel()
        self._leases.money.want_no_more()
        if not self._leases.money.is_settled:
            with contextlib.suppress(BuildStopped):  # nobody counts any more
                await self._report()

    def _report_now(self) -> None:
        if self._reporting is None or self._reporting.done():
            self._reporting = asyncio.create_task(self._report_all())

    def _report_in(self, seconds: float) -> None:
        if self._timer is None and not self._leases.money.is_settled:
            self._timer = asyncio.get_running_loop().call_later(seconds, self._report_if_due)

    def _report_if_due(self) -> None:
        self._timer = None
        due = self._reported_at + REPORT_SECONDS - time.monotonic()
        if due > 0:
            self._report_in(due)
        else:
            self._report_now()

    async def _report_all(self) -> None:
        """LeaseReport, and again for what has come to wait meanwhile, until nothing waits."""
        while True:
            with contextlib.suppress(Exception):  # whoever waits was told
                await self._report()
            if not self._amounts and not self._turns:
                self._report_in(REPORT_SECONDS)
                return

    async def _report(self) -> None:
        """Settle, give back and take what waits, all in one transaction."""
        amounts, self._amounts = self._amounts, []
        turns, self._turns = self._turns, []
        now = time.monotonic()
        report = self._leases.report(
            [amount for amount, _ in amounts], [tokens for tokens, _ in turns], now - self._reported_at
        )
        self._reported_at = now
        try:
            # Not in the thread that writes the ledger: answers need not wait for this.
            got = await asyncio.to_thread(self._exchange, report)
            if got is None:
                raise BuildStopped("the build that this process works for is over")
        except Exception as error:
            self._leases.money.take_back(report.money)
            waiting: list[asyncio.Future[Any]] = [answer for _, answer in amounts]
            waiting += [answer for _, answer in turns]
            for answer in waiting:
                if not answer.done():
                    answer.set_exception(error)
            raise
        self._leases.receive(got, report)
        for (_, money), refusal in zip(amounts, got.money.refusals, strict=True):
            if not money.done():
                money.set_result(refusal)
        for (_, turn), wait in zip(turns, got.waits, strict=True):
            if not turn.done():
                turn.set_result(wait)

    def _exchange(self, report: LeaseReport) -> LeaseGrant | None:
        def change(limits: SharedLimits, now: float) -> LeaseGrant:
            self._clock = now - time.monotonic()
            return grant(limits, report, now)

        return self._store.write(lambda connection: limit_rows.change(connection, self._driver, change))


class SharedBudget(Budget):
    """One process's part of a budget that all processes of a build share; amounts are USD.

    How far models write beyond a request's limit each process learns for itself.
    """

    def __init__(self, prices: PriceTable, cap: float | None, account: SharedAccount) -> None:
        super().__init__(prices, cap)
        self._account = account

    async def reserve(self, bounds: CallBounds, wait: bool = True) -> Reservation:
        """Reserve the worst case of one attempt, here and in the row that all share.

        Raises BuildStopped when the cap leaves no room for it.
        """
        while True:
            reservation = await super().reserve(bounds, wait)
            if self.cap is None:
                return reservation
            refusal = await self._account.reserve(reservation.amount)
            if refusal is None:
                return reservation
            super().settle(reservation, Decimal(0))
            if not wait or not refusal.in_flight or refusal.spent + reservation.amount > self.cap:
                raise self._reached(bounds, reservation.amount, refusal.spent, refusal.in_flight)
            await asyncio.sleep(LOOK_SECONDS)
            await self._account.count_dead_as_spent()

    def settle(self, reservation: Reservation, actual: Decimal | None, output: int | None = None) -> None:
        """End an attempt that cost `actual` (None: unknown, so its worst case), here and for all."""
        super().settle(reservation, actual, output)
        if self.cap is not None:
            cost = reservation.amount if actual is None else actual
            self._account.settle(reservation.amount, cost)

    async def close(self) -> None:
        """Wait until everything settled has been passed on."""
        await super().close()
        await self._account.close()
