"""Limit concurrent requests and their rate.

The user's concurrency is the law; the throttle goes below it only while the endpoint answers a good part of
the requests with 429, and comes back when that ends. It is also where a run is stopped.
"""

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from oceanchat.errors import BuildStopped

WINDOW = 20
"""Replies counted before the throttle decides anew how many may be in flight."""
TOLERATED = 0.25
"""Share of 429 in a window that is taken for noise: the refused requests wait, the others do not."""


class RateLimit:
    """A number of units a minute, granted in order, with at most one second's worth at once."""

    def __init__(self, per_minute: float) -> None:
        self._rate = per_minute / 60
        self._free_at = time.monotonic()

    def wait_for(self, units: float) -> float:
        """Take `units`; returns the seconds to wait before using them."""
        now = time.monotonic()
        self._free_at = max(self._free_at, now - 1.0)
        wait = self._free_at - now
        self._free_at += units / self._rate
        return max(wait, 0.0)


class Throttle:
    """Shared by all models of a session; every attempt passes it."""

    def __init__(self, concurrency: int, rpm: float | None = None, tpm: float | None = None) -> None:
        self.concurrency = concurrency
        self.in_flight = 0
        self.max_in_flight = 0
        self._allowed = float(concurrency)
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._request_limit = RateLimit(rpm) if rpm else None
        self._token_limit = RateLimit(tpm) if tpm else None
        self._replies = self._throttled = 0
        self._stopped: BuildStopped | None = None
        self._stop_event = asyncio.Event()

    @property
    def stopped(self) -> BuildStopped | None:
        """Why nothing more may be sent, or None."""
        return self._stopped

    def stop(self, why: BuildStopped) -> None:
        """Let nothing more through; what is in flight finishes. The first reason counts."""
        if self._stopped is None:
            self._stopped = why
            self._stop_event.set()
            while self._waiting:
                waiter = self._waiting.popleft()
                if not waiter.done():
                    waiter.set_exception(why)

    def check(self) -> None:
        """Raise BuildStopped where the run has been stopped."""
        if self._stopped is not None:
            raise self._stopped

    async def stopping(self) -> None:
        """Wait until the run is stopped."""
        await self._stop_event.wait()

    async def pause(self, seconds: float) -> None:
        """Sleep without holding a slot; raises BuildStopped as soon as the run is stopped."""
        try:
            await asyncio.wait_for(self._stop_event.wait(), seconds)
        except TimeoutError:
            return
        self.check()

    @asynccontextmanager
    async def slot(self, tokens: float, ahead: bool = False) -> AsyncIterator[None]:
        """Be in flight for the length of the block; `ahead` jumps the queue, for a request being retried."""
        await self._enter(ahead)
        try:
            await self._wait_for_rate(tokens)
            yield
        finally:
            self.in_flight -= 1
            self._wake()

    async def _enter(self, ahead: bool) -> None:
        self.check()
        if self._waiting or self.in_flight >= int(self._allowed):
            turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            (self._waiting.appendleft if ahead else self._waiting.append)(turn)
            self._wake()
            try:
                await turn
            except asyncio.CancelledError:
                if turn.done() and not turn.cancelled() and turn.exception() is None:
                    self.in_flight -= 1
                    self._wake()
                raise
        else:
            self.in_flight += 1
        self.max_in_flight = max(self.max_in_flight, self.in_flight)

    def _wake(self) -> None:
        while self._waiting and self.in_flight < int(self._allowed):
            turn = self._waiting.popleft()
            if not turn.done():
                self.in_flight += 1
                turn.set_result(None)

    async def _wait_for_rate(self, tokens: float) -> None:
        wait = max(
            self._request_limit.wait_for(1) if self._request_limit else 0.0,
            self._token_limit.wait_for(tokens) if self._token_limit else 0.0,
        )
        if wait > 0:
            await self.pause(wait)

    def replied(self, throttled: bool) -> None:
        """Count one reply: below the tolerated share of 429 the throttle widens again, above it narrows."""
        self._replies += 1
        self._throttled += throttled
        if self._replies < min(WINDOW, 2 * max(1, int(self._allowed))):
            return
        share = self._throttled / self._replies
        self._replies = self._throttled = 0
        if share > TOLERATED:
            self._allowed = max(1.0, self._allowed * (1 - share / 2))
        else:
            self._allowed = min(float(self.concurrency), self._allowed * 1.25 + 1)
            self._wake()
