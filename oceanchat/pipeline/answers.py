"""Commit the answers that come back in files.

Each line is stored under its key, raw, before anything reads it, and has one named outcome. An answer that is
there stays, so files may be given twice, in parts or in any order. Works on the ledger only, which knows what
was asked under each key.
"""

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, NamedTuple

from oceanchat.errors import TEMPORARY
from oceanchat.llm.attempt import Accounts, CallAttempt
from oceanchat.llm.chat import ChatRequest, from_json
from oceanchat.llm.endpoint.batch_lines import ResultLine
from oceanchat.llm.endpoint.error_words import ErrorWords
from oceanchat.llm.endpoint.line_errors import problem_in
from oceanchat.llm.endpoint.request_errors import ErrorAction, RequestError
from oceanchat.llm.endpoint.request_form import RequestForm
from oceanchat.llm.provider import RawReply
from oceanchat.llm.settings import CallSettings
from oceanchat.llm.usage import Usage
from oceanchat.models import ModelSession, open_session
from oceanchat.pipeline.answer_lines import Line, Unreadable, lines_of, other_model, read_result
from oceanchat.store import ledger_requests
from oceanchat.store.database import Store
from oceanchat.store.ledger import ANSWERED, FAILED
from oceanchat.store.ledger_requests import WrittenRequest

LINES_AT_ONCE = 1000


class LineOutcome(StrEnum):
    """What became of a line."""

    STORED = "stored"
    KNOWN = "already there"
    FAILED = "failed for good"
    PENDING = "still pending"
    OTHER_MODEL = "of another model"
    UNKNOWN = "of an unknown key"
    UNREADABLE = "unreadable"


UNUSABLE = (LineOutcome.OTHER_MODEL, LineOutcome.UNKNOWN, LineOutcome.UNREADABLE)
"""Outcomes that somebody should look into."""


class Settled(NamedTuple):
    """What becomes of one line, and why."""

    outcome: LineOutcome
    reason: str = ""
    """A few words; '' where there is nothing to say."""
    quote: str = ""
    """What the engine said."""


@dataclass
class LineCount:
    """The lines that ended alike."""

    first: str
    """Where the first one stands."""
    quote: str
    """What the engine said there."""
    lines: int = 0


@dataclass
class AnswersReport:
    """What became of all lines."""

    usage: Usage
    counts: dict[tuple[LineOutcome, str], LineCount] = field(default_factory=dict)
    """By outcome and reason."""

    def add(self, line: Line, outcome: LineOutcome, reason: str = "", quote: str = "") -> None:
        """Count one line."""
        self.counts.setdefault((outcome, reason), LineCount(line.position, quote)).lines += 1

    def total(self, outcomes: Collection[LineOutcome] = tuple(LineOutcome)) -> int:
        """The lines with any of these outcomes."""
        return sum(count.lines for (outcome, _), count in self.counts.items() if outcome in outcomes)

    def as_json(self) -> dict[str, Any]:
        """For `--json`."""
        reasons = [
            {"outcome": outcome.value, "reason": reason, **vars(count)}
            for (outcome, reason), count in self.counts.items()
        ]
        lines = {outcome.value: self.total((outcome,)) for outcome in LineOutcome}
        return {"lines": lines, "reasons": reasons, "calls": self.usage.as_json()}


class _Answerer(NamedTuple):
    """A model whose answers came in a file."""

    endpoint: str
    name: str
    free: bool = False


async def commit_answers(
    store: Store, settings: CallSettings, files: Sequence[Path], answered_by: Collection[str] = ()
) -> AnswersReport:
    """Store what `files` answer; the models of `answered_by` may answer for others.

    Raises OSError for a file that cannot be read, StoreError.
    """
    async with open_session(settings, store.engine) as session:
        commit = _Commit(session, frozenset(answered_by))
        for path in files:
            for line in lines_of(path):
                await commit.take(line)
        await commit.flush()
        await session.ledger_writer.transaction(ledger_requests.forget_done)
    return commit.report


class _Commit:
    """Commits lines, many at a time and each key once."""

    def __init__(self, session: ModelSession, answered_by: Collection[str]) -> None:
        self.report = AnswersReport(session.usage)
        self._ledger_writer = session.ledger_writer
        self._accounts = Accounts(session.ledger_writer, session.budget, session.usage)
        self._answered_by = answered_by
        self._taken: dict[str, tuple[Line, ResultLine]] = {}

    async def take(self, line: Line) -> None:
        """Take a line in; what it holds is on disk after the next flush."""
        result = read_result(line.text)
        if isinstance(result, Unreadable):
            self.report.add(line, LineOutcome.UNREADABLE, result.reason)
            return
        if result.key in self._taken or len(self._taken) >= LINES_AT_ONCE:
            await self.flush()
        self._taken[result.key] = line, result

    async def flush(self) -> None:
        """Store what was taken in."""
        taken, self._taken = self._taken, {}
        asked: dict[str, WrittenRequest] = await self._ledger_writer.transaction(
            lambda connection: ledger_requests.requests_for(connection, list(taken))
        )
        await asyncio.gather(
            *(self._settle(line, result, asked.get(key)) for key, (line, result) in taken.items())
        )

    async def _settle(self, line: Line, result: ResultLine, asked: WrittenRequest | None) -> None:
        if asked is None:
            self.report.add(line, LineOutcome.UNKNOWN)
        elif asked.state == ANSWERED or asked.request is None:
            self.report.add(line, LineOutcome.KNOWN)
        elif (other := other_model(result, asked.model)) not in (None, *self._answered_by):
            self.report.add(line, LineOutcome.OTHER_MODEL, f"'{other}' in place of '{asked.model}'")
        else:
            self.report.add(line, *await self._store(result, from_json(asked.request), asked))

    async def _store(self, result: ResultLine, request: ChatRequest, asked: WrittenRequest) -> Settled:
        """Store an answer, or a failure that comes again; neither in place of one that is there."""
        answerer = _Answerer(asked.endpoint, asked.model)
        attempt = CallAttempt(answerer, self._accounts, asked.key, request)
        problem = problem_in(result, result.raw)
        if problem is not None and _may_pass(problem, result, request):
            return Settled(LineOutcome.PENDING, problem.reason, problem.message)
        reply = RawReply(result.raw, batch=True)
        row = (
            attempt.answered_row(reply)
            if problem is None
            else attempt.failed_row(problem.reason, problem.message)
        )
        if row["state"] == FAILED and asked.state == FAILED:
            return Settled(LineOutcome.KNOWN)
        if problem is None:
            await attempt.store(reply)
        else:
            await self._ledger_writer.store(row)
        if row["state"] == FAILED:
            return Settled(LineOutcome.FAILED, row["reason"], problem.message if problem else "")
        return Settled(LineOutcome.STORED)


def _may_pass(problem: RequestError, result: ResultLine, request: ChatRequest) -> bool:
    """Whether a request that failed may be answered yet: later, or by an engine that is set up otherwise."""
    if problem.action is not ErrorAction.FAIL_ROW or problem.reason in TEMPORARY:
        return True
    words = ErrorWords(result.message, result.code)
    return RequestForm().after(result.status, words, request) is not None
