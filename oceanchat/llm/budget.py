"""The hard cap on a session's spending.

A request's worst case is reckoned before it leaves: its prompt has at most as many tokens as UTF-8 bytes, and
its completion limit bounds the rest. Some models think beyond that limit, and no one can bound that
beforehand: the budget learns it from their answers, and lets few requests of a model through until the first
has come. A request leaves only while everything spent and everything in flight at its worst stays under the
cap.
"""

import asyncio
from collections import Counter
from collections.abc import Coroutine
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, NamedTuple

from oceanchat.errors import BuildStopped, ConfigError
from oceanchat.llm.chat import ChatRequest
from oceanchat.llm.prices import PriceTable

MESSAGE_OVERHEAD = 16
"""Tokens a chat template may add around one message."""
OPENING_CALLS = 4
"""Requests of a model in flight at most, under a cap, until its first answer shows what it bills."""


class CapReached(BuildStopped):
    """The cap has no room for the next request."""

    def __init__(self, message: str, bounds: "CallBounds", amount: Decimal) -> None:
        super().__init__(message)
        self.bounds = bounds
        self.amount = amount


class CallBounds(NamedTuple):
    """What bounds the cost of one attempt."""

    endpoint: str
    model: str
    prompt: int
    """The most tokens its prompt can have."""
    completion: int
    """Its completion limit in tokens."""
    batch: bool = False
    """Whether it goes through the Batch API, at its price."""

    @property
    def asked(self) -> tuple[str, str]:
        """Endpoint and model."""
        return self.endpoint, self.model


@dataclass(frozen=True, slots=True)
class Reservation:
    """Money set aside for one attempt."""

    bounds: CallBounds
    amount: Decimal
    """USD."""


def prompt_bound(request: ChatRequest) -> int:
    """The most tokens the prompt can have: its UTF-8 bytes and what the chat template adds."""
    return sum(
        len(message.content.encode("utf-8", "surrogatepass")) + len(message.role) + MESSAGE_OVERHEAD
        for message in request.messages
    )


class Budget:
    """Shared by all models of a run; amounts are USD."""

    def __init__(self, prices: PriceTable, cap: float | None = None) -> None:
        self.prices = prices
        self.cap = None if cap is None else Decimal(str(cap))
        self.spent = Decimal(0)
        self.in_flight = Decimal(0)
        self._excess: dict[tuple[str, str], int] = {}
        """The most output tokens beyond the limit in one answer, by endpoint and model."""
        self._opening: Counter[tuple[str, str]] = Counter()
        self._changed = asyncio.Condition()
        self._tasks: set[asyncio.Task[None]] = set()

    def require_price(self, endpoint: str, model: str) -> None:
        """Raise ConfigError where a cap is set but the model's price is unknown."""
        if self.cap is not None and self.prices.price(endpoint, model) is None:
            raise ConfigError(
                f"--max-usd cannot hold for model '{model}' at '{endpoint}': its price is unknown"
                f" (looked for in {self.prices.name}); put it into a price file and pass that with --prices"
                f"{self.prices.guess(endpoint, model)}"
            )

    def max_cost(self, bounds: CallBounds) -> Decimal:
        """The most a request can cost by what is known; 0 where no price is known (no cap is set then)."""
        output = bounds.completion + self._excess.get(bounds.asked, 0)
        return self.prices.cost(
            bounds.endpoint, bounds.model, bounds.prompt, output, bounds.batch
        ) or Decimal(0)

    async def reserve(self, bounds: CallBounds, wait: bool = True) -> Reservation:
        """Reserve the worst case of one attempt; with `wait`, wait for others in flight to settle where that
        may help.

        Raises BuildStopped when the cap leaves no room for it.
        """
        if self.cap is None:
            return self._set_aside(bounds, self.max_cost(bounds))
        async with self._changed:
            while True:
                amount = self.max_cost(bounds)
                if self.spent + self.in_flight + amount > self.cap:
                    if not wait or self.in_flight <= 0 or self.spent + amount > self.cap:
                        raise self._reached(bounds, amount, self.spent, self.in_flight)
                elif not wait or bounds.asked in self._excess or self._opening[bounds.asked] < OPENING_CALLS:
                    return self._set_aside(bounds, amount)
                await self._changed.wait()

    def _set_aside(self, bounds: CallBounds, amount: Decimal) -> Reservation:
        self.in_flight += amount
        self._opening[bounds.asked] += 1
        return Reservation(bounds, amount)

    def _reached(self, bounds: CallBounds, amount: Decimal, spent: Decimal, in_flight: Decimal) -> CapReached:
        excess = self._excess.get(bounds.asked, 0)
        beyond = (
            f" (model '{bounds.model}' wrote up to {excess:,} tokens beyond the limit of a request, as"
            f" reasoning: no cap can bound that beforehand)"
            if excess
            else ""
        )
        on_its_way = f", up to ${in_flight:.4f} in flight" if in_flight > 0 else ""
        # Whoever raises a cap of 20 to 40 may spend 60: only a request beyond the cap needs a higher one.
        again = (
            "a higher --max-usd"
            if self.cap is not None and amount > self.cap
            else "what may still be spent as --max-usd, which counts every run from $0"
        )
        message = (
            f"--max-usd '{self.cap}' is reached: ${spent:.4f} spent{on_its_way} and the next request may"
            f" cost ${amount:.4f}{beyond}; all answers are kept: run it again with {again}"
        )
        return CapReached(message, bounds, amount)

    def reached_at_last(self, reached: CapReached) -> CapReached:
        """The same refusal by what is spent once all that was in flight is settled, as progress shows it."""
        if self.cap is None or self.spent + self.in_flight + reached.amount <= self.cap:
            return reached
        return self._reached(reached.bounds, reached.amount, self.spent, self.in_flight)

    def settle(self, reservation: Reservation, actual: Decimal | None, output: int | None = None) -> None:
        """End an attempt that cost `actual` (None: unknown, so its worst case); `output` is what it wrote."""
        bounds = reservation.bounds
        self.in_flight -= reservation.amount
        self.spent += reservation.amount if actual is None else actual
        self._opening[bounds.asked] -= 1
        if output is not None:
            beyond = max(0, output - bounds.completion)
            self._excess[bounds.asked] = max(beyond, self._excess.get(bounds.asked, 0))
        if self.cap is not None:
            self._in_background(self._notify())

    async def close(self) -> None:
        """Wait until everything settled has been passed on."""
        await asyncio.gather(*self._tasks)

    def _in_background(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _notify(self) -> None:
        async with self._changed:
            self._changed.notify_all()
