"""Limit concurrent requests and their rate.

The user's concurrency is the law; the throttle goes below it only while the endpoint answers a good part of
the requests with 429, or not in time, and comes back when that ends. It is also where a run is stopped.
"""

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import NamedTuple, Protocol

from oceanchat.errors import BuildStopped

WINDOW = 20
"""Replies counted before the throttle decides again how many may be in flight."""
TOLERATED = 0.25
"""Share of 429 in a window that is taken for noise: the refused requests wait, the others do not."""
MARGIN = 3
"""After a timeout, so many times fewer are in flight than are answered within the time limit."""


class RateLimit:
    """A number of units per minute, granted in order, with at most one second's worth at once."""

    def __init__(self, per_minute: float, free_at: float) -> None:
        self._rate = per_minute / 60
        self.free_at = free_at
        """When the next unit may be used, in seconds of any clock."""

    def wait_for(self, units: float, now: float) -> float:
        """Take `units`; returns the seconds to wait before using them."""
        self.free_at = max(self.free_at, now - 1.0)
        wait = self.free_at - now
        self.free_at += units / self._rate
        return max(wait, 0.0)


class Rates(Protocol):
    """How many requests and tokens may go out a minute."""

    async def wait_for(self, tokens: float) -> float:
        """Take one request of so many tokens; returns the seconds to wait before sending it."""


class OwnRates:
    """Rates of this process alone; None: no such limit."""

    def __init__(self, rpm: float | None, tpm: float | None) -> None:
        now = time.monotonic()
        self._requests = RateLimit(rpm, now) if rpm else None
        self._tokens = RateLimit(tpm, now) if tpm else None

    async def wait_for(self, tokens: float) -> float:
        now = time.monotonic()
        return max(
            self._requests.wait_for(1, now) if self._requests else 0.0,
            self._tokens.wait_for(tokens, now) if self._tokens else 0.0,
        )


class Pace(NamedTuple):
    """How fast an endpoint answered when it no longer answered in time."""

    seconds: float
    """From one answer to the next."""
    concurrency: int
    """Requests in flight that it answers well within the time limit."""


class Throttle:
    """Shared by all models of a session; every attempt passes it."""

    def __init__(
        self,
        concurrency: int,
        rates: Rates | None = None,
        timeout: float | None = None,
    ) -> None:
        """`timeout` is the seconds one request may take; None: nobody counts that."""
        self.concurrency = concurrency
        self.stalls = 0
        """Requests in a row that timed out, each alone in flight, with no answer since."""
        self.tell: Callable[[str], None] = lambda text: None
        """Tells the user of the run something, once."""
        self.pace: Pace | None = None
        """Set by the first timeouts that narrowed the throttle."""
        self.in_flight = 0
        self.max_in_flight = 0
        self._allowed = float(concurrency)
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._retrying: deque[asyncio.Future[None]] = deque()
        self._timeout = timeout
        self._answers: deque[float] = deque(maxlen=MARGIN * concurrency)
        self._quickest = self._slow = 0.0
        self._narrowed_at = 0.0
        self._rates = rates
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
            while (waiter := self._next()) is not None:
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
        if self._waiting or self._retrying or self.in_flight >= int(self._allowed):
            turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            (self._retrying if ahead else self._waiting).append(turn)
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

    def _next(self) -> asyncio.Future[None] | None:
        """The next in line who still waits: those who are retried first, in their order."""
        for line in (self._retrying, self._waiting):
            while line:
                turn = line.popleft()
                if not turn.done():
                    return turn
        return None

    def _wake(self) -> None:
        while self.in_flight < int(self._allowed) and (turn := self._next()) is not None:
            self.in_flight += 1
            turn.set_result(None)

    async def _wait_for_rate(self, tokens: float) -> None:
        wait = await self._rates.wait_for(tokens) if self._rates else 0.0
        if wait > 0:
            await self.pause(wait)

    def replied(self, throttled: bool, seconds: float = 0.0) -> None:
        """Count one reply: an answer that took `seconds`, or, without them, an error.

        Below the tolerated share of 429 the throttle widens again, unless replies take so long that a wider
        one would let them run into the time limit; above it narrows.
        """
        if seconds:
            self._answers.append(time.monotonic())
            self.stalls = 0
            self._quickest = min(self._quickest or seconds, seconds)
        self._slow += seconds
        self._replies += 1
        self._throttled += throttled
        if self._replies < min(WINDOW, 2 * max(1, int(self._allowed))):
            return
        share, mean = self._throttled / self._replies, self._slow / self._replies
        self._replies = self._throttled = 0
        self._slow = 0.0
        if share > TOLERATED:
            self._allowed = max(1.0, self._allowed * (1 - share / 2))
        elif self._timeout is None or mean <= max(self._timeout / 2, 1.5 * self._quickest):
            self._allowed = min(float(self.concurrency), self._allowed * 1.25 + 1)
            self._wake()

    def timed_out(self, sent: float) -> None:
        """Count one request, sent at that monotonic time, that was not answered in time.

        An endpoint that works on one request at a time keeps the others waiting: what it answers within the
        time limit says how many may wait.
        """
        if self._timeout is None:
            return
        now = time.monotonic()
        answered = sum(moment >= now - self._timeout for moment in self._answers)
        if int(self._allowed) == 1 and sent >= self._narrowed_at:
            self.stalls += 1
        allowed = max(1.0, answered / MARGIN)
        if allowed < self._allowed:
            self._allowed, self._narrowed_at = allowed, now
            self._replies = self._throttled = 0
            self._slow = 0.0
            if self.pace is None and answered:
                self.pace = Pace(self._timeout / answered, int(allowed))
