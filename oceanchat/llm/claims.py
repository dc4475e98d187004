"""Wait for what another run is asking.

Two runs on one store share their answers: what one of them has claimed the other waits for, until the answer
is in the ledger or the claim is free again. All waiting requests of a session are looked up together.
"""

import asyncio

from oceanchat.llm.throttle import Throttle
from oceanchat.llm.usage import Usage
from oceanchat.store.ledger_writer import LedgerWriter

LOOK_SECONDS = 0.3
"""Seconds between two looks."""
KEYS_PER_LOOK = 1000


class ClaimWatch:
    """The requests of one session that wait for another run."""

    def __init__(self, ledger_writer: LedgerWriter, throttle: Throttle, usage: Usage) -> None:
        self._ledger_writer = ledger_writer
        self._throttle = throttle
        self._usage = usage
        self._waiting: dict[str, asyncio.Future[str | None]] = {}
        self._looking: asyncio.Task[None] | None = None
        self._named: set[str] = set()

    async def released(self, key: str) -> str | None:
        """Wait until nobody else asks for `key`; where it is in a batch that nobody follows any more, that
        batch's endpoint.

        Raises BuildStopped when the run is stopped meanwhile, StoreError when the store fails.
        """
        turn = self._waiting.setdefault(key, asyncio.get_running_loop().create_future())
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._look())
        self._usage.waiting += 1
        try:
            return await asyncio.shield(turn)
        finally:
            self._usage.waiting -= 1

    async def _look(self) -> None:
        """Look until nothing waits any more; an error ends all that wait."""
        try:
            while True:
                keys = list(self._waiting)
                for start in range(0, len(keys), KEYS_PER_LOOK):
                    await self._release(keys[start : start + KEYS_PER_LOOK])
                if not self._waiting:
                    return
                await self._throttle.pause(LOOK_SECONDS)
        except Exception as error:
            waiting, self._waiting = self._waiting, {}
            for turn in waiting.values():
                turn.set_exception(error)
                turn.exception()  # retrieved here: who waited may be gone

    async def _release(self, keys: list[str]) -> None:
        held = await self._ledger_writer.held(keys)
        for key in keys:
            holder = held.get(key)
            if holder is None or holder.left_with is not None:
                self._waiting.pop(key).set_result(holder and holder.left_with)
            elif holder.by not in self._named:
                self._named.add(holder.by)
                self._usage.note(
                    f"{holder.by} is asking the same on this store: its answers are waited for and shared,"
                    f" nothing is paid twice"
                )
