"""Commit the answers that come back in files.

Each line is stored under its key, raw, before anything reads it, and has one named outcome. An answer that is
there stays, so files may be given twice, in parts or in any order. Works on the ledger only, which knows what
was asked under each key.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, NamedTuple

from oceanchat.errors import TEMPORARY, CallFailed
from oceanchat.llm.answer_text import answer_text
from oceanchat.llm.attempt import Accounts, CallAttempt
from oceanchat.llm.chat import ChatAnswer, ChatRequest, from_json
from oceanchat.llm.completions import read_completion
from oceanchat.llm.endpoint.batch_lines import ResultLine
from oceanchat.llm.endpoint.error_words import ErrorWords
from oceanchat.llm.endpoint.line_errors import problem_in
from oceanchat.llm.endpoint.request_errors import ErrorAction, RequestError
from oceanchat.llm.endpoint.request_form import RequestForm
from oceanchat.llm.parsing import checked_text
from oceanchat.llm.provider import RawReply
from oceanchat.llm.settings import CallSettings
from oceanchat.llm.usage import Usage
from oceanchat.llm.usefulness import Uselessness
from oceanchat.models import ModelSession, open_session
from oceanchat.pipeline.answer_lines import Line, Unreadable, lines_of, other_model, read_result
from oceanchat.store import ledger_requests
from oceanchat.store.database import Store
from oceanchat.store.ledger import ANSWERED, FAILED, Row
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
    attempt: CallAttempt | None = None
    """Whose answer or failure it is, where that is to be stored."""
    row: Row | None = None
    """The row of that."""
    cut_off: str = ""
    """The task of an answer that was cut off or is empty."""


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
    cut_off: Counter[str] = field(default_factory=Counter)
    """Answers stored that were cut off or are empty, by task."""
    empty: list[str] = field(default_factory=list)
    """Names of the files that hold no line."""

    def add(self, line: Line, settled: Settled) -> None:
        """Count one line."""
        key = settled.outcome, settled.reason
        self.counts.setdefault(key, LineCount(line.position, settled.quote)).lines += 1
        self.cut_off.update([settled.cut_off] if settled.cut_off else ())

    def total(self, outcomes: Collection[LineOutcome] = tuple(LineOutcome)) -> int:
        """The lines with any of these outcomes."""
        return sum(count.lines for (outcome, _), count in self.counts.items() if outcome in outcomes)

    @property
    def wants_a_look(self) -> bool:
        """Whether some lines could not be used, or none is an answer of use: more of the same would not
        help."""
        of_use = ((LineOutcome.STORED, ""), (LineOutcome.KNOWN, ""))
        return self.total(UNUSABLE) > 0 or not any(key in self.counts for key in of_use)

    def as_json(self) -> dict[str, Any]:
        """For `--json`."""
        reasons = [
            {"outcome": outcome.value, "reason": reason, **vars(count)}
            for (outcome, reason), count in self.counts.items()
        ]
        lines = {outcome.value: self.total((outcome,)) for outcome in LineOutcome}
        return {
            "lines": lines,
            "reasons": reasons,
            "empty_files": self.empty,
            "calls": self.usage.as_json(),
        }


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
            read = 0
            for read, line in enumerate(lines_of(path), 1):  # noqa: B007 - counts them
                await commit.take(line)
            if not read:
                commit.report.empty.append(path.name)
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
            self.report.add(line, Settled(LineOutcome.UNREADABLE, result.reason))
            return
        if result.key in self._taken or len(self._taken) >= LINES_AT_ONCE:
            await self.flush()
        self._taken[result.key] = line, result

    async def flush(self) -> None:
        """Store what was taken in."""
        taken, self._taken = self._taken, {}
        settled: dict[str, Settled] = {}

        def settle_all(asked: Mapping[str, WrittenRequest]) -> list[Row]:
            for key, (_, result) in taken.items():
                settled[key] = self._settle(result, asked.get(key))
            return [entry.row for entry in settled.values() if entry.row is not None]

        run = self._ledger_writer.run
        outrun: set[str] = await self._ledger_writer.transaction(
            lambda connection: ledger_requests.settle(connection, list(taken), settle_all, run)
        )
        for key, (line, _) in taken.items():
            entry = settled[key] if key not in outrun else Settled(LineOutcome.KNOWN)
            self.report.add(line, entry)
            if entry.attempt is not None and entry.row is not None and entry.row["batched"]:  # an answer
                entry.attempt.settle(entry.row, batch=True)

    def _settle(self, result: ResultLine, asked: WrittenRequest | None) -> Settled:
        if asked is None:
            return Settled(LineOutcome.UNKNOWN)
        if asked.state == ANSWERED or asked.request is None:
            return Settled(LineOutcome.KNOWN)
        if (other := other_model(result, asked.model)) not in (None, *self._answered_by):
            return Settled(LineOutcome.OTHER_MODEL, f"'{other}' in place of '{asked.model}'")
        return self._read(result, from_json(asked.request), asked)

    def _read(self, result: ResultLine, request: ChatRequest, asked: WrittenRequest) -> Settled:
        """What to store: an answer, or a failure that comes again; neither in place of one that is there."""
        answerer = _Answerer(asked.endpoint, asked.model)
        attempt = CallAttempt(answerer, self._accounts, asked.key, request)
        problem = problem_in(result, result.raw)
        message = "" if problem is None else problem.message
        if problem is None:
            row = attempt.answered_row(RawReply(result.raw, batch=True))
        elif _may_pass(problem, result, request):
            return Settled(LineOutcome.PENDING, problem.reason, message)
        else:
            row = attempt.failed_row(problem.reason, message)
        if row["state"] == FAILED:
            if asked.state == FAILED:
                return Settled(LineOutcome.KNOWN)
            return Settled(LineOutcome.FAILED, row["reason"], message, attempt, row)
        useless = _no_use(result.raw)
        cut_off = request.task if useless.reason in ("length", "empty") else ""
        return Settled(LineOutcome.STORED, *useless, attempt, row, cut_off)


def _no_use(body: bytes) -> Uselessness:
    """Why the build will find nothing in an answer; reason '' where it has something to read."""
    answer = read_completion(body) or ChatAnswer("")
    try:
        text = checked_text(answer)
    except CallFailed as failure:
        return Uselessness(failure.reason, " ".join(answer.text.split()))
    return Uselessness("" if answer_text(text).strip() else "empty", "")


def _may_pass(problem: RequestError, result: ResultLine, request: ChatRequest) -> bool:
    """Whether a request that failed may be answered yet: later, or by an engine that is set up otherwise."""
    if problem.action is not ErrorAction.FAIL_ROW or problem.reason in TEMPORARY:
        return True
    words = ErrorWords(result.message, result.code)
    return RequestForm().after(result.status, words, request) is not None
