"""Store every paid answer once; replay it afterwards.

Ledger is a ChatModel that wraps a provider and finds answers by their request. An answer's raw body is on
disk before anything reads it; a claim is on disk before anything is sent. Equal requests in flight are one.
A call that has been sent is never cancelled: its caller may be, the answer is stored.
"""

import asyncio
import json
import time
from dataclasses import replace
from decimal import Decimal

from oceanchat.errors import BuildStopped, CallFailed
from oceanchat.llm.budget import Budget, prompt_bound
from oceanchat.llm.chat import ChatAnswer, ChatRequest, Message, request_key
from oceanchat.llm.completions import read_completion, render_completion
from oceanchat.llm.provider import Provider, RawReply
from oceanchat.llm.throttle import Throttle
from oceanchat.llm.usage import Usage
from oceanchat.store.ledger import ANSWERED, FAILED, IN_FLIGHT, SHARE, Entry, Row
from oceanchat.store.ledger_writer import LedgerWriter

CONTENT_FILTER = "content-filter"


class Ledger:
    """One model at one endpoint, through the ledger."""

    def __init__(
        self,
        provider: Provider,
        ledger_writer: LedgerWriter,
        budget: Budget,
        usage: Usage,
        throttle: Throttle,
        offline: bool = False,
    ) -> None:
        self.provider = provider
        self.ledger_writer = ledger_writer
        self.budget = budget
        self.usage = usage
        self.throttle = throttle
        self._offline = offline
        self._in_flight: dict[str, asyncio.Task[ChatAnswer]] = {}

    @property
    def endpoint(self) -> str:
        return self.provider.endpoint

    @property
    def name(self) -> str:
        return self.provider.name

    async def ask(self, request: ChatRequest) -> ChatAnswer:
        """The answer to `request`, from the ledger or from the model.

        Raises CallFailed (stored too: it fails again until `oceanchat retry`) or BuildStopped.
        """
        key = self.key(request)
        task = self._in_flight.get(key)
        if task is not None:
            answer = await asyncio.shield(task)
            self.usage.replayed += 1
            return replace(answer, replayed=True)
        return await asyncio.shield(self._start(key, request, from_ledger=True))

    async def ask_again(self, request: ChatRequest) -> ChatAnswer:
        """Ask even where the ledger holds a failure; an answer that is there already stays."""
        return await asyncio.shield(self._start(self.key(request), request, from_ledger=False))

    async def stored_answer(self, request: ChatRequest) -> ChatAnswer | None:
        """The answer on record for `request`, if there is one; nothing is asked."""
        entry = await self.ledger_writer.find(self.key(request))
        return self._replay(entry, request) if entry is not None and entry.state == ANSWERED else None

    def store_share(self, request: ChatRequest, text: str) -> None:
        """Store, at no cost, `request`'s share of one answer to several requests, for `stored_answer`."""
        share = ChatAnswer(text, prompt_tokens=0, completion_tokens=0)
        attempt = _Attempt(self, self.key(request), request)
        self.ledger_writer.store_later(attempt.share_row(render_completion(share, self.name)))

    def key(self, request: ChatRequest) -> str:
        """The key under which the answer to `request` is stored."""
        return request_key(self.endpoint, self.name, request)

    def record_outcome(self, request: ChatRequest, outcome: str | None) -> None:
        """Record for the cost report what became of the answer: 'retried', 'rejected', or None for kept."""
        again = as_json(request) if outcome == "rejected" else None
        self.ledger_writer.record_outcome(self.key(request), outcome, again)

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
        if from_ledger and (entry := await self.ledger_writer.find(key)) is not None:
            return self._replay(entry, request)
        if self._offline:
            raise BuildStopped(
                f"the ledger has no answer for {describe(request, key)} from '{self.name}'; run without"
                f" --offline to ask for it"
            )
        self.throttle.check()
        attempt = _Attempt(self, key, request)
        try:
            reply = await self.provider.fetch(request, attempt)
        except CallFailed as failure:
            self.usage.failed += 1
            await self.ledger_writer.store(attempt.failed_row(failure.reason, str(failure)))
            raise
        try:
            return self._read(reply.body)
        except CallFailed:  # it is on disk as such
            self.usage.failed += 1
            raise

    def _replay(self, entry: Entry, request: ChatRequest) -> ChatAnswer:
        if entry.state == FAILED:
            self.usage.failed += 1
            message = (entry.body or b"").decode("utf-8", "replace")
            raise CallFailed(
                entry.reason or "failed",
                f"{request.task} call failed before: {entry.reason} ({message[:200]}); see `oceanchat retry`",
            )
        self.usage.replayed += 1
        return replace(self._read(entry.body or b""), replayed=True)

    def _read(self, body: bytes) -> ChatAnswer:
        answer = read_completion(body)
        if answer is None:
            raise CallFailed(
                "unreadable-reply", f"model '{self.name}' sent a reply that is no chat completion"
            )
        if answer.finish_reason == "content_filter":
            raise CallFailed(CONTENT_FILTER, f"model '{self.name}' stopped at its content filter")
        return answer


class _Attempt:
    """The attempts at one request: each is paid for, stored and counted once."""

    def __init__(self, ledger: Ledger, key: str, request: ChatRequest) -> None:
        self.key = key
        self._ledger = ledger
        self._request = request
        self._max_prompt_tokens = prompt_bound(request)
        self._reserved: Decimal | None = None
        self._batch: str | None = None

    async def begin(self, batch: str | None = None) -> None:
        ledger, request = self._ledger, self._request
        self._batch = batch
        amount = ledger.budget.max_cost(
            ledger.endpoint, ledger.name, self._max_prompt_tokens, request.max_tokens, batch is not None
        )
        await ledger.budget.reserve(amount, wait=batch is None)
        self._reserved = amount
        ledger.usage.in_flight += 1
        row = self._row(IN_FLIGHT)
        if batch is not None:  # its result may come in a later run, which does not know the request
            row["request"] = as_json(request)
        await ledger.ledger_writer.claim(row)

    async def store(self, reply: RawReply) -> None:
        ledger, row = self._ledger, self.answered_row(reply)
        if ledger.provider.free:
            ledger.ledger_writer.store_later(row)
        else:
            await ledger.ledger_writer.store(row)
        self._settle((row["prompt_tokens"], row["completion_tokens"]), reply.batch)

    def record_unbilled(self) -> None:
        self._end_unanswered(Decimal(0))
        self._ledger.ledger_writer.withdraw(self.key)

    def record_lost(self, reason: str, body: bytes | None = None) -> None:
        self._end_unanswered(self._reserved or Decimal(0))
        self._ledger.ledger_writer.record_lost({**self._row(IN_FLIGHT), "reason": reason, "body": body})

    def answered_row(self, reply: RawReply) -> Row:
        """The row of an answer: its body whatever it holds, and its token counts where it has them."""
        row = self._row(ANSWERED)
        answer = read_completion(reply.body)
        tokens = (answer.prompt_tokens, answer.completion_tokens) if answer else (None, None)
        row.update(body=reply.body, prompt_tokens=tokens[0], completion_tokens=tokens[1], batched=reply.batch)
        if answer and answer.finish_reason == "content_filter":
            row.update(state=FAILED, reason=CONTENT_FILTER, request=as_json(self._request))
        elif answer is None or answer.refusal or answer.finish_reason == "length":
            row.update(outcome="rejected", request=as_json(self._request))
        return row

    def failed_row(self, reason: str, message: str) -> Row:
        """The row of a request that failed, with the request itself, from which it can be asked again."""
        row = self._row(FAILED)
        row.update(reason=reason, body=message.encode(), request=as_json(self._request))
        return row

    def share_row(self, body: bytes) -> Row:
        """The row of a share of another request's answer: it was paid there, and no cost report counts it."""
        row = self._row(ANSWERED)
        row.update(body=body, prompt_tokens=0, completion_tokens=0, outcome=SHARE)
        return row

    def _settle(self, tokens: tuple[int | None, int | None], batch: bool) -> None:
        ledger, usage = self._ledger, self._ledger.usage
        cost = ledger.budget.prices.cost(ledger.endpoint, ledger.name, *tokens, batch)
        usage.record_answer()
        usage.prompt_tokens += tokens[0] or 0
        usage.completion_tokens += tokens[1] or 0
        usage.usd += cost or 0
        usage.unpriced += cost is None
        if self._reserved is not None:
            usage.in_flight -= 1
            ledger.budget.settle(self._reserved, self._reserved if cost is None else cost)
            self._reserved = None

    def _end_unanswered(self, cost: Decimal) -> None:
        if self._reserved is not None:
            self._ledger.usage.in_flight -= 1
            self._ledger.usage.retried += 1
            self._ledger.budget.settle(self._reserved, cost)
            self._reserved = None

    def _row(self, state: str) -> Row:
        ledger, request = self._ledger, self._request
        return {
            "key": self.key,
            "endpoint": ledger.endpoint,
            "model": ledger.name,
            "task": request.task,
            "trait_level": request.trait_level,
            "sample": request.sample,
            "state": state,
            "reason": None,
            "outcome": None,
            "body": None,
            "prompt_tokens": None,
            "completion_tokens": None,
            "max_prompt_tokens": self._max_prompt_tokens,
            "max_tokens": request.max_tokens,
            "batched": self._batch is not None,
            "batch": self._batch,
            "request": None,
            "run": ledger.ledger_writer.run,
            "recorded_at": time.time(),
        }


def describe(request: ChatRequest, key: str) -> str:
    """A request in a few words, for messages."""
    subject = f" about {request.trait_level}" if request.trait_level else ""
    start = " ".join(request.messages[-1].content.split())[:60] if request.messages else ""
    return f"the '{request.task}' request{subject} '{key[:12]}' (\"{start}...\")"


def as_json(request: ChatRequest) -> str:
    """A request as it is stored beside its failure."""
    fields = {name: getattr(request, name) for name in _SCALARS}
    return json.dumps({"messages": request.messages, **fields})


def from_json(text: str) -> ChatRequest:
    """The request that `as_json` wrote."""
    fields = json.loads(text)
    messages = tuple(Message(role, content) for role, content in fields.pop("messages"))
    return ChatRequest(messages=messages, **fields)


_SCALARS = ("task", "max_tokens", "temperature", "top_p", "sample", "trait_level")
