"""The hard cap on a session's spending.

A request's worst case is known before it leaves: its prompt has at most as many tokens as UTF-8 bytes, and
its completion limit bounds the rest. The budget lets a request through only while everything spent and
everything in flight at its worst stays under the cap.
"""

import asyncio
from decimal import Decimal

from oceanchat.errors import BuildStopped, ConfigError
from oceanchat.llm.chat import ChatRequest
from oceanchat.llm.prices import PriceTable

MESSAGE_OVERHEAD = 16
"""Tokens a chat template may add around one message."""


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
        self._changed = asyncio.Condition()
        self._tasks: set[asyncio.Task[None]] = set()

    def require_price(self, endpoint: str, model: str) -> None:
        """Raise ConfigError where a cap is set but the model's price is unknown."""
        if self.cap is not None and self.prices.price(endpoint, model) is None:
            raise ConfigError(
                f"--max-usd cannot hold for model '{model}' at '{endpoint}': its price is unknown;"
                f" put it into a price file and pass that with --prices"
            )

    def max_cost(self, endpoint: str, model: str, prompt: int, completion: int, batch: bool) -> Decimal:
        """The most a request with these bounds can cost; 0 where no price is known (no cap is set then)."""
        return self.prices.cost(endpoint, model, prompt, completion, batch) or Decimal(0)

    async def reserve(self, amount: Decimal, wait: bool = True) -> None:
        """Reserve `amount` for one attempt; with `wait`, wait for others in flight to settle where that may
        help.

        Raises BuildStopped when the cap leaves no room for it.
        """
        if self.cap is None:
            self.in_flight += amount
            return
        async with self._changed:
            while self.spent + self.in_flight + amount > self.cap:
                if not wait or self.in_flight <= 0 or self.spent + amount > self.cap:
                    raise BuildStopped(
                        f"--max-usd '{self.cap}' is reached: ${self.spent:.4f} spent and the next request may"
                        f" cost ${amount:.4f}; all answers are kept: run it again with a higher --max-usd"
                    )
                await self._changed.wait()
            self.in_flight += amount

    def settle(self, reserved: Decimal, actual: Decimal) -> None:
        """End an attempt for which `reserved` was set aside and which cost `actual`."""
        self.in_flight -= reserved
        self.spent += actual
        if self.cap is not None:
            task = asyncio.get_running_loop().create_task(self._notify())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _notify(self) -> None:
        async with self._changed:
            self._changed.notify_all()
