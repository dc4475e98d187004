"""The one thread that writes the ledger.

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

MAX_JOBS = 1000
"""Jobs in one commit at most."""
GATHER_SECONDS = 0.002
"""Seconds a commit waits for more jobs: less than an fsync takes, a hundredth of the fastest reply."""


@dataclass(slots=True)
class _Job:
    """One thing to do; `done` is resolved when it is on disk."""

    kind: str
    argument: Any
    done: asyncio.Future[Any] | None = None


_WRITES: dict[str, Callable[[Connection, list[Any]], None]] = {
    "lost": ledger_rows.add_lost,
    "withdraw": ledger_rows.withdraw,
    "claim": ledger_rows.claim,
    "store": ledger_rows.store_calls,
    "outcome": ledger_rows.record_outcomes,
}
"""In the order they are done within a commit: a claim is withdrawn before the next one on its key is made."""


class LedgerWriter:
    """Owns one database connection for the length of a run."""

    def __init__(self, engine: Engine) -> None:
        self.run = uuid.uuid4().hex
        self._engine = engine
        self._jobs: queue.SimpleQueue[_Job] = queue.SimpleQueue()
        self._loop = asyncio.get_running_loop()
        self._broken: StoreError | None = None
        self._postponed: _Job | None = None
        self._thread = threading.Thread(target=self._work, name="ledger", daemon=True)

    async def open(self) -> None:
        """Start the thread, put this run on record, turn what killed runs left behind into lost attempts."""
        self._thread.start()
        await self.transaction(self._start_run)

    async def close(self) -> None:
        """Write what is still queued and end the run."""
        try:
            await self.transaction(lambda connection: ledger_rows.end_run(connection, self.run))
        finally:
            self._jobs.put(_Job("stop", None))
            await asyncio.to_thread(self._thread.join)

    async def find(self, key: str) -> Entry | None:
        """What the ledger holds for `key`."""
        entry: Entry | None = await self._do("find", key)
        return entry

    async def claim(self, row: Row) -> None:
        """The intent to ask is on disk when this returns."""
        await self._do("claim", row)

    async def store(self, row: Row) -> None:
        """The answer or failure is on disk when this returns."""
        await self._do("store", row)

    def store_later(self, row: Row) -> None:
        """Write an answer that costs nothing to get again; no caller waits for it."""
        self._put(_Job("store", row))

    def withdraw(self, key: str) -> None:
        """Withdraw the claim of an attempt that was not billed."""
        self._put(_Job("withdraw", key))

    def record_lost(self, row: Row) -> None:
        """Put an attempt on record that may have been billed, and withdraw its claim."""
        self._put(_Job("lost", row))
        self._put(_Job("withdraw", row["key"]))

    def record_outcome(self, key: str, outcome: str | None, request: str | None = None) -> None:
        """Note what became of an answer, with the request as JSON where it may be asked again."""
        self._put(_Job("outcome", (key, outcome, request)))

    async def transaction(self, work: Callable[[Connection], Any]) -> Any:
        """Run `work` in a transaction of its own, after everything queued so far."""
        return await self._do("work", work)

    def _start_run(self, connection: Connection) -> None:
        ledger_rows.sweep(connection, ledger_rows.dead_runs(connection))
        ledger_rows.start_run(connection, self.run)

    def _put(self, job: _Job) -> None:
        if self._broken is not None:
            raise self._broken
        self._jobs.put(job)

    async def _do(self, kind: str, argument: Any) -> Any:
        done = self._loop.create_future()
        self._put(_Job(kind, argument, done))
        return await done

    def _work(self) -> None:
        with self._engine.connect() as connection:
            while (jobs := self._next_group())[0].kind != "stop":
                try:
                    results = self._carry_out(connection, jobs)
                except Exception as error:  # every waiting caller must get it, whatever it is
                    self._broken = StoreError(f"the ledger cannot be written: {_first_line(error)}")
                    with contextlib.suppress(SQLAlchemyError):
                        connection.rollback()
                    results = [self._broken] * len(jobs)
                with contextlib.suppress(RuntimeError):  # the loop is gone: no caller waits any more
                    self._loop.call_soon_threadsafe(_deliver, jobs, results)

    def _next_group(self) -> list[_Job]:
        """What goes into the next commit; work given as a function, and the end, come alone."""
        first = self._postponed or self._jobs.get()
        self._postponed = None
        if first.kind in ("work", "stop"):
            return [first]
        if first.kind in ("claim", "store") and first.done is not None:
            time.sleep(GATHER_SECONDS)
        jobs = [first]
        with contextlib.suppress(queue.Empty):
            while len(jobs) < MAX_JOBS:
                job = self._jobs.get_nowait()
                if job.kind in ("work", "stop"):
                    self._postponed = job
                    break
                jobs.append(job)
        return jobs

    def _carry_out(self, connection: Connection, jobs: list[_Job]) -> list[Any]:
        """One transaction for what is written, then one for what is looked up."""
        by_kind: dict[str, list[Any]] = {}
        for job in jobs:
            by_kind.setdefault(job.kind, []).append(job.argument)
        outcome: Any = None
        if by_kind.keys() != {"find"}:
            with _writing(connection):
                for kind, write in _WRITES.items():
                    if kind in by_kind:
                        write(connection, by_kind[kind])
                for work in by_kind.get("work", []):
                    outcome = work(connection)
        entries = self._look_up(connection, by_kind["find"]) if "find" in by_kind else {}
        return [entries.get(job.argument) if job.kind == "find" else outcome for job in jobs]

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


def _deliver(jobs: list[_Job], results: list[Any]) -> None:
    for job, result in zip(jobs, results, strict=True):
        if job.done is None or job.done.done():
            continue
        if isinstance(result, StoreError):
            job.done.set_exception(result)
        else:
            job.done.set_result(result)


def _first_line(error: Exception) -> str:
    return str(getattr(error, "orig", None) or error).strip().split("\n")[0]
