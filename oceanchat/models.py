"""Open models by name for one session.

Each model is behind the ledger, and all share one budget, throttle and connection. The scripted model lives
in this process and offline models answer from the ledger; for any other the caller passes in what opens the
endpoint, so that a scripted build never loads a client. A first Ctrl-C lets what is in flight finish, a
second one leaves at once.
"""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field

from sqlalchemy import Engine

from oceanchat.errors import BuildStopped, ConfigError
from oceanchat.llm.budget import Budget, CapReached
from oceanchat.llm.ledger import Ledger
from oceanchat.llm.offline import OfflineEndpoint
from oceanchat.llm.prices import PriceTable, load_prices
from oceanchat.llm.provider import Endpoint, InProcessProvider, OpenEndpoint, Provider
from oceanchat.llm.roles import RoleModel
from oceanchat.llm.settings import SCRIPTED, CallSettings
from oceanchat.llm.shared_budget import SharedAccount, SharedBudget
from oceanchat.llm.signals import drain_on_signals
from oceanchat.llm.throttle import OwnRates, Throttle
from oceanchat.llm.usage import Usage
from oceanchat.llm.usefulness import Usefulness
from oceanchat.scripted.model import ScriptedModel
from oceanchat.store.database import Store
from oceanchat.store.ledger_writer import LedgerWriter


@dataclass
class ModelSession:
    """What the models of one run share."""

    settings: CallSettings
    ledger_writer: LedgerWriter
    budget: Budget
    throttle: Throttle
    open_endpoint: OpenEndpoint | None = None
    """None: only scripted and offline models can be opened."""
    usage: Usage = field(default_factory=Usage)
    """Answers, tokens and USD so far, all models together."""
    _ledgers: dict[str, Ledger] = field(default_factory=dict)
    _endpoint: Endpoint | None = None

    def model(self, name: str) -> Ledger:
        """The model of that name ('scripted': the embedded one), opened when first asked for.

        Raises ConfigError for a missing key, an unknown price under a cap, or an endpoint it cannot open.
        """
        if name not in self._ledgers:
            provider = self._provider(name)
            self.budget.require_price(provider.endpoint, provider.name)
            self._ledgers[name] = Ledger(
                provider, self.ledger_writer, self.budget, self.usage, self.throttle, self.settings
            )
        return self._ledgers[name]

    def _provider(self, name: str) -> Provider:
        if name == SCRIPTED and not self.settings.offline:
            return InProcessProvider(ScriptedModel())
        if self._endpoint is None:
            opener = OfflineEndpoint if self.settings.offline else self.open_endpoint
            if opener is None:
                raise ConfigError(
                    f"model '{name}' is behind an endpoint, and this session can open none: pass"
                    f" oceanchat.llm.endpoint.openai_endpoint.OpenAIEndpoint as open_endpoint"
                )
            self._endpoint = opener(self.settings, self.throttle, self.ledger_writer)
        return self._endpoint.provider(name)

    @property
    def request_forms(self) -> dict[str, tuple[str, ...]]:
        """How requests to each model were written otherwise than asked, as its refusals demanded."""
        return {} if self._endpoint is None else self._endpoint.request_forms

    @property
    def notes(self) -> tuple[str, ...]:
        """What the user should know of the endpoint, one line each."""
        forms = [
            f"model '{model}' refuses requests as they were meant and got {', '.join(changes)}"
            for model, changes in self.request_forms.items()
        ]
        return (*forms, *self.endpoint_notes)

    @property
    def endpoint_notes(self) -> tuple[str, ...]:
        """Those of them that the endpoint itself knows."""
        return () if self._endpoint is None else self._endpoint.notes

    def ask_failed_again(self) -> None:
        """From now on the models that are open ask again what failed for good."""
        for ledger in self._ledgers.values():
            ledger.asks_failed_again = True

    @contextmanager
    def trial(self) -> Iterator[None]:
        """Within the block requests go out one by one, in batch mode too, and the build asks them again."""
        self._set_trial(True)
        try:
            yield
        finally:
            self._set_trial(False)

    def _set_trial(self, on: bool) -> None:
        if self._endpoint is not None:
            self._endpoint.ask_live(on)
        for ledger in self._ledgers.values():
            ledger.in_trial = on

    async def close(self) -> None:
        """Send nothing new, wait for what is in flight, write everything."""
        self.throttle.stop(BuildStopped("the run is over"))
        try:
            for ledger in self._ledgers.values():
                await ledger.drain()
            if self._endpoint is not None:
                await self._endpoint.close()
            await self.budget.close()
        finally:
            await self.ledger_writer.close()


@dataclass(frozen=True)
class BuildModels:
    """The three models of a build and the session they share."""

    labeler: RoleModel
    writer: RoleModel
    checker: RoleModel
    session: ModelSession

    @property
    def free(self) -> bool:
        """Whether nothing that is asked costs anything."""
        return self.labeler.free and self.writer.free and self.checker.free

    @property
    def usage(self) -> Usage:
        """The live figures for the progress display and `--json`."""
        return self.session.usage


@asynccontextmanager
async def open_session(
    settings: CallSettings, engine: Engine, open_endpoint: OpenEndpoint | None = None
) -> AsyncIterator[ModelSession]:
    """A session on the store's ledger; leaving it waits for what is in flight. Raises ConfigError."""
    budget = Budget(load_prices(settings.prices), settings.max_usd)
    usage = Usage(cap=budget.cap)
    ledger_writer = LedgerWriter(engine, usage.note)
    await ledger_writer.open()
    rates = OwnRates(settings.rpm, settings.tpm)
    throttle = Throttle(settings.concurrency, rates, settings.timeout_seconds)
    throttle.tell = usage.note
    session = ModelSession(settings, ledger_writer, budget, throttle, open_endpoint, usage)
    with drain_on_signals(throttle, settings.timeout_seconds, usage.tell):
        try:
            try:
                yield session
            finally:
                await session.close()
        except CapReached as reached:
            raise budget.reached_at_last(reached) from None


@asynccontextmanager
async def open_worker_session(
    settings: CallSettings, prices: PriceTable, store: Store, open_endpoint: OpenEndpoint, driver: str
) -> AsyncIterator[ModelSession]:
    """A session of one of the processes that ask for one build, within the limits of its run `driver`."""
    usage = Usage()
    ledger_writer = LedgerWriter(store.engine, usage.note)
    await ledger_writer.open()
    account = SharedAccount(store, ledger_writer.run, driver, settings.rpm, settings.tpm)
    budget = SharedBudget(prices, settings.max_usd, account)
    rates = account if settings.rpm or settings.tpm else None
    throttle = Throttle(settings.concurrency, rates, settings.timeout_seconds)
    throttle.tell = usage.note
    session = ModelSession(settings, ledger_writer, budget, throttle, open_endpoint, usage)
    try:
        yield session
    finally:
        await session.close()


@asynccontextmanager
async def open_build_models(
    settings: CallSettings,
    engine: Engine,
    open_endpoint: OpenEndpoint | None,
    *,
    labeler: str,
    writer: str,
    checker: str,
) -> AsyncIterator[BuildModels]:
    """The three models of a build, by name; equal names are one model. Raises ConfigError."""
    async with open_session(settings, engine, open_endpoint) as session:
        usefulness = Usefulness(session.throttle.stop)
        yield BuildModels(
            RoleModel("labeler", session.model(labeler), usefulness),
            RoleModel("writer", session.model(writer), usefulness),
            RoleModel("checker", session.model(checker), usefulness),
            session,
        )
