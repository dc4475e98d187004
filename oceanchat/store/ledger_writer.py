"""Clerk: the one thread that reads and writes the ledger, many requests in one commit.

Whatever has queued up while the last commit ran goes into the next one, so a commit's cost is shared by as
many calls as are in flight. Knows rows and transactions, nothing of models.
"""

import asyncio
import contextlib
import queue
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

from oceanchat.errors import StoreError
from oceanchat.store import ledger as ledger_rows
from oceanchat.store.ledger import Entry, Row

GROUP = 1000
"""Orders in one commit at most."""
GATHER_SECONDS = 0.002
"""How long a commit waits for company: less than a fsync takes, a hundredth of the fastest reply."""


@dataclass(slots=True)
class _Order:
    """One thing to do; `done` is told when it is on disk."""

    kind: str
    what: Any
    done: asyncio.Future[Any] | None = None


_WRITES: dict[str, Callable[[Connection, list[Any]], None]] = {
    "lost": ledger_rows.add_lost,
    "free": ledger_rows.free,
    "claim": ledger_rows.claim,
    "keep": ledger_rows.keep,
    "mark": ledger_rows.mark,
}
"""In the order they are done within a commit: an attempt is freed before its next one is claimed."""


class Clerk:
    """Owns one database connection for the length of a run."""

    def __init__(self, engine: Engine) -> None:
        self.run = uuid.uuid4().hex
        self._engine = engine
        self._orders: queue.SimpleQueue[_Order] = queue.SimpleQueue()
        self._loop = asyncio.get_running_loop()
        self._broken: StoreError | None = None
        self._kept_back: _Order | None = None
        self._thread = threading.Thread(target=self._work, name="ledger", daemon=True)

    async def open(self) -> None:
        """Start the thread, put this run on record, turn what killed runs left behind into lost attempts."""
        self._thread.start()
        await self.run_in_order(self._open_run)

    async def close(self) -> None:
        """Write what is still queued and end the run."""
        try:
            await self.run_in_order(lambda connection: ledger_rows.end_run(connection, self.run))
        finally:
            self._orders.put(_Order("stop", None))
            await asyncio.to_thread(self._thread.join)

    async def find(self, key: str) -> Entry | None:
        """What the ledger holds for `key`."""
        found: Entry | None = await self._do("find", key)
        return found

    async def claim(self, row: Row) -> None:
        """The intent to ask is on disk when this returns."""
        await self._do("claim", row)

    async def keep(self, row: Row) -> None:
        """The answer or failure is on disk when this returns."""
        await self._do("keep", row)

    def keep_soon(self, row: Row) -> None:
        """Write an answer that costs nothing to get again; nobody waits for it."""
        self._put(_Order("keep", row))

    def free(self, key: str) -> None:
        """Forget an intent that came to nothing."""
        self._put(_Order("free", key))

    def lost(self, row: Row) -> None:
        """Put an attempt on record that may have been billed, and forget its intent."""
        self._put(_Order("lost", row))
        self._put(_Order("free", row["key"]))

    def mark(self, key: str, outcome: str | None, asked: str | None = None) -> None:
        """Note what became of an answer, with the request as JSON where it may be asked again."""
        self._put(_Order("mark", (key, outcome, asked)))

    async def run_in_order(self, work: Callable[[Connection], Any]) -> Any:
        """Run `work` in a transaction of its own, after everything ordered so far."""
        return await self._do("work", work)

    def _open_run(self, connection: Connection) -> None:
        ledger_rows.sweep(connection, ledger_rows.dead_runs(connection))
        ledger_rows.start_run(connection, self.run)

    def _put(self, order: _Order) -> None:
        if self._broken is not None:
            raise self._broken
        self._orders.put(order)

    async def _do(self, kind: str, what: Any) -> Any:
        done = self._loop.create_future()
        self._put(_Order(kind, what, done))
        return await done

    def _work(self) -> None:
        with self._engine.connect() as connection:
            while (orders := self._next_group())[0].kind != "stop":
                try:
                    results = self._carry_out(connection, orders)
                except Exception as error:  # whoever waits must hear of it, whatever it is
                    self._broken = StoreError(f"the ledger cannot be written: {_first_line(error)}")
                    with contextlib.suppress(SQLAlchemyError):
                        connection.rollback()
                    results = [self._broken] * len(orders)
                with contextlib.suppress(RuntimeError):  # the loop is gone: nobody waits any more
                    self._loop.call_soon_threadsafe(_deliver, orders, results)

    def _next_group(self) -> list[_Order]:
        """What goes into the next commit; work given as a function, and the end, come alone."""
        first = self._kept_back or self._orders.get()
        self._kept_back = None
        if first.kind in ("work", "stop"):
            return [first]
        if first.kind in ("claim", "keep") and first.done is not None:
            time.sleep(GATHER_SECONDS)
        orders = [first]
        with contextlib.suppress(queue.Empty):
            while len(orders) < GROUP:
                order = self._orders.get_nowait()
                if order.kind in ("work", "stop"):
                    self._kept_back = order
                    break
                orders.append(order)
        return orders

    def _carry_out(self, connection: Connection, orders: list[_Order]) -> list[Any]:
        """One transaction for what is written, then one for what is looked up."""
        by_kind: dict[str, list[Any]] = {}
        for order in orders:
            by_kind.setdefault(order.kind, []).append(order.what)
        outcome: Any = None
        if by_kind.keys() != {"find"}:
            with _writing(connection):
                for kind, write in _WRITES.items():
                    if kind in by_kind:
                        write(connection, by_kind[kind])
                for work in by_kind.get("work", []):
                    outcome = work(connection)
        found = self._look_up(connection, by_kind["find"]) if "find" in by_kind else {}
        return [found.get(order.what) if order.kind == "find" else outcome for order in orders]

    def _look_up(self, connection: Connection, keys: list[str]) -> dict[str, Entry]:
        reading = connection.execution_options(begin="DEFERRED")
        try:
            return ledger_rows.find(reading, list(dict.fromkeys(keys)))
        finally:
            reading.rollback()


@contextlib.contextmanager
def _writing(connection: Connection) -> Iterator[None]:
    connection.execution_options(begin="IMMEDIATE")
    with connection.begin():
        yield


def _deliver(orders: list[_Order], results: list[Any]) -> None:
    for order, result in zip(orders, results, strict=True):
        if order.done is None or order.done.done():
            continue
        if isinstance(result, StoreError):
            order.done.set_exception(result)
        else:
            order.done.set_result(result)


def _first_line(error: Exception) -> str:
    return str(getattr(error, "orig", None) or error).strip().split("\n")[0]
