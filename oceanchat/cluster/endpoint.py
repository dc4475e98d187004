"""Models that a Ray cluster's workers ask.

For the build it is an endpoint like any other: which requests are made is decided here, and a worker makes
them, stores what comes and pays from what all share. Ray starts a worker again that was lost and asks it
again; the ledger sees to it that what was answered is not paid again.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Sequence
from decimal import Decimal
from typing import Any

import ray
from ray.exceptions import RayError

from oceanchat.cluster.connection import in_one_line, machines
from oceanchat.cluster.worker import CallWorker, News, Reply, WorkerSetup
from oceanchat.errors import BuildStopped, CallFailed, ConfigError
from oceanchat.llm.chat import ChatRequest
from oceanchat.llm.completions import read_completion
from oceanchat.llm.prices import load_prices
from oceanchat.llm.provider import Attempt, Endpoint, RawReply
from oceanchat.llm.settings import CallSettings
from oceanchat.llm.throttle import Throttle
from oceanchat.store import shared_limits as limit_rows
from oceanchat.store.ledger import FAILED
from oceanchat.store.ledger_writer import LedgerWriter

START_SECONDS = 120.0
"""How long all workers may take to start."""
NEWS_SECONDS = 1.0
"""Seconds between two questions for news."""
CLOSE_SECONDS = 30.0
"""How long a worker may take to close once nothing is in flight."""


class Workers:
    """The workers of one build, started when the first request must be made."""

    def __init__(
        self, settings: CallSettings, store: str, number: int, throttle: Throttle, writer: LedgerWriter
    ) -> None:
        self._settings = settings
        self._store = store
        self._number = number
        self._throttle = throttle
        self._writer = writer
        self._actors: list[Any] = []
        self._problem: ConfigError | None = None
        """Why the workers could not be started."""
        self._asked: list[int] = [0] * number
        """Requests that each is working on."""
        self._starting = asyncio.Lock()
        self._watching: list[asyncio.Task[None]] = []
        self.request_forms: dict[str, tuple[str, ...]] = {}
        self.notes: dict[str, None] = {}
        """In the order in which they came."""

    async def ask(self, model: str, request: ChatRequest) -> Reply:
        """What a worker that has least to do hands back. Raises BuildStopped and ConfigError."""
        async with self._starting:
            if not self._actors:
                self._actors = await self._start()
        number = self._asked.index(min(self._asked))
        self._asked[number] += 1
        try:
            reply: Reply = await _answer(self._actors[number].ask.remote(model, request))
        finally:
            self._asked[number] -= 1
        self.request_forms |= reply.request_forms
        return reply

    async def _start(self) -> list[Any]:
        if self._problem is not None:
            raise self._problem
        settings, driver = self._settings, self._writer.run
        cap = None if settings.max_usd is None else Decimal(str(settings.max_usd))
        limits = limit_rows.SharedLimits(cap, settings.rpm, settings.tpm)
        await self._writer.transaction(lambda connection: limit_rows.start(connection, driver, limits))
        setup = WorkerSetup(settings, load_prices(settings.prices), self._store, driver)
        worker = ray.remote(CallWorker).options(
            max_restarts=-1,
            max_task_retries=-1,
            max_concurrency=2 * settings.concurrency + 8,
            scheduling_strategy="SPREAD",
        )
        actors = [worker.remote(setup) for _ in range(self._number)]
        if problem := await self._problem_of(actors):
            for actor in actors:
                ray.kill(actor)
            self._problem = ConfigError(problem)
            raise self._problem
        self._watching = [asyncio.create_task(self._watch(actor)) for actor in actors]
        self._watching.append(asyncio.create_task(self._pass_stop_on()))
        return actors

    async def _problem_of(self, actors: Sequence[Any]) -> str:
        """What keeps a worker from working, or ''."""
        try:
            async with asyncio.timeout(START_SECONDS):
                problems = await asyncio.gather(*(_answer(actor.open.remote()) for actor in actors))
        except TimeoutError:
            return (
                f"the Ray cluster started no {self._number} workers within {START_SECONDS:g} s: see"
                f" `ray status`, or lower --ray-workers"
            )
        except BuildStopped as stopped:
            return str(stopped)
        return next((f"a worker on the Ray cluster cannot start: {it}" for it in problems if it), "")

    async def _watch(self, actor: Any) -> None:
        """Tell what a worker has to tell, and that it was lost."""
        process = 0
        with contextlib.suppress(BuildStopped):  # whoever asks is told so
            while True:
                news: News = await _answer(actor.news.remote())
                if process and news.process != process:
                    self._throttle.tell(
                        f"worker process {process} was lost and started again; what it had in flight is"
                        f" asked again, and what it had set aside for it counts as spent"
                    )
                process = news.process
                for note in news.notes:
                    self._throttle.tell(note)
                await asyncio.sleep(NEWS_SECONDS)

    async def _pass_stop_on(self) -> None:
        await self._throttle.stopping()
        why = str(self._throttle.stopped)
        with contextlib.suppress(BuildStopped):
            await asyncio.gather(*(_answer(actor.stop.remote(why)) for actor in self._actors))

    async def close(self) -> None:
        """Let every worker finish what is in flight and end."""
        for task in self._watching:
            task.cancel()
        await asyncio.gather(*self._watching, return_exceptions=True)
        for notes in await asyncio.gather(*map(self._close, self._actors)):
            self.notes |= dict.fromkeys(notes)
        if self._actors:
            driver = self._writer.run
            await self._writer.transaction(lambda connection: limit_rows.end(connection, driver))

    async def _close(self, actor: Any) -> Sequence[str]:
        notes: Sequence[str] = ()
        with contextlib.suppress(BuildStopped, TimeoutError):
            async with asyncio.timeout(CLOSE_SECONDS):
                notes = await _answer(actor.close.remote())
        ray.kill(actor)
        return notes


class ClusterModel:
    """One model that the workers ask."""

    free = False

    def __init__(self, name: str, endpoint: str, workers: Workers, throttle: Throttle) -> None:
        self.name = name
        self.endpoint = endpoint
        self._workers = workers
        self._throttle = throttle

    async def fetch(self, request: ChatRequest, attempt: Attempt) -> RawReply:
        """Have a worker ask; the ledger holds what comes of it when this returns or raises CallFailed."""
        async with self._throttle.slot(0):
            with attempt.elsewhere() as count:
                reply = await self._workers.ask(self.name, request)
                count(reply.counted)
        if reply.entry is None:
            raise BuildStopped(reply.stopped)
        body = reply.entry.body or b""
        if reply.entry.state == FAILED and read_completion(body) is None:
            raise CallFailed(reply.entry.reason or "failed", body.decode("utf-8", "replace"))
        return RawReply(body)


class ClusterEndpoint:
    """The endpoint that `settings` name, asked by workers."""

    def __init__(self, settings: CallSettings, workers: Workers, throttle: Throttle) -> None:
        self._endpoint = settings.endpoint
        self._workers = workers
        self._throttle = throttle

    def provider(self, name: str) -> ClusterModel:
        """The model of that name; whether the endpoint has it shows when it is asked."""
        return ClusterModel(name, self._endpoint, self._workers, self._throttle)

    @property
    def request_forms(self) -> dict[str, tuple[str, ...]]:
        """By model, how its requests are written otherwise than asked, because it refuses that."""
        return self._workers.request_forms

    @property
    def notes(self) -> tuple[str, ...]:
        """What else the user should know of the endpoint, one line each."""
        return tuple(self._workers.notes)

    def ask_live(self, live: bool) -> None:
        """Workers always send requests one by one."""

    async def close(self) -> None:
        """End the workers."""
        await self._workers.close()


class ClusterOpener:
    """Opens the endpoint of a build on a cluster; an OpenEndpoint."""

    def __init__(self, settings: CallSettings, store: str, workers: int | None) -> None:
        """`settings` as the user gave them; `workers` None: one a machine."""
        self.number = workers or len(machines())
        self._settings = settings
        self._store = store

    @property
    def driver_settings(self) -> CallSettings:
        """Those of the process that drives the build: as much in flight as all workers have together."""
        together = self._settings.concurrency * self.number
        return self._settings.model_copy(update={"concurrency": together, "rpm": None, "tpm": None})

    def __call__(self, settings: CallSettings, throttle: Throttle, writer: LedgerWriter) -> Endpoint:
        workers = Workers(self._settings, self._store, self.number, throttle, writer)
        return ClusterEndpoint(self._settings, workers, throttle)


async def _answer(reference: Awaitable[Any]) -> Any:
    """What a worker returns. Raises BuildStopped where the cluster lost it for good."""
    try:
        return await reference
    except RayError as error:
        raise BuildStopped(
            f"a worker of the Ray cluster is lost for good: {in_one_line(error)}; all answers are kept:"
            f" run the same command again to go on"
        ) from None
