"""Ledger: a ChatModel that wraps another, keeps every paid answer once and finds it again by its request.

An answer's raw body is on disk before anything reads it, an intent is on disk before anything is sent. Equal
requests in flight are one. A call that has been sent is never cancelled: whoever asked may go, the answer is
kept.
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
from oceanchat.llm.provider import AnswerSource, RawReply
from oceanchat.llm.throttle import Gate
from oceanchat.llm.usage import CallCounts
from oceanchat.store.ledger import ANSWERED, ASKING, FAILED, SHARE, Entry, Row
from oceanchat.store.ledger_writer import Clerk

CONTENT_FILTER = "content-filter"


class Ledger:
    """One model at one endpoint, through the ledger."""

    def __init__(
        self,
        source: AnswerSource,
        clerk: Clerk,
        budget: Budget,
        counts: CallCounts,
        gate: Gate,
        offline: bool = False,
    ) -> None:
        self.source = source
        self.clerk = clerk
        self.budget = budget
        self.counts = counts
        self.gate = gate
        self._offline = offline
        self._on_their_way: dict[str, asyncio.Task[ChatAnswer]] = {}

    @property
    def endpoint(self) -> str:
        return self.source.endpoint

    @property
    def name(self) -> str:
        return self.source.name

    async def ask(self, request: ChatRequest) -> ChatAnswer:
        """The answer to `request`, from the ledger or from the model.

        Raises CallFailed (kept too: it fails again until `oceanchat retry`) or BuildStopped.
        """
        key = self.key(request)
        task = self._on_their_way.get(key)
        if task is not None:
            answer = await asyncio.shield(task)
            self.counts.replayed += 1
            return replace(answer, replayed=True)
        return await asyncio.shield(self._start(key, request, from_ledger=True))

    async def ask_again(self, request: ChatRequest) -> ChatAnswer:
        """Ask for real, whatever failure the ledger holds; an answer that is there already stays."""
        return await asyncio.shield(self._start(self.key(request), request, from_ledger=False))

    async def recall(self, request: ChatRequest) -> ChatAnswer | None:
        """The answer that is kept for `request`, if there is one; nothing is asked."""
        entry = await self.clerk.find(self.key(request))
        return self._replay(entry, request) if entry is not None and entry.state == ANSWERED else None

    def keep_share(self, request: ChatRequest, text: str) -> None:
        """Keep, at no cost, `request`'s share of an answer to several requests in one, for `recall` to
        find."""
        share = ChatAnswer(text, prompt_tokens=0, completion_tokens=0)
        call = _Call(self, self.key(request), request)
        self.clerk.keep_soon(call.share_row(render_completion(share, self.name)))

    def key(self, request: ChatRequest) -> str:
        """Where the answer to `request` is kept."""
        return request_key(self.endpoint, self.name, request)

    def mark(self, request: ChatRequest, outcome: str | None) -> None:
        """Note for the accounts what became of the answer: 'retried', 'rejected', or None for kept."""
        self.clerk.mark(self.key(request), outcome, as_json(request) if outcome == "rejected" else None)

    async def drain(self) -> None:
        """Wait for everything that has been sent."""
        await asyncio.gather(*self._on_their_way.values(), return_exceptions=True)

    def _start(self, key: str, request: ChatRequest, from_ledger: bool) -> asyncio.Task[ChatAnswer]:
        task = asyncio.get_running_loop().create_task(self._answer(key, request, from_ledger))
        self._on_their_way[key] = task
        task.add_done_callback(lambda done: self._arrived(key, done))
        return task

    def _arrived(self, key: str, task: asyncio.Task[ChatAnswer]) -> None:
        del self._on_their_way[key]
        if not task.cancelled():
            task.exception()  # looked at here, so that an asker who has gone does not leave a warning behind

    async def _answer(self, key: str, request: ChatRequest, from_ledger: bool) -> ChatAnswer:
        if from_ledger and (entry := await self.clerk.find(key)) is not None:
            return self._replay(entry, request)
        if self._offline:
            raise BuildStopped(
                f"the ledger has no answer for {describe(request, key)} from '{self.name}'; run without"
                f" --offline to ask for it"
            )
        self.gate.check()
        call = _Call(self, key, request)
        try:
            reply = await self.source.fetch(request, call)
        except CallFailed as failure:
            self.counts.failed += 1
            await self.clerk.keep(call.failed_row(failure.reason, str(failure)))
            raise
        try:
            return self._read(reply.body)
        except CallFailed:  # it is on disk as such
            self.counts.failed += 1
            raise

    def _replay(self, entry: Entry, request: ChatRequest) -> ChatAnswer:
        if entry.state == FAILED:
            self.counts.failed += 1
            told = (entry.body or b"").decode("utf-8", "replace")
            raise CallFailed(
                entry.reason or "failed",
                f"{request.task} call failed before: {entry.reason} ({told[:200]}); see `oceanchat retry`",
            )
        self.counts.replayed += 1
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


class _Call:
    """One request on its way, as the source sees it (a PaidCall)."""

    def __init__(self, ledger: Ledger, key: str, request: ChatRequest) -> None:
        self.key = key
        self._ledger = ledger
        self._request = request
        self._prompt_bound = prompt_bound(request)
        self._reserved: Decimal | None = None
        self._batch: str | None = None

    async def begin(self, batch: str | None = None) -> None:
        ledger, request = self._ledger, self._request
        self._batch = batch
        amount = ledger.budget.worst(
            ledger.endpoint, ledger.name, self._prompt_bound, request.max_tokens, batch is not None
        )
        await ledger.budget.reserve(amount, patient=batch is None)
        self._reserved = amount
        ledger.counts.in_flight += 1
        row = self._row(ASKING)
        if batch is not None:  # its result may come when nobody who knows the request is there
            row["asked"] = as_json(request)
        await ledger.clerk.claim(row)

    async def keep(self, reply: RawReply) -> None:
        ledger, row = self._ledger, self.answered_row(reply)
        if ledger.source.free:
            ledger.clerk.keep_soon(row)
        else:
            await ledger.clerk.keep(row)
        self._account((row["prompt_tokens"], row["completion_tokens"]), reply.batch)

    def unpaid(self) -> None:
        self._end(Decimal(0))
        self._ledger.clerk.free(self.key)

    def lost(self, reason: str, body: bytes | None = None) -> None:
        self._end(self._reserved or Decimal(0))
        self._ledger.clerk.lost({**self._row(ASKING), "reason": reason, "body": body})

    def answered_row(self, reply: RawReply) -> Row:
        """The row of an answer: its body whatever it holds, and its token counts where it tells them."""
        row = self._row(ANSWERED)
        answer = read_completion(reply.body)
        tokens = (answer.prompt_tokens, answer.completion_tokens) if answer else (None, None)
        row.update(body=reply.body, prompt_tokens=tokens[0], completion_tokens=tokens[1], batched=reply.batch)
        if answer and answer.finish_reason == "content_filter":
            row.update(state=FAILED, reason=CONTENT_FILTER, asked=as_json(self._request))
        elif answer is None or answer.refusal or answer.finish_reason == "length":
            row.update(outcome="rejected", asked=as_json(self._request))
        return row

    def failed_row(self, reason: str, message: str) -> Row:
        """The row of a request that failed for good, with the request itself, to be asked again from it."""
        row = self._row(FAILED)
        row.update(reason=reason, body=message.encode(), asked=as_json(self._request))
        return row

    def share_row(self, body: bytes) -> Row:
        """The row of a share of another request's answer: it was paid there, and counts in no account."""
        row = self._row(ANSWERED)
        row.update(body=body, prompt_tokens=0, completion_tokens=0, outcome=SHARE)
        return row

    def _account(self, tokens: tuple[int | None, int | None], batch: bool) -> None:
        ledger, counts = self._ledger, self._ledger.counts
        cost = ledger.budget.prices.cost(ledger.endpoint, ledger.name, *tokens, batch)
        counts.made += 1
        counts.finished_one()
        counts.prompt_tokens += tokens[0] or 0
        counts.completion_tokens += tokens[1] or 0
        counts.usd += cost or 0
        counts.unpriced += cost is None
        if self._reserved is not None:
            counts.in_flight -= 1
            ledger.budget.settle(self._reserved, self._reserved if cost is None else cost)
            self._reserved = None

    def _end(self, cost: Decimal) -> None:
        if self._reserved is not None:
            self._ledger.counts.in_flight -= 1
            self._ledger.counts.retried += 1
            self._ledger.budget.settle(self._reserved, cost)
            self._reserved = None

    def _row(self, state: str) -> Row:
        ledger, request = self._ledger, self._request
        return {
            "key": self.key,
            "endpoint": ledger.endpoint,
            "model": ledger.name,
            "task": request.task,
            "about": request.about,
            "sample": request.sample,
            "state": state,
            "reason": None,
            "outcome": None,
            "body": None,
            "prompt_tokens": None,
            "completion_tokens": None,
            "prompt_bytes": self._prompt_bound,
            "max_tokens": request.max_tokens,
            "batched": self._batch is not None,
            "batch": self._batch,
            "asked": None,
            "run": ledger.clerk.run,
            "at": time.time(),
        }


def describe(request: ChatRequest, key: str) -> str:
    """A request in a few words, for messages."""
    about = f" about {request.about}" if request.about else ""
    start = " ".join(request.messages[-1].content.split())[:60] if request.messages else ""
    return f"the '{request.task}' request{about} '{key[:12]}' (\"{start}...\")"


def as_json(request: ChatRequest) -> str:
    """A request as it is kept beside its failure."""
    fields = {name: getattr(request, name) for name in _SCALARS}
    return json.dumps({"messages": request.messages, **fields})


def from_json(text: str) -> ChatRequest:
    """The request that `as_json` wrote."""
    fields = json.loads(text)
    messages = tuple(Message(role, content) for role, content in fields.pop("messages"))
    return ChatRequest(messages=messages, **fields)


_SCALARS = ("task", "max_tokens", "temperature", "top_p", "sample", "about")
