"""A budget and rates that several processes share.

Each process reserves the worst case of what it sends from one row in the store, and settles what it cost
there. What waits while the row is changed goes into the next change together. A process that is killed
leaves its reservations behind, which count as spent: the cap holds whatever happens.
"""

import asyncio
import contextlib
import time
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any, NamedTuple

from oceanchat.errors import BuildStopped
from oceanchat.llm.budget import Budget, CallBounds, Reservation
from oceanchat.llm.prices import PriceTable
from oceanchat.llm.throttle import RateLimit
from oceanchat.store import shared_limits as limit_rows
from oceanchat.store.database import Store
from oceanchat.store.shared_limits import SharedLimits

LOOK_SECONDS = 0.3
"""Seconds between two looks whether what others had in flight has left room."""
Change = Callable[[SharedLimits, float], Any]


class Balance(NamedTuple):
    """What a build has spent and has in flight at its worst, in USD."""

    spent: Decimal
    in_flight: Decimal


class SharedAccount:
    """One process's access to the limits of its build."""

    def __init__(self, store: Store, run: str, driver: str) -> None:
        """`run` is this process's, `driver` the one under which the limits are on record."""
        self._store = store
        self._run = run
        self._driver = driver
        self._waiting: list[tuple[Change, asyncio.Future[Any]]] = []
        self._changing: asyncio.Task[None] | None = None
        self._looks_at = 0.0

    async def reserve(self, amount: Decimal) -> Balance | None:
        """Set aside `amount`; where the cap leaves no room for it, the balance that forbids it.

        Raises BuildStopped, as `wait_for` does, once the build is over.
        """
        run = self._run

        def take(limits: SharedLimits, now: float) -> Balance | None:
            balance = Balance(limits.spent, sum(limits.in_flight.values(), Decimal(0)))
            if limits.cap is not None and balance.spent + balance.in_flight + amount > limits.cap:
                return balance
            limits.in_flight[run] = limits.in_flight.get(run, Decimal(0)) + amount
            return None

        refusal: Balance | None = await self._change(take)
        return refusal

    async def settle(self, amount: Decimal, cost: Decimal) -> None:
        """End an attempt for which `amount` was set aside and which cost `cost`."""
        run = self._run

        def settle(limits: SharedLimits, now: float) -> None:
            held = limits.in_flight.get(run, Decimal(0))
            # What is no longer held was counted as spent when this process was taken for dead.
            counted = max(Decimal(0), amount - held)
            limits.in_flight[run] = held - amount + counted
            limits.spent += cost - counted

        with contextlib.suppress(BuildStopped):  # nobody counts any more
            await self._change(settle)

    async def wait_for(self, tokens: float) -> float:
        """Take one request of so many tokens; returns the seconds to wait before sending it."""

        def take_turn(limits: SharedLimits, now: float) -> float:
            wait = 0.0
            if limits.rpm:
                requests = RateLimit(limits.rpm, limits.request_at)
                wait, limits.request_at = requests.wait_for(1, now), requests.free_at
            if limits.tpm:
                units = RateLimit(limits.tpm, limits.token_at)
                wait, limits.token_at = max(wait, units.wait_for(tokens, now)), units.free_at
            return wait

        seconds: float = await self._change(take_turn)
        return seconds

    async def count_dead_as_spent(self) -> None:
        """Count as spent what killed processes had in flight; however many ask, one looks at a time."""
        now = time.monotonic()
        if now < self._looks_at:
            return
        self._looks_at = now + LOOK_SECONDS
        await asyncio.to_thread(
            self._store.write, lambda connection: limit_rows.count_dead_as_spent(connection, self._driver)
        )

    async def _change(self, change: Change) -> Any:
        done = asyncio.get_running_loop().create_future()
        self._waiting.append((change, done))
        if self._changing is None or self._changing.done():
            self._changing = asyncio.create_task(self._carry_out())
        return await done

    async def _carry_out(self) -> None:
        """Make all changes that wait in one transaction, until none waits any more."""
        while self._waiting:
            together, self._waiting = self._waiting, []
            try:
                results = await self._change_all([change for change, _ in together])
            except Exception as error:
                for _, done in together:
                    if not done.done():
                        done.set_exception(error)
            else:
                for (_, done), result in zip(together, results, strict=True):
                    if not done.done():
                        done.set_result(result)

    async def _change_all(self, changes: Sequence[Change]) -> list[Any]:
        def change_all(limits: SharedLimits, now: float) -> list[Any]:
            return [change(limits, now) for change in changes]

        # Not in the thread that writes the ledger: answers need not wait for this.
        results = await asyncio.to_thread(
            self._store.write, lambda connection: limit_rows.change(connection, self._driver, change_all)
        )
        if results is None:
            raise BuildStopped("the build that this process works for is over")
        return results


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
            self._in_background(self._account.settle(reservation.amount, cost))
