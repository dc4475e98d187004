"""AnswerSource: what a ledger wraps, a model that hands over raw reply bodies and reports every attempt.

The live client, the Batch API and the embedded scripted model are sources. A source knows nothing of the
store: it tells the PaidCall it was given when an attempt begins, when its body is here and when it came to
nothing.
"""

from dataclasses import dataclass
from typing import Protocol

from oceanchat.llm.chat import ChatModel, ChatRequest
from oceanchat.llm.completions import render_completion


@dataclass(frozen=True, slots=True)
class RawReply:
    """One reply as it came over the wire."""

    body: bytes
    """The body of the HTTP response, or of one line of a batch, with secrets blotted out."""
    batch: bool = False
    """Whether it came through the Batch API, at its price."""


class PaidCall(Protocol):
    """One request on its way: every attempt is begin, then exactly one of keep, unpaid and lost."""

    @property
    def key(self) -> str:
        """The ledger key of the request."""

    async def begin(self, batch: str | None = None) -> None:
        """About to send, on its own or in `batch`: money is set aside, the intent is on disk.

        Raises BuildStopped at the cap.
        """

    async def keep(self, reply: RawReply) -> None:
        """The body is here; it is on disk when this returns."""

    def unpaid(self) -> None:
        """The attempt failed in a way that is never billed (refused before it was worked on)."""

    def lost(self, reason: str, body: bytes | None = None) -> None:
        """The attempt may have been billed but brought no answer (timeout, reset, cut-off body)."""


class AnswerSource(Protocol):
    """One model at one endpoint that hands over raw bodies."""

    @property
    def endpoint(self) -> str:
        """Where the model lives, without credentials."""

    @property
    def name(self) -> str:
        """The model's name."""

    @property
    def free(self) -> bool:
        """Whether its answers cost nothing and come again by themselves, so that no intent need be kept."""

    async def fetch(self, request: ChatRequest, call: PaidCall) -> RawReply:
        """Get the body for `request`. Raises CallFailed (this row) or BuildStopped (everything)."""


class FreeSource:
    """A model inside this process (the scripted one) as a source."""

    free = True

    def __init__(self, model: ChatModel) -> None:
        self._model = model

    @property
    def endpoint(self) -> str:
        return self._model.endpoint

    @property
    def name(self) -> str:
        return self._model.name

    async def fetch(self, request: ChatRequest, call: PaidCall) -> RawReply:
        answer = await self._model.ask(request)
        reply = RawReply(render_completion(answer, self.name))
        await call.keep(reply)
        return reply
