"""Follow submitted batches and hand out their answers.

BatchCollector also adopts the batches an earlier, perhaps killed, run left with the provider. What a batch
left unanswered goes back to the queue only where the provider cannot have billed it: what it worked on and
did not hand over is lost, counts as possibly paid, and is never sent again unasked.
"""

import asyncio
import time
from collections.abc import Callable, Coroutine, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from oceanchat.errors import BuildStopped, CallFailed
from oceanchat.llm.attempt import token_columns
from oceanchat.llm.completions import read_completion
from oceanchat.llm.endpoint.batch_api import CANCELLED, FAILED_BATCH, BatchApi, BatchStatus
from oceanchat.llm.endpoint.batch_lines import ResultLine
from oceanchat.llm.endpoint.batch_requests import PendingRequest
from oceanchat.llm.endpoint.client import Connection
from oceanchat.llm.endpoint.line_errors import problem_in
from oceanchat.llm.endpoint.request_errors import ErrorAction, RequestError
from oceanchat.llm.endpoint.retrying import retry_until
from oceanchat.llm.provider import RawReply
from oceanchat.llm.throttle import Throttle
from oceanchat.store import ledger as ledger_rows
from oceanchat.store import ledger_batches
from oceanchat.store.ledger import ANSWERED, BATCH_LOST, FAILED, Row
from oceanchat.store.ledger_batches import PREPARING, SUBMITTED, BatchRow
from oceanchat.store.ledger_writer import LedgerWriter

T = TypeVar("T")
FIRST_POLL = 0.5
"""Seconds between the first two polls of a batch; doubled each time up to the poll interval."""
MAX_BATCHES = 5
"""Batches one request may go through unanswered (expired, over the queue's limit) before it fails."""
MAX_PAID_BATCHES = 3
"""The same of one whose line broke: each may have been billed."""
GONE_LOOKS = 4
"""So many looks for a batch, or its file, that the endpoint does not know before it counts as gone."""
FILE_SECONDS = 48 * 3600.0
"""How long after it was submitted the file of a finished batch may still come: twice the API's window."""
GONE, NO_FILE, UNCONFIRMED = "gone", "no-file", "unconfirmed"
"""Our words for batches that ended without their answers: unknown to the endpoint, finished without a file,
perhaps never submitted."""


@dataclass
class _Results:
    """What a batch's files said of the requests that were still open."""

    rows: dict[str, Row]
    """Those without an answer, by key."""
    answers: int = 0
    """Lines with an answer, whatever it was."""
    stored: int = 0
    unpaid: set[str] = field(default_factory=set)
    """Requests of which it is known that nothing was billed."""
    lost: set[str] = field(default_factory=set)
    """Requests that may have been billed and brought nothing of use."""
    problems: dict[str, RequestError] = field(default_factory=dict)
    """What was wrong with them and with the unpaid ones, by key."""

    def keep(self, key: str, problem: RequestError | None) -> None:
        """Note that a request was stored, or why it was not."""
        if problem is None:
            del self.rows[key]
            self.stored += 1
        else:
            self.problems[key] = problem
            (self.lost if problem.maybe_billed else self.unpaid).add(key)

    @property
    def stop(self) -> RequestError | None:
        """An error for which nothing more is to be asked."""
        return next((p for p in self.problems.values() if p.action is ErrorAction.STOP_RUN), None)

    def lost_in(self, status: BatchStatus) -> set[str]:
        """All that may have been billed: with what the provider says it answered and no line told of."""
        silent = self.rows.keys() - self.unpaid - self.lost
        if status.completed is not None:
            worked_on = status.completed > self.answers
        else:
            worked_on = status.status != FAILED_BATCH
        return self.lost | (silent if worked_on else set())


class BatchCollector:
    """The batches of one session that are with the provider."""

    def __init__(
        self,
        connection: Connection,
        api: BatchApi,
        ledger_writer: LedgerWriter,
        enqueue: Callable[[PendingRequest], None],
    ) -> None:
        self._connection = connection
        self._api = api
        self._ledger_writer = ledger_writer
        self._enqueue = enqueue
        self._throttle = connection.throttle
        self._pending: dict[str, PendingRequest] = {}
        self._outstanding: dict[str, str] = {}
        self._arrived: set[str] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._collecting: set[asyncio.Task[None] | None] = set()

    @property
    def outstanding_batches(self) -> int:
        """Batches that the provider is working on."""
        return len(set(self._outstanding.values()))

    def pending_requests(self) -> Sequence[PendingRequest]:
        """The requests that wait for a batch to come back."""
        return list(self._pending.values())

    async def adopt_batches(self) -> None:
        """Follow the batches that ended runs left with the provider. Raises RequestError."""
        endpoint, run = self._connection.settings.endpoint, self._ledger_writer.run
        rows = await self._ledger_writer.transaction(
            lambda store: ledger_batches.take_over(store, endpoint, run)
        )
        submitted = [(row, await self._remote_id(row)) for row in rows]
        for row, remote_id in submitted:
            if remote_id is not None:
                calls = await self._unanswered(row["batch"])
                self.follow(row["batch"], remote_id, [call["key"] for call in calls], row["created_at"])

    async def _unanswered(self, batch: str) -> list[Row]:
        rows: list[Row] = await self._ledger_writer.transaction(
            lambda store: ledger_rows.batch_calls(store, batch)
        )
        return rows

    async def _remote_id(self, row: BatchRow) -> str | None:
        """The provider's id of a batch on record; None where there is nothing to wait for."""
        batch: str = row["batch"]
        remote_id: str | None = row["remote_id"]
        if row["state"] != PREPARING:
            return remote_id
        try:
            status = await self._api.find(batch)
        except RequestError as error:
            if error.action is not ErrorAction.FAIL_ROW:
                raise
            # The endpoint lists no batches: whether it was submitted cannot be known.
            await self._lose(batch, UNCONFIRMED, f"batch '{batch}' may have been submitted or not")
            return None
        if status is None:
            await self.close_batch(batch, "never-sent")
            return None
        await self.record(batch, remote_id=status.id, state=SUBMITTED)
        return status.id

    async def adopt_request(self, pending: PendingRequest) -> bool:
        """Let `pending` wait for an earlier run's batch that holds it; False where none does."""
        key = pending.attempt.key
        if (batch := self._outstanding.get(key)) is not None:
            pending.batch = batch
            self._pending[key] = pending
            await pending.attempt.begin(batch)
            if pending.answer.done():  # the batch came in meanwhile
                pending.attempt.record_unbilled()
            return True
        # It may have come in with an earlier run's batch after the caller looked into the ledger.
        return key in self._arrived and await self._answer_from_ledger(pending)

    def expect(self, batch: str, chunk: Iterable[PendingRequest]) -> None:
        """Answer `chunk` from `batch`, which is about to be submitted."""
        for pending in chunk:
            pending.batch = batch
            self._pending[pending.attempt.key] = pending

    def follow(self, batch: str, remote_id: str, keys: Iterable[str], since: float) -> None:
        """Poll a batch with the requests `keys`, submitted at the time `since` (epoch seconds), and collect
        its answers, in the background."""
        self._outstanding.update(dict.fromkeys(keys, batch))
        self.run_in_background(self._follow(batch, remote_id, since))

    def run_in_background(self, work: Coroutine[Any, Any, None]) -> None:
        """Run `work` as a task that stops the run when it fails and is cancelled on closing."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        task.add_done_callback(lambda done: stop_if_failed(done, self._throttle))

    async def record(self, batch: str, **values: Any) -> None:
        """Change what is on record of a batch."""
        await self._ledger_writer.transaction(lambda store: ledger_batches.set_batch(store, batch, **values))

    async def close_batch(self, batch: str, state: str, message: str = "") -> None:
        """Record that `batch` has ended in `state` without having been worked on."""
        await self._close(batch, state, message, ())

    async def _close(self, batch: str, state: str, message: str, lost: Iterable[str] | None) -> None:
        """Record that `batch` has ended; what it left unanswered may be asked again, `lost` (None: all of
        it) counts as possibly paid."""
        pending = [waiting for waiting in self._pending.values() if waiting.batch == batch]
        for waiting in pending:
            if lost is None or waiting.attempt.key in lost:
                waiting.attempt.record_lost(BATCH_LOST)
        others = None if lost is None else set(lost)
        for row in await self._ledger_writer.transaction(
            lambda store: ledger_rows.close_batch(store, batch, state, message, others)
        ):
            self._outstanding.pop(row["key"], None)

    async def _follow(self, batch: str, remote_id: str, since: float) -> None:
        """Poll a batch until it is finished, then collect its answers."""
        try:
            status = await self._finished(batch, remote_id, since)
            # From here to the end nothing is cut short: paid answers are being stored.
            self._collecting.add(asyncio.current_task())
            if status.lacks_its_file:
                await self._lose(batch, NO_FILE, f"batch '{remote_id}' is {status.status}, but has no file")
            else:
                await self._collect(batch, status)
        except RequestError as error:
            if error.action is ErrorAction.FAIL_ROW:
                self._collecting.add(asyncio.current_task())
                await self._lose(batch, GONE, f"batch '{remote_id}' is gone ({error.message})")
            else:
                self._connection.stop(error)
        except BuildStopped:
            return

    async def _finished(self, batch: str, remote_id: str, since: float) -> BatchStatus:
        """The batch when nothing more is to be expected of it; what it is waited for is on record."""
        wait, noted = FIRST_POLL, ""
        while True:
            status = await self._look(lambda: self._api.retrieve(remote_id))
            late = status.lacks_its_file
            if status.finished and (not late or time.time() > since + FILE_SECONDS):
                return status
            message = f"{status.status or 'without a status'}{', its file is not there yet' if late else ''}"
            if message != noted:
                noted = message
                await self.record(batch, message=message)
            await self._throttle.pause(min(wait, self._connection.settings.batch_poll_seconds))
            wait *= 2

    async def _look(self, look: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """`look`, again where the endpoint does not know the thing: it may only be late in listing it."""
        wait = FIRST_POLL
        for number in range(GONE_LOOKS):
            try:
                return await look()
            except RequestError as error:
                if error.action is not ErrorAction.FAIL_ROW or number == GONE_LOOKS - 1:
                    raise
            await self._throttle.pause(min(wait, self._connection.settings.batch_poll_seconds))
            wait *= 2
        raise RuntimeError("the loop ends by returning or raising")

    async def _lose(self, batch: str, state: str, what: str) -> None:
        """End a batch that brings nothing: all it held may have been billed, and the run stops."""
        await self._close(batch, state, what, None)
        why = BuildStopped(
            f"{what}: what it held may have been billed and counts as lost in `oceanchat costs`; run the same"
            f" command again to ask for it anew"
        )
        self._throttle.stop(why)
        for pending in self._take_pending(batch):
            pending.resolve(self._throttle.stopped or why)

    def _take_pending(self, batch: str) -> list[PendingRequest]:
        """The requests that wait for `batch`, taken off the list."""
        return [self._pending.pop(key) for key, pending in [*self._pending.items()] if pending.batch == batch]

    async def _collect(self, batch: str, status: BatchStatus) -> None:
        results = _Results({row["key"]: row for row in await self._unanswered(batch)})
        max_tries = self._connection.settings.max_tries
        # What was stored is not read again when a download breaks off and starts anew.
        await retry_until(
            lambda number: self._look(lambda: self._read(status, results)),
            lambda error, tries: tries >= max_tries,
            self._throttle.pause,
        )
        lost = results.lost_in(status)
        await self.record(batch, answered=results.stored)
        await self._close(batch, status.status, status.message, lost)
        unanswered = self._take_pending(batch)
        if status.status in (FAILED_BATCH, CANCELLED) and status.code != "token_limit_exceeded":
            why = f"batch '{status.id}' was {status.status} {status.message}".rstrip()
            rest = "run the same command again to ask for the rest, without --batch to ask one by one"
            self._throttle.stop(BuildStopped(f"{why}; {rest}"))
        if results.stop is not None:
            self._connection.stop(results.stop)
        for pending in unanswered:
            if await self._answer_from_ledger(pending):
                continue
            if pending.attempt.key in lost - results.lost:
                pending.resolve(CallFailed(BATCH_LOST, f"batch '{status.id}' did not bring its answer"))
            else:
                self._requeue(pending, status, results.problems.get(pending.attempt.key))

    async def _read(self, status: BatchStatus, results: _Results) -> None:
        """Store what the files hold."""
        results.answers = 0
        async for line in self._api.lines(status):
            results.answers += line.status == 200
            row = results.rows.get(line.key)
            if row is None or line.key in results.lost:
                continue
            results.keep(line.key, await self._store_result(line, row))

    async def _answer_from_ledger(self, pending: PendingRequest) -> bool:
        """Answer with what another batch or run brought in; False where there is nothing."""
        entry = await self._ledger_writer.find(pending.attempt.key)
        if entry is None:
            return False
        pending.attempt.record_unbilled()
        body = entry.body or b""
        if entry.state == FAILED:
            pending.resolve(CallFailed(entry.reason or "failed", body.decode("utf-8", "replace")))
        else:
            pending.resolve(RawReply(body, batch=True))
        return True

    async def _store_result(self, line: ResultLine, row: Row) -> RequestError | None:
        """Store one result and hand it over; why not, where it has to be asked for again."""
        body = line.raw
        problem = problem_in(line, body)
        waiting = self._pending.get(line.key)
        if problem is not None and (
            problem.action is not ErrorAction.FAIL_ROW or (waiting is not None and waiting.is_refused(line))
        ):
            return problem
        pending = self._mark_arrived(line.key)
        if problem is not None:
            await self._store_failure(problem, pending, row)
        elif pending is not None:
            pending.model.adopt(pending.form)
            await pending.attempt.store(RawReply(body, batch=True))
            pending.resolve(RawReply(body, batch=True))
        else:
            tokens = token_columns(read_completion(body))
            await self._ledger_writer.store(
                {**row, **tokens, "state": ANSWERED, "body": body, "reason": None}
            )
        return None

    async def _store_failure(self, problem: RequestError, pending: PendingRequest | None, row: Row) -> None:
        if pending is None:
            failure = {"state": FAILED, "reason": problem.reason, "body": problem.message.encode()}
            await self._ledger_writer.store({**row, **failure})
            return
        if problem.maybe_billed:
            pending.attempt.record_lost(problem.reason, problem.body)
        else:
            pending.attempt.record_unbilled()
        pending.resolve(CallFailed(problem.reason, problem.message))

    def _mark_arrived(self, key: str) -> PendingRequest | None:
        """The request that waits for `key`, if any, taken off the lists."""
        if self._outstanding.pop(key, None) is not None:
            self._arrived.add(key)
        return self._pending.pop(key, None)

    def _requeue(self, pending: PendingRequest, status: BatchStatus, problem: RequestError | None) -> None:
        pending.attempt.record_unbilled()
        pending.batches += 1
        if problem is not None and problem.maybe_billed and pending.batches >= MAX_PAID_BATCHES:
            pending.resolve(CallFailed(problem.reason, problem.message))
        elif pending.batches >= MAX_BATCHES:
            why = f"{pending.batches} batches left it unanswered, the last one {status.status}"
            pending.resolve(CallFailed("batch-expired", why))
        elif self._throttle.stopped is not None:
            pending.resolve(self._throttle.stopped)
        else:
            self._enqueue(pending)

    async def close(self) -> None:
        """Finish collecting what has come in; stop polling the rest."""
        for task in self._tasks - self._collecting:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


def stop_if_failed(task: asyncio.Task[None], throttle: Throttle) -> None:
    """Stop the run with the error of a background task, the store's mostly, that no caller awaits."""
    error = None if task.cancelled() else task.exception()
    if error is not None:
        throttle.stop(error if isinstance(error, BuildStopped) else BuildStopped(str(error)))
