"""Open the models of a run: labeler, writer and checker, each behind the ledger, sharing one connection.

The one place that decides which model is scripted, live or batched. Holds the run together: one clerk, one
gate, one budget, one connection; a first Ctrl-C lets what is in flight finish, a second leaves at once.
"""

import asyncio
import os
import signal
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from types import FrameType
from typing import Any

from sqlalchemy import Engine

from oceanchat.errors import BuildStopped, ConfigError
from oceanchat.llm.budget import Budget
from oceanchat.llm.ledger import Ledger
from oceanchat.llm.prices import load_prices
from oceanchat.llm.provider import AnswerSource, FreeSource
from oceanchat.llm.settings import OPENAI_URL, SCRIPTED, CallSettings
from oceanchat.llm.throttle import Gate
from oceanchat.llm.usage import CallCounts
from oceanchat.scripted.model import ScriptedModel
from oceanchat.store.ledger_writer import Clerk


@dataclass
class Run:
    """What the models of one run share."""

    settings: CallSettings
    clerk: Clerk
    budget: Budget
    gate: Gate
    counts: CallCounts = field(default_factory=CallCounts)
    _ledgers: dict[str, Ledger] = field(default_factory=dict)
    _connection: Any = None
    _desk: Any = None

    def model(self, name: str) -> Ledger:
        """The model of that name ('scripted': the embedded one), opened when first asked for."""
        if name not in self._ledgers:
            source = self._source(name)
            self.budget.require_price(source.endpoint, source.name)
            self._ledgers[name] = Ledger(
                source, self.clerk, self.budget, self.counts, self.gate, self.settings.offline
            )
        return self._ledgers[name]

    def _source(self, name: str) -> AnswerSource:
        if name == SCRIPTED:
            return FreeSource(ScriptedModel())
        if self.settings.offline:
            return _Absent(name, self.settings.endpoint)
        return self._paid_source(name)

    def _paid_source(self, name: str) -> AnswerSource:
        # The client costs half a second and 40 MB to import, which a scripted or offline build need not pay.
        from oceanchat.llm.endpoint.client import Connection
        from oceanchat.llm.endpoint.live import OpenAIModel

        require_key(self.settings)
        if self._connection is None:
            self._connection = Connection(self.settings, self.gate)
        model = OpenAIModel(name, self._connection)
        if not self.settings.batch:
            return model
        from oceanchat.llm.endpoint.batch import BatchDesk, BatchModel

        if self._desk is None:
            self._desk = BatchDesk(self._connection, self.clerk)
        return BatchModel(model, self._desk)

    async def close(self) -> None:
        """Let nothing new out, wait for what is in flight, write everything."""
        self.gate.stop(BuildStopped("the run is over"))
        try:
            for ledger in self._ledgers.values():
                await ledger.drain()
            if self._desk is not None:
                await self._desk.close()
        finally:
            if self._connection is not None:
                await self._connection.close()
            await self.clerk.close()


@dataclass(frozen=True)
class Models:
    """The three models of a build and the run they share."""

    labeler: Ledger
    writer: Ledger
    checker: Ledger
    run: Run

    @property
    def counts(self) -> CallCounts:
        """The live figures for the progress display and `--json`."""
        return self.run.counts


class _Absent:
    """Stands where a real model would be while a build is replayed offline: it can be named, not asked."""

    free = False

    def __init__(self, name: str, endpoint: str) -> None:
        self.name = name
        self.endpoint = endpoint

    async def fetch(self, request: object, call: object) -> Any:
        raise BuildStopped(f"model '{self.name}' cannot be asked with --offline")


def require_key(settings: CallSettings) -> None:
    """Raise ConfigError where the endpoint needs a key and there is none."""
    if settings.api_key is None and settings.endpoint == OPENAI_URL:
        raise ConfigError(
            f"endpoint '{OPENAI_URL}' needs a key: set OPENAI_API_KEY, or name another endpoint with"
            f" --base-url"
        )


@asynccontextmanager
async def open_run(settings: CallSettings, engine: Engine) -> AsyncIterator[Run]:
    """A run on the store's ledger; leaving it waits for what is in flight."""
    budget = Budget(load_prices(settings.prices), settings.max_usd)
    gate = Gate(settings.concurrency, settings.rpm, settings.tpm)
    clerk = Clerk(engine)
    await clerk.open()
    run = Run(settings, clerk, budget, gate)
    with _drain_on_signals(gate):
        try:
            yield run
        finally:
            await run.close()


@asynccontextmanager
async def open_models(
    settings: CallSettings, engine: Engine, labeler: str, writer: str, checker: str
) -> AsyncIterator[Models]:
    """The three models of a build, by name; equal names are one model. Raises ConfigError."""
    async with open_run(settings, engine) as run:
        yield Models(run.model(labeler), run.model(writer), run.model(checker), run)


@contextmanager
def _drain_on_signals(gate: Gate) -> Iterator[None]:
    """The first SIGINT or SIGTERM stops the gate, the second leaves the process at once."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    loop = asyncio.get_running_loop()

    def on_signal(number: int, frame: FrameType | None) -> None:
        if gate.stopped is not None:
            os._exit(128 + number)
        why = BuildStopped(
            f"stopped by {signal.Signals(number).name}; everything answered is kept: run the same command"
            f" again to go on"
        )
        loop.call_soon_threadsafe(gate.stop, why)

    before = {number: signal.signal(number, on_signal) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
