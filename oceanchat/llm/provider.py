"""Protocols of providers, which hand over raw replies.

A provider is what the ledger wraps: the live client, the Batch API and the scripted model are providers. It
knows nothing of the store: it reports to the Attempt it was given when it sends, when the body is here and
when there will be none.
"""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol

from oceanchat.llm.chat import ChatModel, ChatRequest
from oceanchat.llm.completions import render_completion
from oceanchat.llm.settings import CallSettings
from oceanchat.llm.throttle import Throttle
from oceanchat.store.ledger_writer import LedgerWriter


@dataclass(frozen=True, slots=True)
class RawReply:
    """One reply as it came over the wire."""

    body: bytes
    """The body of the HTTP response, or of one line of a batch, with secrets redacted."""
    batch: bool = False
    """Whether it came through the Batch API, at its price."""


class ClaimedElsewhere(Exception):
    """Another run is asking for the same: the ledger waits for its answer."""


class Attempt(Protocol):
    """The attempts at one request: each is `begin`, then exactly one of the other three."""

    @property
    def key(self) -> str:
        """The ledger key of the request."""

    @property
    def left_with(self) -> str | None:
        """The endpoint of a batch that holds the request and that no living run follows, if there is one."""

    async def begin(self, batch: str | None = None) -> None:
        """About to send, on its own or in `batch`: money is reserved, the claim is on disk.

        Raises BuildStopped at the cap, ClaimedElsewhere where another run is asking.
        """

    async def store(self, reply: RawReply) -> None:
        """The body is here; it is on disk when this returns."""

    def record_unbilled(self) -> None:
        """The attempt failed in a way that is never billed (refused before it was worked on)."""

    def record_lost(self, reason: str, body: bytes | None = None) -> None:
        """The attempt may have been billed but brought no answer (timeout, reset, cut-off body)."""

    def elsewhere(self) -> AbstractContextManager[Callable[[Mapping[str, Any]], None]]:
        """In place of all of these: another process makes the attempts, pays for and stores them.

        What it has counted goes to the function that the block gets (see `Usage.add`).
        """


class Addressee(Protocol):
    """One model at one endpoint."""

    @property
    def endpoint(self) -> str:
        """Where the model lives, without credentials."""

    @property
    def name(self) -> str:
        """The model's name."""

    @property
    def free(self) -> bool:
        """Whether its answers cost nothing and can be computed again, so that no claim need be kept."""


class Provider(Addressee, Protocol):
    """A model that hands over raw bodies."""

    async def fetch(self, request: ChatRequest, attempt: Attempt) -> RawReply:
        """Get the body for `request`. Raises CallFailed (this row) or BuildStopped (everything)."""


class Endpoint(Protocol):
    """Where models live that a session shares one connection to."""

    def provider(self, name: str) -> Provider:
        """The model of that name, whether or not the endpoint has it."""

    @property
    def request_forms(self) -> dict[str, tuple[str, ...]]:
        """By model, how its requests are written otherwise than asked, because it refuses that."""

    @property
    def notes(self) -> tuple[str, ...]:
        """What else the user should know of the endpoint, one line each."""

    def ask_live(self, live: bool) -> None:
        """Send requests one by one from now on, or in batches again where batches were asked for."""

    async def close(self) -> None:
        """Wait for what is being sent or received, then close the connection."""


OpenEndpoint = Callable[[CallSettings, Throttle, LedgerWriter], Endpoint]
"""Opens the endpoint that the settings name; called when the first model behind it is asked for."""


class InProcessProvider:
    """A model inside this process (the scripted one) as a provider."""

    free = True

    def __init__(self, model: ChatModel) -> None:
        self._model = model

    @property
    def endpoint(self) -> str:
        return self._model.endpoint

    @property
    def name(self) -> str:
        return self._model.name

    async def fetch(self, request: ChatRequest, attempt: Attempt) -> RawReply:
        answer = await self._model.ask(request)
        reply = RawReply(render_completion(answer, self.name))
        await attempt.store(reply)
        return reply
