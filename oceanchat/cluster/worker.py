"""One process that asks models for a build.

It asks as a build on one machine does, through the same ledger, and hands back what the ledger then holds.
Errors that a user can meet are handed back as text, for the process that drives the build to raise. Knows
nothing of Ray.
"""

import asyncio
import os
from collections.abc import Mapping
from contextlib import AsyncExitStack
from typing import Any, NamedTuple

from oceanchat.errors import BuildStopped, OceanChatError
from oceanchat.llm.chat import ChatRequest
from oceanchat.llm.endpoint.openai_endpoint import OpenAIEndpoint
from oceanchat.llm.prices import PriceTable
from oceanchat.llm.settings import CallSettings
from oceanchat.models import ModelSession, open_worker_session
from oceanchat.store.database import open_store
from oceanchat.store.ledger import Entry


class WorkerSetup(NamedTuple):
    """What a worker must know."""

    settings: CallSettings
    """With the key; `concurrency` is that of each worker."""
    prices: PriceTable
    store: str
    """The URL of the store, with its password."""
    driver: str
    """The run of the process that drives the build: its limits are on record under it."""


class Reply(NamedTuple):
    """What became of one request."""

    entry: Entry | None
    """What the ledger holds now; None where nothing more can be asked."""
    stopped: str
    """Why nothing more can be asked; '' otherwise."""
    counted: Mapping[str, Any]
    """What the worker has counted since its last reply, by the names of `usage.SUMS`."""
    request_forms: Mapping[str, tuple[str, ...]]
    """By model, how its requests are written otherwise than asked."""


class News(NamedTuple):
    """What the user of the build should know."""

    process: int
    """The number of the worker's process: another one than before tells that it was started again."""
    notes: tuple[str, ...]
    """Since the last time, one sentence each."""


class CallWorker:
    """Asks models, within the limits that all workers of a build share."""

    def __init__(self, setup: WorkerSetup) -> None:
        self._setup = setup
        self._stack = AsyncExitStack()
        self._session: ModelSession | None = None
        self._opening = asyncio.Lock()
        self._counted: dict[str, Any] = {}
        self._notes_sent = 0

    async def open(self) -> str:
        """Open the store and the endpoint; what is wrong with them, or ''."""
        try:
            await self._opened()
        except OceanChatError as error:
            return str(error)
        return ""

    async def ask(self, model: str, request: ChatRequest) -> Reply:
        """Ask `model`, unless the ledger holds the answer."""
        entry, stopped = None, ""
        try:
            session = await self._opened()
            entry = await session.model(model).entry(request)
        except OceanChatError as error:
            stopped = str(error)
        forms = {} if self._session is None else self._session.request_forms
        return Reply(entry, stopped, self._count(), forms)

    async def news(self) -> News:
        """What is to be told since the last time."""
        notes = [] if self._session is None else self._session.usage.notes[self._notes_sent :]
        self._notes_sent += len(notes)
        return News(os.getpid(), tuple(notes))

    async def stop(self, why: str) -> None:
        """Send nothing more; what is in flight finishes."""
        session = await self._opened()
        session.throttle.stop(BuildStopped(why))

    async def close(self) -> tuple[str, ...]:
        """Wait for what is in flight and end this worker's run; what is to be told of the endpoint."""
        notes = () if self._session is None else self._session.endpoint_notes
        await self._stack.aclose()
        return notes

    async def _opened(self) -> ModelSession:
        """The session, opened when it is first needed: a worker that is started again needs a new one."""
        async with self._opening:
            if self._session is None:
                setup = self._setup
                store = open_store(setup.store, must_exist=True)
                self._stack.callback(store.close)
                session = open_worker_session(
                    setup.settings, setup.prices, store, OpenAIEndpoint, setup.driver
                )
                self._session = await self._stack.enter_async_context(session)
            return self._session

    def _count(self) -> dict[str, Any]:
        """What was counted since the last time; nothing is counted twice."""
        if self._session is None:
            return {}
        sums = self._session.usage.sums()
        more = {name: total - self._counted.get(name, 0) for name, total in sums.items()}
        self._counted = sums
        return {name: count for name, count in more.items() if count}
