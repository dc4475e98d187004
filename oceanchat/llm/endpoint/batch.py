"""BatchModel: the same model through the Batch API, at half the price and with answers within a day.

Requests gather until nothing new comes, then leave as one batch a model. A batch is on record before and
after it is submitted, so that a killed process finds it again; stages and ledger notice no difference.
"""

import asyncio
import contextlib
import json
import time
import uuid
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection as StoreConnection

from oceanchat.errors import BuildStopped, CallFailed
from oceanchat.llm.chat import ChatRequest
from oceanchat.llm.completions import read_completion
from oceanchat.llm.endpoint.batch_api import CHAT_ENDPOINT, BatchApi, Line, Remote
from oceanchat.llm.endpoint.client import Connection
from oceanchat.llm.endpoint.live import OpenAIModel
from oceanchat.llm.endpoint.request_errors import Fault, Meaning, fault_of
from oceanchat.llm.provider import PaidCall, RawReply
from oceanchat.store import ledger as ledger_rows
from oceanchat.store.ledger import ANSWERED, FAILED, PREPARING, SUBMITTED, Row
from oceanchat.store.ledger_writer import Clerk

FIRST_LOOK = 0.5
"""Seconds to the second look at a batch; doubled with each further one up to the poll interval."""
MOST_BATCHES = 5
"""Batches one request may go through unanswered (expired, over the queue's limit) before it fails."""


@dataclass
class _Asked:
    """One request that waits for a batch to be sent or to come back."""

    model: OpenAIModel
    request: ChatRequest
    call: PaidCall
    answer: asyncio.Future[RawReply]
    batch: str = ""
    """Our id of the batch that it is in."""
    batches: int = 0

    def line(self) -> bytes:
        """Its line in the batch file."""
        body = self.model.body(self.request)
        line = {"custom_id": self.call.key, "method": "POST", "url": CHAT_ENDPOINT, "body": body}
        return json.dumps(line, ensure_ascii=False).encode("utf-8", "replace") + b"\n"


class BatchModel:
    """One model name on a shared desk."""

    free = False

    def __init__(self, model: OpenAIModel, desk: "BatchDesk") -> None:
        self.name = model.name
        self.endpoint = model.endpoint
        self._model = model
        self._desk = desk

    async def fetch(self, request: ChatRequest, call: PaidCall) -> RawReply:
        """Wait for the batch that answers `request`."""
        return await self._desk.ask(self._model, request, call)


@dataclass
class BatchDesk:
    """Gathers requests, sends them as batches and hands the answers out; one a run."""

    connection: Connection
    clerk: Clerk
    _waiting: list[_Asked] = field(default_factory=list)
    _sent: dict[str, _Asked] = field(default_factory=dict)
    _outstanding: dict[str, str] = field(default_factory=dict)
    _arrived: set[str] = field(default_factory=set)
    _arrivals: int = 0
    _news: asyncio.Event = field(default_factory=asyncio.Event)
    _opened: asyncio.Task[None] | None = None
    _gathering: asyncio.Task[None] | None = None
    _following: set[asyncio.Task[None]] = field(default_factory=set)
    _collecting: set[asyncio.Task[None] | None] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._api = BatchApi(self.connection)
        self._gate = self.connection.gate

    async def ask(self, model: OpenAIModel, request: ChatRequest, call: PaidCall) -> RawReply:
        """The body for `request`. Raises CallFailed or BuildStopped."""
        if self._opened is None:
            self._opened = asyncio.create_task(self._open())
        await asyncio.shield(self._opened)
        self._gate.check()
        asked = _Asked(model, request, call, asyncio.get_running_loop().create_future())
        if (batch := self._outstanding.get(call.key)) is not None:
            asked.batch = batch
            self._sent[call.key] = asked
            await call.begin(batch)
            if asked.answer.done():  # the batch came in meanwhile
                call.unpaid()
        elif call.key in self._arrived:  # with an earlier run's batch, after the caller looked
            await self._answer_from_ledger(asked)
        else:
            self._wait_for_next(asked)
        reply = await asked.answer
        self.connection.answered += 1
        return reply

    def _wait_for_next(self, asked: _Asked) -> None:
        self._waiting.append(asked)
        self._arrivals += 1
        self._news.set()

    async def _open(self) -> None:
        """Find the batches an earlier run left with the provider, then start gathering."""
        try:
            adopted = [await self._adopt(row) for row in await self.clerk.run_in_order(self._unfinished)]
        except Fault as fault:
            raise self.connection.stop(fault) from None
        for batch, remote_id in filter(None, adopted):
            self._follow_task(self._follow(batch, remote_id))
        self._gathering = asyncio.create_task(self._gather())
        self._gathering.add_done_callback(self._stop_if_broken)
        self._follow_task(self._tell_of_stop())

    def _unfinished(self, store: StoreConnection) -> list[Row]:
        endpoint = self.connection.settings.endpoint
        return ledger_rows.batches(store, endpoint, unfinished=True)

    async def _adopt(self, row: Row) -> tuple[str, str] | None:
        """Our id and the provider's of a batch to follow; None where there is nothing to wait for."""
        batch, remote_id = row["batch"], row["remote_id"]
        if row["state"] == PREPARING:
            if row["run"] not in await self.clerk.run_in_order(ledger_rows.dead_runs):
                return None
            found = await self._api.find(batch)
            if found is None:
                await self._give_up(batch, "never-sent")
                return None
            remote_id = found.id
            await self._record(batch, remote_id=remote_id, state=SUBMITTED)
        calls = await self.clerk.run_in_order(lambda store: ledger_rows.batch_calls(store, batch))
        self._outstanding.update(dict.fromkeys((call["key"] for call in calls), batch))
        return batch, remote_id

    async def _record(self, batch: str, **values: Any) -> None:
        await self.clerk.run_in_order(lambda store: ledger_rows.set_batch(store, batch, **values))

    async def _give_up(self, batch: str, state: str, message: str = "") -> None:
        """Nothing more comes of `batch`: what it left unanswered may be asked again."""

        def work(store: StoreConnection) -> list[Row]:
            left = ledger_rows.batch_calls(store, batch)
            ledger_rows.free(store, [row["key"] for row in left])
            ledger_rows.set_batch(store, batch, state=state, message=message)
            return left

        for row in await self.clerk.run_in_order(work):
            self._outstanding.pop(row["key"], None)

    def _follow_task(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self._following.add(task)
        task.add_done_callback(self._following.discard)
        task.add_done_callback(self._stop_if_broken)

    def _stop_if_broken(self, task: asyncio.Task[None]) -> None:
        """Nobody awaits these tasks, so what breaks one (the store, mostly) must stop the run."""
        error = None if task.cancelled() else task.exception()
        if error is not None:
            self._gate.stop(error if isinstance(error, BuildStopped) else BuildStopped(str(error)))

    async def _tell_of_stop(self) -> None:
        """When the run stops nobody waits for a batch any more; it stays with the provider."""
        await self._gate.stopping()
        why = self._gate.stopped or BuildStopped("the run is over")
        if left := len(set(self._outstanding.values())):
            why = BuildStopped(f"{why}; {left} batches stay with the provider, see `oceanchat batches`")
        for asked in (*self._waiting, *self._sent.values()):
            _set(asked, why)

    async def _gather(self) -> None:
        """Send what has gathered whenever nothing new has come for a while."""
        quiet = self.connection.settings.batch_gather_seconds
        with contextlib.suppress(BuildStopped):
            while True:
                await self._news.wait()
                seen = -1
                while seen != self._arrivals:
                    seen = self._arrivals
                    await self._gate.pause(quiet)
                self._news.clear()
                waiting, self._waiting = self._waiting, []
                for chunk in self._chunks(waiting):
                    await self._send(chunk)

    def _chunks(self, waiting: list[_Asked]) -> list[list[_Asked]]:
        """One model a batch, within the API's limits."""
        settings = self.connection.settings
        chunks: list[list[_Asked]] = []
        room: dict[str, int] = {}
        current: dict[str, list[_Asked]] = {}
        for asked in waiting:
            name, size = asked.model.name, len(asked.line())
            full = name not in current or len(current[name]) >= settings.batch_max_requests
            if full or room[name] < size:
                current[name] = []
                room[name] = settings.batch_max_bytes
                chunks.append(current[name])
            current[name].append(asked)
            room[name] -= size
        return chunks

    async def _send(self, chunk: list[_Asked]) -> None:
        batch = uuid.uuid4().hex
        begun = await asyncio.gather(*(asked.call.begin(batch) for asked in chunk), return_exceptions=True)
        sent = [asked for asked, error in zip(chunk, begun, strict=True) if error is None]
        if sent:
            await self._submit(batch, sent)
        for asked, error in zip(chunk, begun, strict=True):
            if error is not None:
                over = error if isinstance(error, BuildStopped) else BuildStopped(str(error))
                self._gate.stop(over)
                _set(asked, over)

    async def _submit(self, batch: str, chunk: list[_Asked]) -> None:
        now = time.time()
        row: Row = {
            "batch": batch,
            "remote_id": None,
            "endpoint": chunk[0].model.endpoint,
            "model": chunk[0].model.name,
            "state": PREPARING,
            "requests": len(chunk),
            "answered": 0,
            "message": None,
            "run": self.clerk.run,
            "created_at": now,
            "changed_at": now,
        }
        await self.clerk.run_in_order(lambda store: ledger_rows.add_batch(store, row))
        for asked in chunk:
            asked.batch = batch
            self._sent[asked.call.key] = asked
        try:
            remote = await self._api.submit(batch, b"".join(asked.line() for asked in chunk))
        except Fault as fault:
            await self._give_up(batch, "not-submitted", self.connection.blot_text(fault.message))
            self.connection.stop(fault)
            return
        await self._record(batch, remote_id=remote.id, state=SUBMITTED)
        self._outstanding.update(dict.fromkeys((asked.call.key for asked in chunk), batch))
        self._follow_task(self._follow(batch, remote.id))

    async def _follow(self, batch: str, remote_id: str) -> None:
        """Look at a batch until it is finished, then take its answers in."""
        try:
            wait = FIRST_LOOK
            while not (remote := await self._api.look(remote_id)).finished:
                await self._gate.pause(min(wait, self.connection.settings.batch_poll_seconds))
                wait *= 2
            # From here to the end nothing is cut short: paid answers are being taken in.
            self._collecting.add(asyncio.current_task())
            await self._collect(batch, remote)
        except Fault as fault:
            self.connection.stop(fault)
        except BuildStopped:
            return

    async def _collect(self, batch: str, remote: Remote) -> None:
        calls = await self.clerk.run_in_order(lambda store: ledger_rows.batch_calls(store, batch))
        rows = {row["key"]: row for row in calls}
        answered = 0
        async for line in self._api.lines(remote):
            if line.key in rows and await self._take_in(line, rows[line.key]):
                del rows[line.key]
                answered += 1
        await self._record(batch, answered=answered)
        await self._give_up(batch, remote.status, remote.message)
        left = [self._sent.pop(key) for key, asked in [*self._sent.items()] if asked.batch == batch]
        if remote.status in ("failed", "cancelled") and remote.code != "token_limit_exceeded":
            why = f"batch '{remote.id}' was {remote.status} {remote.message}".rstrip()
            self._gate.stop(BuildStopped(f"{why}; run the same command again to ask for the rest"))
        for asked in left:
            if not await self._answer_from_ledger(asked):
                self._ask_anew(asked, remote)

    async def _answer_from_ledger(self, asked: _Asked) -> bool:
        """Answer with what another batch or run brought in; False where there is nothing."""
        entry = await self.clerk.find(asked.call.key)
        if entry is None:
            return False
        asked.call.unpaid()
        if entry.state == FAILED:
            _set(asked, CallFailed(entry.reason or "failed", (entry.body or b"").decode("utf-8", "replace")))
        else:
            _set(asked, RawReply(entry.body or b"", batch=True))
        return True

    async def _take_in(self, line: Line, row: Row) -> bool:
        """Keep one result; False where it has to be asked for again."""
        asked = self._sent.get(line.key)
        body = json.dumps(line.body, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
        if line.status == 200 and (answer := read_completion(body)) is not None:
            self._forget(line.key)
            if asked is not None:
                await asked.call.keep(RawReply(body, batch=True))
                _set(asked, RawReply(body, batch=True))
            else:
                tokens = {
                    "prompt_tokens": answer.prompt_tokens,
                    "completion_tokens": answer.completion_tokens,
                }
                await self.clerk.keep({**row, **tokens, "state": ANSWERED, "body": body, "reason": None})
            return True
        fault = fault_of(line.status, line.code, f"{line.status} {line.message}") if line.status else None
        if fault is None or fault.meaning is not Meaning.ROW:
            return False
        self._forget(line.key)
        if asked is not None:
            asked.call.unpaid()
            _set(asked, CallFailed(fault.reason, fault.message))
        else:
            told = {"state": FAILED, "reason": fault.reason, "body": fault.message.encode()}
            await self.clerk.keep({**row, **told})
        return True

    def _forget(self, key: str) -> None:
        self._sent.pop(key, None)
        if self._outstanding.pop(key, None) is not None:
            self._arrived.add(key)

    def _ask_anew(self, asked: _Asked, remote: Remote) -> None:
        asked.call.unpaid()
        asked.batches += 1
        if asked.batches >= MOST_BATCHES:
            told = f"{asked.batches} batches left it unanswered, the last one {remote.status}"
            _set(asked, CallFailed("batch-expired", told))
        elif self._gate.stopped is not None:
            _set(asked, self._gate.stopped)
        else:
            self._wait_for_next(asked)

    async def close(self) -> None:
        """Finish sending what is being sent; what the provider works on stays with it."""
        if self._gathering is not None:
            self._news.set()
            await asyncio.gather(self._gathering, return_exceptions=True)
        for task in self._following - self._collecting:
            task.cancel()
        await asyncio.gather(*self._following, return_exceptions=True)


def _set(asked: _Asked, outcome: RawReply | Exception) -> None:
    if asked.answer.done():
        return
    if isinstance(outcome, Exception):
        asked.answer.set_exception(outcome)
    else:
        asked.answer.set_result(outcome)
