"""Collect the requests that the ledger lacks.

Nobody is asked. A request without an answer on record waits while all others go on; when nothing can go on
any more, all that wait are ended together with AnswersMissing, which lists them. Knows nothing of what is
built: it sees that nobody is looking anything up in the ledger, nor is about to.
"""

import asyncio
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple, NoReturn

from oceanchat.errors import BuildStopped
from oceanchat.llm.chat import ChatRequest
from oceanchat.llm.provider import Attempt, Provider, RawReply
from oceanchat.llm.settings import SCRIPTED, CallSettings
from oceanchat.llm.throttle import Throttle
from oceanchat.store.ledger_writer import LedgerWriter

SETTLING_TURNS = 200
"""Turns of the event loop after which nobody who has an answer is still on the way to the next request: what
stands between two requests is a dozen coroutines that wait for each other."""


class AbsentRequest(NamedTuple):
    """A request that the ledger holds no answer to."""

    key: str
    """The ledger's key."""
    endpoint: str
    """Where its model lives."""
    model: str
    request: ChatRequest

    def __str__(self) -> str:
        request = self.request
        subject = f" about {request.trait_level}" if request.trait_level else ""
        start = " ".join(request.messages[-1].content.split())[:60] if request.messages else ""
        return f"the '{request.task}' request{subject} '{self.key[:12]}' (\"{start}...\") from '{self.model}'"


class AnswersMissing(BuildStopped):
    """Nothing can go on without answers that the ledger lacks."""

    def __init__(self, requests: Sequence[AbsentRequest]) -> None:
        self.requests = tuple(requests)
        others = len(self.requests) - 1
        tasks = Counter(absent.request.task for absent in self.requests)
        listed = ", ".join(f"{count:,} '{task}'" for task, count in tasks.items())
        self.problem = f"the ledger has no answer for {self.requests[0]}"
        self.problem += f" and for {others:,} more ({listed} in all)" if others else ""
        super().__init__(f"{self.problem}; run without --offline to ask for {'them' if others else 'it'}")


class OfflineEndpoint:
    """The models of a session that can be named but not asked."""

    notes = ()
    request_forms: dict[str, tuple[str, ...]] = {}  # noqa: RUF012 - nothing is sent in any form

    def __init__(self, settings: CallSettings, throttle: Throttle, ledger_writer: LedgerWriter) -> None:
        self._settings = settings
        self._ledger_writer = ledger_writer
        self._absent: dict[str, AbsentRequest] = {}
        self._end: asyncio.Future[NoReturn] | None = None
        self._watching: asyncio.Task[None] | None = None

    def provider(self, name: str) -> Provider:
        """The model of that name."""
        return OfflineProvider(name, SCRIPTED if name == SCRIPTED else self._settings.endpoint, self)

    def ask_live(self, live: bool) -> None:
        """Do nothing: there is nothing to send."""

    async def close(self) -> None:
        """Nothing is open."""

    async def wait(self, absent: AbsentRequest) -> NoReturn:
        """Wait until nothing can go on. Raises AnswersMissing."""
        self._absent[absent.key] = absent
        if self._end is None:
            self._end = asyncio.get_running_loop().create_future()
            self._watching = asyncio.create_task(self._end_when_settled(self._end))
        await asyncio.shield(self._end)
        raise AssertionError("the end is an error")

    async def _end_when_settled(self, end: asyncio.Future[NoReturn]) -> None:
        try:
            await self._settled()
        except Exception as error:  # whoever waits must get it, whatever it is
            end.set_exception(error)
        else:
            end.set_exception(AnswersMissing(list(self._absent.values())))
        end.exception()  # retrieved here: who waited may be gone
        self._absent, self._end = {}, None

    async def _settled(self) -> None:
        """Wait until nobody waits for the ledger or is on the way to it.

        The ledger answers in order: a look of our own, behind which nothing came, is answered last.
        """
        while True:
            jobs_with_ours = self._ledger_writer.jobs + 1
            await self._ledger_writer.find("")
            for _ in range(SETTLING_TURNS):
                await asyncio.sleep(0)
            if self._ledger_writer.jobs == jobs_with_ours:
                return


class OfflineProvider:
    """One model that can be named but not asked."""

    def __init__(self, name: str, endpoint: str, owner: OfflineEndpoint) -> None:
        self.name = name
        self.endpoint = endpoint
        self.free = endpoint == SCRIPTED
        self._owner = owner

    async def fetch(self, request: ChatRequest, attempt: Attempt) -> RawReply:
        """Wait until nothing can go on. Raises AnswersMissing."""
        return await self._owner.wait(AbsentRequest(attempt.key, self.endpoint, self.name, request))
