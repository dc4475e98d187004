"""Follow submitted batches and hand out their answers.

BatchCollector also adopts the batches an earlier, perhaps killed, run left with the provider. What a batch
left unanswered goes back to the queue.
"""

import asyncio
import json
from collections.abc import Callable, Coroutine, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection as StoreConnection

from oceanchat.errors import BuildStopped, CallFailed
from oceanchat.llm.attempt import token_columns
from oceanchat.llm.chat import ChatRequest
from oceanchat.llm.completions import ERROR, read_completion
from oceanchat.llm.endpoint.batch_api import CHAT_ENDPOINT, BatchApi, BatchStatus, ResultLine
from oceanchat.llm.endpoint.client import Connection
from oceanchat.llm.endpoint.error_words import error_words
from oceanchat.llm.endpoint.live import OpenAIModel
from oceanchat.llm.endpoint.request_errors import ErrorAction, RequestError, classify_status
from oceanchat.llm.endpoint.request_form import RequestForm
from oceanchat.llm.provider import Attempt, RawReply
from oceanchat.llm.throttle import Throttle
from oceanchat.store import ledger as ledger_rows
from oceanchat.store import ledger_batches
from oceanchat.store.ledger import ANSWERED, FAILED, Row
from oceanchat.store.ledger_batches import PREPARING, SUBMITTED, BatchRow
from oceanchat.store.ledger_writer import LedgerWriter

FIRST_POLL = 0.5
"""Seconds between the first two polls of a batch; doubled each time up to the poll interval."""
MAX_BATCHES = 5
"""Batches one request may go through unanswered (expired, over the queue's limit) before it fails."""


@dataclass
class PendingRequest:
    """One request that waits for a batch to be submitted or to come back."""

    model: OpenAIModel
    request: ChatRequest
    attempt: Attempt
    answer: asyncio.Future[RawReply]
    batch: str = ""
    """Our id of the batch it is in."""
    batches: int = 0
    """Batches that left it unanswered."""
    form: RequestForm = field(default_factory=RequestForm)
    """How it is written: as the model's other requests, and without what was refused of this one."""

    def line(self) -> bytes:
        """Its line in the batch file."""
        self.form = self.form.merged(self.model.form)
        body = self.form.body(self.model.name, self.request)
        line = {"custom_id": self.attempt.key, "method": "POST", "url": CHAT_ENDPOINT, "body": body}
        return json.dumps(line, ensure_ascii=False).encode("utf-8", "replace") + b"\n"

    def is_refused(self, result: ResultLine) -> bool:
        """Whether its form was refused and is now another, in which it is to be asked again."""
        words = error_words(result.body)
        better = self.form.after(result.status, words, self.request)
        self.form = better or self.form
        return better is not None

    def resolve(self, outcome: RawReply | Exception) -> None:
        """Hand over the reply or the error; the first one counts."""
        if self.answer.done():
            return
        if isinstance(outcome, Exception):
            self.answer.set_exception(outcome)
        else:
            self.answer.set_result(outcome)


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
        submitted = [(row["batch"], await self._remote_id(row)) for row in rows]
        for batch, remote_id in submitted:
            if remote_id is not None:
                calls = await self._unanswered(batch)
                self.follow(batch, remote_id, [call["key"] for call in calls])

    async def _remote_id(self, row: BatchRow) -> str | None:
        """The provider's id of a batch on record; None where there is nothing to wait for."""
        batch: str = row["batch"]
        remote_id: str | None = row["remote_id"]
        if row["state"] != PREPARING:
            return remote_id
        status = await self._api.find(batch)
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

    def follow(self, batch: str, remote_id: str, keys: Iterable[str]) -> None:
        """Poll a submitted batch with the requests `keys` and collect its answers, in the background."""
        self._outstanding.update(dict.fromkeys(keys, batch))
        self.run_in_background(self._follow(batch, remote_id))

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
        """Record that `batch` has ended in `state`: what it left unanswered may be asked again."""

        def work(store: StoreConnection) -> list[Row]:
            unanswered = ledger_rows.batch_calls(store, batch)
            ledger_rows.withdraw(store, [(row["key"], row["run"]) for row in unanswered])
            ledger_batches.set_batch(store, batch, state=state, message=message)
            return unanswered

        for row in await self._ledger_writer.transaction(work):
            self._outstanding.pop(row["key"], None)

    async def _unanswered(self, batch: str) -> list[Row]:
        rows: list[Row] = await self._ledger_writer.transaction(
            lambda store: ledger_rows.batch_calls(store, batch)
        )
        return rows

    async def _follow(self, batch: str, remote_id: str) -> None:
        """Poll a batch until it is finished, then collect its answers."""
        try:
            wait = FIRST_POLL
            while not (status := await self._api.retrieve(remote_id)).finished:
                await self._throttle.pause(min(wait, self._connection.settings.batch_poll_seconds))
                wait *= 2
            # From here to the end nothing is cut short: paid answers are being stored.
            self._collecting.add(asyncio.current_task())
            await self._collect(batch, status)
        except RequestError as error:
            self._connection.stop(error)
        except BuildStopped:
            return

    async def _collect(self, batch: str, status: BatchStatus) -> None:
        rows = {row["key"]: row for row in await self._unanswered(batch)}
        answered = 0
        async for line in self._api.lines(status):
            if line.key in rows and await self._store_result(line, rows[line.key]):
                del rows[line.key]
                answered += 1
        await self.record(batch, answered=answered)
        await self.close_batch(batch, status.status, status.message)
        unanswered = [
            self._pending.pop(key) for key, pending in [*self._pending.items()] if pending.batch == batch
        ]
        if status.status in ("failed", "cancelled") and status.code != "token_limit_exceeded":
            why = f"batch '{status.id}' was {status.status} {status.message}".rstrip()
            self._throttle.stop(BuildStopped(f"{why}; run the same command again to ask for the rest"))
        for pending in unanswered:
            if not await self._answer_from_ledger(pending):
                self._requeue(pending, status)

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

    async def _store_result(self, line: ResultLine, row: Row) -> bool:
        """Store one result and hand it over; False where it has to be asked for again."""
        body = json.dumps(line.body, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
        if line.status == 200 and (answer := read_completion(body)) is not None:
            if answer.finish_reason == ERROR:
                return False
            pending = self._mark_arrived(line.key)
            if pending is not None:
                pending.model.adopt(pending.form)
                await pending.attempt.store(RawReply(body, batch=True))
                pending.resolve(RawReply(body, batch=True))
                return True
            await self._ledger_writer.store(
                {**row, **token_columns(answer), "state": ANSWERED, "body": body, "reason": None}
            )
            return True
        if line.status is None:
            return False
        error = classify_status(line.status, line.code, f"{line.status} {line.message}")
        waiting = self._pending.get(line.key)
        if error.action is not ErrorAction.FAIL_ROW or (waiting is not None and waiting.is_refused(line)):
            return False
        pending = self._mark_arrived(line.key)
        if pending is not None:
            pending.attempt.record_unbilled()
            pending.resolve(CallFailed(error.reason, error.message))
            return True
        failure = {"state": FAILED, "reason": error.reason, "body": error.message.encode()}
        await self._ledger_writer.store({**row, **failure})
        return True

    def _mark_arrived(self, key: str) -> PendingRequest | None:
        """The request that waits for `key`, if any, taken off the lists."""
        if self._outstanding.pop(key, None) is not None:
            self._arrived.add(key)
        return self._pending.pop(key, None)

    def _requeue(self, pending: PendingRequest, status: BatchStatus) -> None:
        pending.attempt.record_unbilled()
        pending.batches += 1
        if pending.batches >= MAX_BATCHES:
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
