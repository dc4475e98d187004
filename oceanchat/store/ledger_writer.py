"""The one thread that writes the ledger.

Whatever has queued up while the last commit ran goes into the next one, so a commit's cost is shared by as
many calls as are in flight. A database that goes away is waited for with everything in hand. The thread also
renews the run's lease. Knows rows and transactions, nothing of models.
"""

import asyncio
import contextlib
import queue
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

from oceanchat.errors import StoreError
from oceanchat.store import ledger as ledger_rows
from oceanchat.store import ledger_runs
from oceanchat.store.address import file_number
from oceanchat.store.failures import first_line
from oceanchat.store.ledger import Entry, Row
from oceanchat.store.outages import PATIENCE_SECONDS, is_passing

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


class Held(NamedTuple):
    """What this run waits for because another run asks for it."""

    by: str
    """Who asks, for messages."""
    left_with: str | None
    """The endpoint of the batch it is in, where no living run follows that batch."""


_WRITES: dict[str, Callable[[Connection, list[Any]], None]] = {
    "lost": ledger_rows.add_lost,
    "withdraw": ledger_rows.withdraw,
    "store": ledger_rows.store_calls,
    "outcome": ledger_rows.record_outcomes,
}
"""What answers nobody, in the order in which it is done within a commit. Claims come between 'withdraw' and
'store': a claim is withdrawn before the next one on its key is made."""
_BEFORE_CLAIMS = ("lost", "withdraw")


class LedgerWriter:
    """Owns one database connection for the length of a run."""

    def __init__(self, engine: Engine, notify: Callable[[str], None] = lambda text: None) -> None:
        self.run = uuid.uuid4().hex
        self._engine = engine
        self._notify = notify
        self._file = Path(engine.url.database or "") if engine.dialect.name == "sqlite" else None
        self._file_number = file_number(self._file) if self._file else None
        self.jobs = 0
        """Jobs given so far."""
        self._jobs: queue.SimpleQueue[_Job] = queue.SimpleQueue()
        self._loop = asyncio.get_running_loop()
        self._broken: StoreError | None = None
        self._postponed: _Job | None = None
        self._connection: Connection | None = None
        self._next_beat = time.monotonic() + ledger_runs.BEAT_SECONDS
        self._lapsed: dict[str, float] = {}
        """When a run's lease was first seen to have run out, in monotonic seconds."""
        self._thread = threading.Thread(target=self._work, name="ledger", daemon=True)

    async def open(self) -> None:
        """Start the thread, put this run on record, turn what killed runs left behind into lost attempts."""
        self._thread.start()
        await self.transaction(self._start_run)

    async def close(self) -> None:
        """Write what is still queued and end the run."""
        try:
            await self.transaction(lambda connection: ledger_runs.end_run(connection, self.run))
        finally:
            self._jobs.put(_Job("stop", None))
            await asyncio.to_thread(self._thread.join)

    async def find(self, key: str) -> Entry | None:
        """What the ledger holds for `key`."""
        entry: Entry | None = await self._do("find", key)
        return entry

    async def claim(self, row: Row) -> bool:
        """Whether this run may ask; if so, the intent is on disk when this returns."""
        granted: bool = await self._do("claim", row)
        return granted

    async def held(self, keys: Sequence[str]) -> dict[str, Held]:
        """Which of `keys` are still asked for, by whom; what dead runs asked for is set free."""
        held: dict[str, Held] = await self.transaction(lambda connection: self._held(connection, keys))
        return held

    async def store(self, row: Row) -> None:
        """The answer or failure is on disk when this returns."""
        await self._do("store", row)

    def store_later(self, row: Row) -> None:
        """Write an answer that costs nothing to get again; no caller waits for it."""
        self._put(_Job("store", row))

    def withdraw(self, key: str) -> None:
        """Withdraw the claim of an attempt that was not billed."""
        self._put(_Job("withdraw", (key, self.run)))

    def record_lost(self, row: Row) -> None:
        """Put an attempt on record that may have been billed, and withdraw its claim."""
        self._put(_Job("lost", row))
        self._put(_Job("withdraw", (row["key"], self.run)))

    def record_outcome(self, key: str, outcome: str | None, request: str | None = None) -> None:
        """Note what became of an answer, with the request as JSON where it may be asked again."""
        self._put(_Job("outcome", (key, outcome, request)))

    async def transaction(self, work: Callable[[Connection], Any]) -> Any:
        """Run `work` in a transaction of its own, after everything queued so far."""
        return await self._do("work", work)

    def _start_run(self, connection: Connection) -> None:
        ledger_rows.sweep(connection, ledger_rows.dead_runs(connection))
        ledger_runs.start_run(connection, self.run)

    def _held(self, connection: Connection, keys: Sequence[str]) -> dict[str, Held]:
        dead = ledger_rows.dead_runs(connection)
        ledger_rows.sweep(connection, [run for run in dead if run not in self._living(connection)])
        holders = ledger_rows.holders(connection, keys)
        living = self._living(connection)  # looked up last: a run is on record before it asks
        return {
            key: Held(
                living.get(holder.run, "a run that has ended"),
                None if holder.run in living else holder.batch_endpoint,
            )
            for key, holder in holders.items()
        }

    def _living(self, connection: Connection) -> dict[str, str]:
        """The runs that may still bring answers, as they are shown."""
        askers = ledger_runs.askers(connection).values()
        return {asker.run: asker.shown for asker in askers if not asker.gone and not self._is_over(asker)}

    def _is_over(self, asker: ledger_runs.Asker) -> bool:
        """Whether a run's lease has run out and stays so: after a computer's sleep its owner renews it."""
        if not asker.lapsed:
            self._lapsed.pop(asker.run, None)
            return False
        now = time.monotonic()
        return now - self._lapsed.setdefault(asker.run, now) >= ledger_runs.BEAT_SECONDS

    def _put(self, job: _Job) -> None:
        if self._broken is not None:
            raise self._broken
        self.jobs += 1
        self._jobs.put(job)

    async def _do(self, kind: str, argument: Any) -> Any:
        done = self._loop.create_future()
        self._put(_Job(kind, argument, done))
        return await done

    def _work(self) -> None:
        try:
            while (jobs := self._next_group())[0].kind != "stop":
                results = self._carry_out(jobs)
                with contextlib.suppress(RuntimeError):  # the loop is gone: no caller waits any more
                    self._loop.call_soon_threadsafe(_deliver, jobs, results)
        finally:
            self._disconnect()

    def _next_group(self) -> list[_Job]:
        """What goes into the next commit; work given as a function, and the end, come alone."""
        try:
            first = self._next_job()
        except queue.Empty:
            return [_Job("beat", None)]
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

    def _next_job(self) -> _Job:
        """Raises queue.Empty when it is time to renew the lease."""
        wait = self._next_beat - time.monotonic()
        if wait <= 0:
            raise queue.Empty
        job = self._postponed or self._jobs.get(timeout=wait)
        self._postponed = None
        return job

    def _carry_out(self, jobs: list[_Job]) -> list[Any]:
        """The results of jobs, or the error in the place of each; a database that is away is waited for."""
        away_since: float | None = None
        while True:
            try:
                results = self._commit(self._connected(), jobs)
            except Exception as error:  # every waiting caller must get it, whatever it is
                self._disconnect()
                problem, now = first_line(error, self._engine.url), time.monotonic()
                started = away_since or now
                if not is_passing(error) or self._is_opening(jobs) or now - started > PATIENCE_SECONDS:
                    lasting = StoreError(f"the ledger cannot be written: {problem}")
                    self._broken = error if isinstance(error, StoreError) else lasting
                    return [self._broken] * len(jobs)
                if away_since is None:
                    self._say(f"the store cannot be reached ({problem}); what was answered waits")
                away_since = started
                time.sleep(min(2.0, 0.05 + (now - started) / 4))
            else:
                if away_since is not None:
                    self._say("the store is back; nothing was lost")
                return results

    def _is_opening(self, jobs: list[_Job]) -> bool:
        return jobs[0].kind == "work" and jobs[0].argument == self._start_run

    def _say(self, text: str) -> None:
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._notify, text)

    def _connected(self) -> Connection:
        if self._connection is None:
            self._connection = self._engine.connect()
        return self._connection

    def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(SQLAlchemyError):
                connection.close()

    def _commit(self, connection: Connection, jobs: list[_Job]) -> list[Any]:
        """One transaction for what is written, then one for what is looked up."""
        by_kind: dict[str, list[Any]] = {}
        for job in jobs:
            by_kind.setdefault(job.kind, []).append(job.argument)
        outcome: Any = None
        refused: set[str] = set()
        if by_kind.keys() != {"find"}:
            self._check_file()
            with _writing(connection):
                refused = _write(connection, by_kind)
                for work in by_kind.get("work", []):
                    outcome = work(connection)
                if "beat" in by_kind:
                    ledger_runs.renew_run(connection, self.run)
                    self._next_beat = time.monotonic() + ledger_runs.BEAT_SECONDS
        entries = self._look_up(connection, by_kind["find"]) if "find" in by_kind else {}
        answers: dict[str, Callable[[Any], Any]] = {
            "find": entries.get,
            "claim": lambda row: row["key"] not in refused,
        }
        return [answers[job.kind](job.argument) if job.kind in answers else outcome for job in jobs]

    def _check_file(self) -> None:
        """Raise StoreError where the file was deleted or replaced: what is written to it would be lost."""
        if self._file is not None and file_number(self._file) != self._file_number:
            raise StoreError(
                f"store '{self._file}' was deleted or replaced while it was in use; run the command again"
            )

    def _look_up(self, connection: Connection, keys: list[str]) -> dict[str, Entry]:
        reading = connection.execution_options(begin="DEFERRED")
        try:
            return ledger_rows.find(reading, list(dict.fromkeys(keys)))
        finally:
            reading.rollback()


def _write(connection: Connection, by_kind: dict[str, list[Any]]) -> set[str]:
    """Carry out what is to be written; the keys whose claims were refused."""
    refused: set[str] = set()
    for kind, write in _WRITES.items():
        if kind not in _BEFORE_CLAIMS and "claim" in by_kind:
            refused |= ledger_rows.claim(connection, by_kind.pop("claim"))
        if kind in by_kind:
            write(connection, by_kind[kind])
    return refused


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
