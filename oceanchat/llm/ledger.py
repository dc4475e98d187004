"""Store every paid answer once; replay it afterwards.

Ledger is a ChatModel that wraps a provider and finds answers by their request. An answer's raw body is on
disk before anything reads it; a claim is on disk before anything is sent. Equal requests in flight are one.
A call that has been sent is never cancelled: its caller may be, the answer is stored.
"""

import asyncio
import contextlib
from dataclasses import replace

from oceanchat.errors import TEMPORARY, CallFailed, StoreError
from oceanchat.llm.attempt import CONTENT_FILTER, Accounts, CallAttempt
from oceanchat.llm.budget import Budget
from oceanchat.llm.chat import ChatAnswer, ChatRequest, as_json, request_key
from oceanchat.llm.claims import ClaimWatch
from oceanchat.llm.completions import read_completion, render_completion
from oceanchat.llm.provider import ClaimedElsewhere, Provider
from oceanchat.llm.settings import CallSettings
from oceanchat.llm.throttle import Throttle
from oceanchat.llm.usage import Usage
from oceanchat.store.ledger import ANSWERED, FAILED, Entry
from oceanchat.store.ledger_writer import LedgerWriter

SEE_RETRY = "; see `oceanchat retry`"
"""Ends the message of what has failed for good."""


class Ledger:
    """One model at one endpoint, through the ledger."""

    def __init__(
        self,
        provider: Provider,
        ledger_writer: LedgerWriter,
        budget: Budget,
        usage: Usage,
        throttle: Throttle,
        settings: CallSettings,
    ) -> None:
        self.provider = provider
        self.ledger_writer = ledger_writer
        self.budget = budget
        self.usage = usage
        self.throttle = throttle
        self._accounts = Accounts(ledger_writer, budget, usage)
        self._claims = ClaimWatch(ledger_writer, throttle, usage)
        self._settings = settings
        self.in_trial = False
        """Whether what is asked now is asked again by the build, where it does not count once more."""
        self.asks_failed_again = False
        """Whether what failed for good is asked again, as if the ledger held nothing of it."""
        self._tried: set[str] = set()
        self._failed: set[str] = set()
        self._in_flight: dict[str, asyncio.Task[ChatAnswer]] = {}

    @property
    def endpoint(self) -> str:
        return self.provider.endpoint

    @property
    def name(self) -> str:
        return self.provider.name

    async def ask(self, request: ChatRequest) -> ChatAnswer:
        """The answer to `request`, from the ledger or from the model.

        Raises CallFailed (stored too: unless its reason is temporary it fails again until `oceanchat retry`)
        or BuildStopped.
        """
        request = self._whole(request)
        key = self.key(request)
        task = self._in_flight.get(key)
        if task is not None:
            answer = await asyncio.shield(task)
            self.usage.replayed += 1
            return replace(answer, replayed=True)
        return await asyncio.shield(self._start(key, request, from_ledger=True))

    async def entry(self, request: ChatRequest) -> Entry:
        """What the ledger holds for `request` once it was asked, for a process that reads it itself.

        Raises BuildStopped, StoreError.
        """
        with contextlib.suppress(CallFailed):  # it is on disk as such
            await self.ask(request)
        entry = await self.ledger_writer.find(self.key(request))
        if entry is None:
            raise StoreError(f"the answer to request '{self.key(request)[:12]}' was deleted from the ledger")
        return entry

    async def ask_again(self, request: ChatRequest) -> ChatAnswer:
        """Ask even where the ledger holds a failure; an answer that is there already stays."""
        request = self._whole(request)
        return await asyncio.shield(self._start(self.key(request), request, from_ledger=False))

    async def stored_answer(self, request: ChatRequest) -> ChatAnswer | None:
        """The answer on record for `request`, if there is one; nothing is asked and nothing counted."""
        entry = await self.ledger_writer.find(self.key(request))
        if entry is None or entry.state != ANSWERED:
            return None
        try:
            return replace(self._read(entry.body or b""), replayed=True)
        except CallFailed:
            return None

    async def failure_to_repeat(self, request: ChatRequest) -> str | None:
        """Why `request` failed for good, where what failed is asked again; else None."""
        entry = await self.ledger_writer.find(self.key(request)) if self.asks_failed_again else None
        return entry.reason if entry is not None and entry.state == FAILED else None

    def store_share(self, request: ChatRequest, text: str) -> None:
        """Store, at no cost, `request`'s share of one answer to several requests, for `stored_answer`."""
        share = ChatAnswer(text, prompt_tokens=0, completion_tokens=0)
        attempt = CallAttempt(self.provider, self._accounts, self.key(request), request)
        self.ledger_writer.store_later(attempt.share_row(render_completion(share, self.name)))

    def key(self, request: ChatRequest) -> str:
        """The key under which the answer to `request` is stored."""
        server = self.endpoint if self.provider.free else self._settings.endpoint_name
        return request_key(server, self.name, self._whole(request))

    def _whole(self, request: ChatRequest) -> ChatRequest:
        """`request` with the further parameters that every request of this session has."""
        if not self._settings.extra_body or request.extra_body:
            return request
        return replace(request, extra_body=self._settings.extra_body)

    def record_outcome(self, request: ChatRequest, outcome: str | None) -> None:
        """Record for the cost report what became of the answer: 'retried', 'rejected', or None for kept.

        A rejected answer was of no use, and `oceanchat retry` asks for another.
        """
        again = as_json(self._whole(request)) if outcome == "rejected" else None
        self.ledger_writer.record_outcome(self.key(request), outcome, again)

    def record_judged(self, request: ChatRequest, passed: bool) -> None:
        """Record that what was made of the answer passed, or was turned down: nothing failed, so nothing is
        asked again."""
        self.ledger_writer.record_outcome(self.key(request), None if passed else "rejected", None)

    async def drain(self) -> None:
        """Wait for everything that has been sent."""
        await asyncio.gather(*self._in_flight.values(), return_exceptions=True)

    def _start(self, key: str, request: ChatRequest, from_ledger: bool) -> asyncio.Task[ChatAnswer]:
        task = asyncio.get_running_loop().create_task(self._answer(key, request, from_ledger))
        self._in_flight[key] = task
        task.add_done_callback(lambda done: self._finished(key, done))
        return task

    def _finished(self, key: str, task: asyncio.Task[ChatAnswer]) -> None:
        del self._in_flight[key]
        if not task.cancelled():
            task.exception()  # retrieved here, so that a cancelled caller does not leave a warning behind

    async def _answer(self, key: str, request: ChatRequest, from_ledger: bool) -> ChatAnswer:
        attempt = CallAttempt(self.provider, self._accounts, key, request)
        while True:
            entry = await self.ledger_writer.find(key) if from_ledger else None
            if entry is not None and not self._is_asked_anew(key, entry):
                return self._replay(key, entry, request)
            if self.in_trial:
                self._tried.add(key)
            self.throttle.check()
            try:
                return await self._fetch(request, attempt)
            except ClaimedElsewhere:
                attempt.left_with = await self._claims.released(key)
                from_ledger = True

    async def _fetch(self, request: ChatRequest, attempt: CallAttempt) -> ChatAnswer:
        """Ask the provider; what comes of it is on disk when this returns or raises CallFailed."""
        try:
            reply = await self.provider.fetch(request, attempt)
        except CallFailed as failure:
            self.usage.failed += 1
            self._failed.add(attempt.key)
            await self.ledger_writer.store(attempt.failed_row(failure.reason, str(failure)))
            raise
        try:
            return self._read(reply.body)
        except CallFailed:  # it is on disk as such
            self.usage.failed += 1
            raise

    def _is_asked_anew(self, key: str, entry: Entry) -> bool:
        """Whether a stored failure is none for good: each run asks such a request once."""
        passing = entry.state == FAILED and (self.asks_failed_again or entry.reason in TEMPORARY)
        return passing and key not in self._failed and not self._settings.offline

    def _replay(self, key: str, entry: Entry, request: ChatRequest) -> ChatAnswer:
        counts = key not in self._tried
        if not self.in_trial:
            self._tried.discard(key)
        if entry.state == FAILED:
            self.usage.failed += counts
            message = (entry.body or b"").decode("utf-8", "replace")
            raise CallFailed(
                entry.reason or "failed",
                f"{request.task} call failed before: {entry.reason} ({message[:200]}){SEE_RETRY}",
            )
        self.usage.replayed += counts
        return replace(self._read(entry.body or b""), replayed=True)

    def _read(self, body: bytes) -> ChatAnswer:
        answer = read_completion(body)
        if answer is None:
            raise CallFailed(
                "unreadable-reply", f"model '{self.name}' sent a reply that is not a chat completion"
            )
        if answer.finish_reason == "content_filter":
            raise CallFailed(CONTENT_FILTER, f"model '{self.name}' stopped at its content filter")
        return answer
