"""Pay for, store and count one request.

A CallAttempt stands between the ledger and a provider: it sets money aside and claims the request before
anything is sent, and stores whatever comes of it. Knows nothing of how a request travels.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from oceanchat.errors import BuildStopped
from oceanchat.llm.budget import Budget, CallBounds, Reservation, prompt_bound
from oceanchat.llm.chat import ChatAnswer, ChatRequest, as_json
from oceanchat.llm.completions import read_completion
from oceanchat.llm.provider import Addressee, ClaimedElsewhere, RawReply
from oceanchat.llm.token_counts import TokenCounts
from oceanchat.llm.usage import Usage
from oceanchat.store.ledger import ANSWERED, FAILED, IN_FLIGHT, SHARE, Row
from oceanchat.store.ledger_writer import LedgerWriter

CONTENT_FILTER = "content-filter"


@dataclass(frozen=True, slots=True)
class Accounts:
    """Where a session's attempts are stored, paid and counted."""

    ledger_writer: LedgerWriter
    budget: Budget
    usage: Usage


class CallAttempt:
    """The attempts at one request: each is paid for, stored and counted once."""

    def __init__(self, provider: Addressee, accounts: Accounts, key: str, request: ChatRequest) -> None:
        self.key = key
        self.left_with: str | None = None
        self._provider = provider
        self._accounts = accounts
        self._request = request
        self._max_prompt_tokens = prompt_bound(request)
        self._reserved: Reservation | None = None
        self._batch: str | None = None

    async def begin(self, batch: str | None = None) -> None:
        accounts, request = self._accounts, self._request
        here = self.left_with == self._provider.endpoint
        if self.left_with is not None and (batch is None or not here):
            raise BuildStopped(
                f"some of these requests are in a batch that an earlier run left with '{self.left_with}': run"
                f" with {'' if here else f'--base-url {self.left_with} '}--batch to collect its answers"
                f" (`oceanchat batches` lists it); nothing is asked twice"
            )
        self._batch = batch
        bounds = CallBounds(
            self._provider.endpoint,
            self._provider.name,
            self._max_prompt_tokens,
            request.max_tokens,
            batch is not None,
        )
        self._reserved = await accounts.budget.reserve(bounds, wait=batch is None)
        accounts.usage.in_flight += 1
        row = self._row(IN_FLIGHT)
        if batch is not None:  # its result may come in a later run, which does not know the request
            row["request"] = as_json(request)
        if not await accounts.ledger_writer.claim(row):
            self._release(Decimal(0))
            raise ClaimedElsewhere(self.key)

    async def store(self, reply: RawReply) -> None:
        row = self.answered_row(reply)
        if self._provider.free:
            self._accounts.ledger_writer.store_later(row)
        else:
            await self._accounts.ledger_writer.store(row)
        self.settle(row, reply.batch)

    def record_unbilled(self) -> None:
        self._end_unanswered(Decimal(0))
        self._accounts.ledger_writer.withdraw(self.key)

    def record_lost(self, reason: str, body: bytes | None = None) -> None:
        if self._reserved is not None:
            usage, worst = self._accounts.usage, self._accounts.budget.max_cost(self._reserved.bounds)
            usage.lost += 1
            usage.lost_usd += worst
            self._end_unanswered(worst)
        self._accounts.ledger_writer.record_lost({**self._row(IN_FLIGHT), "reason": reason, "body": body})

    @contextmanager
    def elsewhere(self) -> Iterator[Callable[[Mapping[str, Any]], None]]:
        usage = self._accounts.usage
        usage.in_flight += 1
        try:
            yield usage.add
        finally:
            usage.in_flight -= 1

    def answered_row(self, reply: RawReply) -> Row:
        """The row of an answer: its body whatever it holds, and its token counts where it has them."""
        row = self._row(ANSWERED)
        answer = read_completion(reply.body)
        row.update(token_columns(answer), body=reply.body, batched=reply.batch)
        if answer and answer.finish_reason == "content_filter":
            row.update(state=FAILED, reason=CONTENT_FILTER, request=as_json(self._request))
        elif answer is None or answer.refusal or answer.finish_reason in ("length", "error"):
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

    def settle(self, row: Row, batch: bool) -> None:
        """Count and pay the answer of a row that is stored."""
        usage, prices = self._accounts.usage, self._accounts.budget.prices
        tokens = TokenCounts(row["prompt_tokens"], row["completion_tokens"], row["cached_tokens"])
        cost = prices.cost(
            self._provider.endpoint,
            self._provider.name,
            tokens.prompt,
            tokens.completion,
            batch,
            tokens.cached,
        )
        usage.record_answer()
        usage.prompt_tokens += tokens.prompt or 0
        usage.completion_tokens += tokens.completion or 0
        usage.cached_tokens += tokens.cached or 0
        usage.usd += cost or 0
        usage.unpriced += cost is None
        if self._reserved is not None:
            usage.in_flight -= 1
            self._accounts.budget.settle(self._reserved, cost, tokens.completion or 0)
            self._reserved = None

    def _end_unanswered(self, cost: Decimal) -> None:
        if self._reserved is not None:
            self._accounts.usage.retried += 1
            self._release(cost)

    def _release(self, cost: Decimal) -> None:
        if self._reserved is not None:
            self._accounts.usage.in_flight -= 1
            self._accounts.budget.settle(self._reserved, cost)
            self._reserved = None

    def _row(self, state: str) -> Row:
        request = self._request
        return {
            "key": self.key,
            "endpoint": self._provider.endpoint,
            "model": self._provider.name,
            "task": request.task,
            "trait_level": request.trait_level,
            "sample": request.sample,
            "state": state,
            "reason": None,
            "outcome": None,
            "body": None,
            "prompt_tokens": None,
            "completion_tokens": None,
            "cached_tokens": None,
            "max_prompt_tokens": self._max_prompt_tokens,
            "max_tokens": request.max_tokens,
            "batched": self._batch is not None,
            "batch": self._batch,
            "request": None,
            "run": self._accounts.ledger_writer.run,
            "recorded_at": time.time(),
        }


def token_columns(answer: ChatAnswer | None) -> Row:
    """The token counts of an answer as columns of its row."""
    return {
        "prompt_tokens": answer.prompt_tokens if answer else None,
        "completion_tokens": answer.completion_tokens if answer else None,
        "cached_tokens": answer.cached_tokens if answer else None,
    }
