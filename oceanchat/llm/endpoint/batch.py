"""Gather requests and submit them in batches.

A batch costs half the price and is answered within a day. BatchQueue gathers requests until nothing new
comes, then submits one batch a model. A batch is on record before and after it is submitted, so that it is
found again after a kill; stages and ledger notice no difference. Its answers are BatchCollector's work.
"""

import asyncio
import contextlib
import time
import uuid
from collections.abc import Sequence

from oceanchat.errors import BuildStopped
from oceanchat.llm.chat import ChatRequest
from oceanchat.llm.endpoint.batch_api import BatchApi
from oceanchat.llm.endpoint.batch_requests import PendingRequest
from oceanchat.llm.endpoint.batch_results import BatchCollector, stop_if_failed
from oceanchat.llm.endpoint.client import Connection
from oceanchat.llm.endpoint.live import OpenAIModel
from oceanchat.llm.endpoint.request_errors import RequestError
from oceanchat.llm.provider import Attempt, ClaimedElsewhere, RawReply
from oceanchat.store import ledger_batches
from oceanchat.store.ledger_batches import PREPARING, SUBMITTED, BatchRow
from oceanchat.store.ledger_writer import LedgerWriter

NO_BATCHES = (403, 404, 405, 501)
"""HTTP statuses by which an endpoint says that it takes no batches, or none of this account's."""


class BatchModel:
    """One model name on a shared queue."""

    free = False

    def __init__(self, model: OpenAIModel, batch_queue: "BatchQueue") -> None:
        self.name = model.name
        self.endpoint = model.endpoint
        self._model = model
        self._queue = batch_queue

    async def fetch(self, request: ChatRequest, attempt: Attempt) -> RawReply:
        """Wait for the batch that answers `request`."""
        return await self._queue.ask(self._model, request, attempt)


class BatchQueue:
    """Gathers the requests of one session and submits them as batches."""

    def __init__(self, connection: Connection, ledger_writer: LedgerWriter) -> None:
        self._connection = connection
        self._ledger_writer = ledger_writer
        self._throttle = connection.throttle
        self._api = BatchApi(connection)
        self._collector = BatchCollector(connection, self._api, ledger_writer, self._enqueue)
        self.live = False
        """Whether requests that no batch holds are sent one by one, for answers that are wanted soon."""
        self._waiting: list[PendingRequest] = []
        self._arrivals = 0
        self._news = asyncio.Event()
        self._opening: asyncio.Task[None] | None = None
        self._gathering: asyncio.Task[None] | None = None

    async def ask(self, model: OpenAIModel, request: ChatRequest, attempt: Attempt) -> RawReply:
        """The body for `request`. Raises CallFailed or BuildStopped."""
        if self._opening is None:
            self._opening = asyncio.create_task(self._open())
        await asyncio.shield(self._opening)
        if attempt.left_with is not None:
            await self._adopt()
        self._throttle.check()
        pending = PendingRequest(model, request, attempt, asyncio.get_running_loop().create_future())
        if not await self._collector.adopt_request(pending):
            if self.live:
                return await model.fetch(request, attempt)
            self._enqueue(pending)
        reply = await pending.answer
        self._connection.answered += 1
        return reply

    async def close(self) -> None:
        """Finish submitting what is being submitted; what the provider works on stays with it."""
        if self._gathering is not None:
            self._news.set()
            await asyncio.gather(self._gathering, return_exceptions=True)
        await self._collector.close()

    async def _open(self) -> None:
        """Follow the batches that an earlier run left with the provider, then start gathering."""
        await self._adopt()
        self._gathering = asyncio.create_task(self._gather())
        self._gathering.add_done_callback(lambda task: stop_if_failed(task, self._throttle))
        self._collector.run_in_background(self._fail_pending_on_stop())

    async def _adopt(self) -> None:
        try:
            await self._collector.adopt_batches()
        except RequestError as error:
            raise self._connection.stop(error) from None

    def _enqueue(self, pending: PendingRequest) -> None:
        self._waiting.append(pending)
        self._arrivals += 1
        self._news.set()

    async def _fail_pending_on_stop(self) -> None:
        """When the run stops nothing waits for a batch any more; the batch stays with the provider."""
        await self._throttle.stopping()
        why = self._throttle.stopped or BuildStopped("the run is over")
        if batches := self._collector.outstanding_batches:
            stay = f"{batches} batches stay with the provider, see `oceanchat batches`"
            why = BuildStopped(f"{why}; {stay}", why.signal)
        for pending in (*self._waiting, *self._collector.pending_requests()):
            pending.resolve(why)

    async def _gather(self) -> None:
        """Submit what has gathered whenever nothing new has come for a while."""
        quiet_seconds = self._connection.settings.batch_gather_seconds
        with contextlib.suppress(BuildStopped):
            while True:
                await self._news.wait()
                arrivals_before = -1
                while arrivals_before != self._arrivals:
                    arrivals_before = self._arrivals
                    await self._throttle.pause(quiet_seconds)
                self._news.clear()
                waiting, self._waiting = self._waiting, []
                for chunk in self._chunks(waiting):
                    await self._send(chunk)

    def _chunks(self, waiting: Sequence[PendingRequest]) -> list[list[PendingRequest]]:
        """One model a batch, within the API's limits."""
        settings = self._connection.settings
        chunks: list[list[PendingRequest]] = []
        bytes_left: dict[str, int] = {}
        current: dict[str, list[PendingRequest]] = {}
        for pending in waiting:
            name, size = pending.model.name, len(pending.line())
            full = name not in current or len(current[name]) >= settings.batch_max_requests
            if full or bytes_left[name] < size:
                current[name] = []
                bytes_left[name] = settings.batch_max_bytes
                chunks.append(current[name])
            current[name].append(pending)
            bytes_left[name] -= size
        return chunks

    async def _send(self, chunk: Sequence[PendingRequest]) -> None:
        batch = uuid.uuid4().hex
        errors = await asyncio.gather(
            *(pending.attempt.begin(batch) for pending in chunk), return_exceptions=True
        )
        begun = [pending for pending, error in zip(chunk, errors, strict=True) if error is None]
        if begun:
            await self._submit(batch, begun)
        for pending, error in zip(chunk, errors, strict=True):
            if isinstance(error, ClaimedElsewhere):
                pending.resolve(error)
            elif error is not None:
                why = error if isinstance(error, BuildStopped) else BuildStopped(str(error))
                self._throttle.stop(why)
                pending.resolve(why)

    async def _submit(self, batch: str, chunk: Sequence[PendingRequest]) -> None:
        row = self._row(batch, chunk)
        await self._ledger_writer.transaction(lambda store: ledger_batches.add_batch(store, row))
        self._collector.expect(batch, chunk)
        try:
            status = await self._api.submit(batch, b"".join(pending.line() for pending in chunk))
        except RequestError as error:
            if not error.maybe_billed:  # else it may be there: the next run looks for it
                message = self._connection.shown_error(error.message)
                await self._collector.close_batch(batch, "not-submitted", message)
            if error.words.status in NO_BATCHES:
                error.reason = "no-batches"
            self._connection.stop(error)
            return
        await self._collector.record(batch, remote_id=status.id, state=SUBMITTED)
        self._collector.follow(batch, status.id, [pending.attempt.key for pending in chunk], time.time())

    def _row(self, batch: str, chunk: Sequence[PendingRequest]) -> BatchRow:
        now = time.time()
        return {
            "batch": batch,
            "remote_id": None,
            "endpoint": chunk[0].model.endpoint,
            "model": chunk[0].model.name,
            "state": PREPARING,
            "requests": len(chunk),
            "answered": 0,
            "message": None,
            "run": self._ledger_writer.run,
            "created_at": now,
            "changed_at": now,
        }
