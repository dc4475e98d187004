"""Report what calls cost and what they brought.

One line for each stage, model, endpoint and trait-level: paid = kept + rejected + retried + lost in flight.
Kept: an answer a stage could read. Rejected: refused, cut off, filtered or unreadable. Retried: unreadable
and asked again. Lost: possibly paid, since it may have been billed although it brought nothing (timeouts,
lost connections, server errors, kills, lines of a batch that never came); only its upper bound is known.
Works on sums of ledger rows and a price table, nothing else.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

from oceanchat.llm.prices import PriceTable, format_cost, load_prices
from oceanchat.llm.settings import OPENAI_URL, known_endpoint
from oceanchat.store import ledger as ledger_rows
from oceanchat.store import ledger_sums
from oceanchat.store.database import Store
from oceanchat.store.ledger_sums import ALWAYS, Period

KINDS = ("kept", "rejected", "retried", "lost")


class CostKey(NamedTuple):
    """What a line of the report adds up."""

    task: str
    """The prompt template's task, such as 'label': the stage."""
    model: str
    endpoint: str
    trait_level: str
    """Code such as 'O+'; empty where a call serves none in particular."""

    def as_json(self, in_files: Collection[str] = ()) -> dict[str, str | None]:
        """For `--json`; `in_files` as in `CostReport`."""
        endpoint = known_endpoint(self.endpoint, self.model, in_files=in_files)
        return {"task": self.task, "model": self.model, "endpoint": endpoint, "about": self.trait_level}


@dataclass
class Cost:
    """Calls, tokens and US dollars of one kind of spending."""

    calls: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    """Reasoning included."""
    cached_tokens: int = 0
    """The part of the prompt tokens that came from a provider's cache."""
    usd: Decimal = Decimal(0)
    """US dollars by the price table, of the calls whose cost is known."""
    unpriced: int = 0
    """Calls whose cost is unknown."""

    def add(self, other: "Cost") -> None:
        """Add another sum to this one."""
        self.calls += other.calls
        self.prompt_tokens += other.prompt_tokens
        self.completion_tokens += other.completion_tokens
        self.cached_tokens += other.cached_tokens
        self.usd += other.usd
        self.unpriced += other.unpriced

    @property
    def text(self) -> str:
        """As it is shown: '$1.2345', 'unknown', or both."""
        return format_cost(self.usd, self.unpriced)

    def as_json(self) -> dict[str, Any]:
        """For `--json`; `usd` is null where some cost is unknown."""
        return {
            "calls": self.calls,
            "prompt_tokens": self.prompt_tokens,
            "completion_tokens": self.completion_tokens,
            "cached_tokens": self.cached_tokens,
            "usd": None if self.unpriced else float(self.usd),
        }


def _no_costs() -> dict[str, Cost]:
    return {kind: Cost() for kind in KINDS}


@dataclass
class CostLine:
    """What was spent under one key, by what became of the answers."""

    kinds: dict[str, Cost] = field(default_factory=_no_costs)

    @property
    def paid(self) -> Cost:
        """The sum of all kinds; the lost part of it at its upper bound."""
        total = Cost()
        for kind in KINDS:
            total.add(self.kinds[kind])
        return total

    def add(self, other: "CostLine") -> None:
        """Add another line to this one."""
        for kind in KINDS:
            self.kinds[kind].add(other.kinds[kind])

    def as_json(self) -> dict[str, Any]:
        """For `--json`."""
        return {"paid": self.paid.as_json()} | {kind: self.kinds[kind].as_json() for kind in KINDS}


def reconcile(
    spending: Iterable[Mapping[str, Any]], losses: Iterable[Mapping[str, Any]], prices: PriceTable
) -> dict[CostKey, CostLine]:
    """One line for each task, model, endpoint and trait-level, sorted by these."""
    lines: dict[CostKey, CostLine] = {}
    for row in spending:
        kind = "rejected" if row["state"] == "failed" else row["outcome"] or "kept"
        _add_row(lines, row, kind, prices)
    for row in losses:
        _add_row(lines, row, "lost", prices)
    return dict(sorted(lines.items()))


def _add_row(lines: dict[CostKey, CostLine], row: Mapping[str, Any], kind: str, prices: PriceTable) -> None:
    key = CostKey(row["task"], row["model"], row["endpoint"], row["trait_level"])
    prompt, completion = int(row["prompt_tokens"] or 0), int(row["completion_tokens"] or 0)
    cached = int(row.get("cached_tokens") or 0)
    usd = prices.cost(row["endpoint"], row["model"], prompt, completion, bool(row["batched"]), cached)
    free = usd is not None and prices.is_free(row["endpoint"])
    uncounted = 0 if free else row.get("uncounted", 0)
    unpriced = row["calls"] if usd is None else uncounted
    cost = Cost(row["calls"], prompt, completion, cached, usd or Decimal(0), unpriced)
    lines.setdefault(key, CostLine()).kinds[kind].add(cost)


def add_up(lines: Iterable[CostLine]) -> CostLine:
    """The sum of lines."""
    total = CostLine()
    for line in lines:
        total.add(line)
    return total


@dataclass(frozen=True)
class CostReport:
    """What a store's ledger says was spent."""

    lines: dict[CostKey, CostLine]
    in_flight: int
    """Calls on their way now, in another process or in a batch."""
    price_date: str
    """Date of the price table."""
    lost_reasons: Mapping[str, int] = field(default_factory=dict)
    """Attempts that were possibly paid, by what became of them."""
    days: tuple[date, date] | None = None
    """The days (UTC) on which the first and the last call was recorded."""
    without_price: Sequence[tuple[str, str]] = ()
    """Models that the price table has no price of, each with its endpoint."""
    in_files: Collection[str] = ()
    """Models whose answers came in files, without a --base-url: nobody knows where they answered."""

    @property
    def total(self) -> CostLine:
        """All lines together."""
        return add_up(self.lines.values())

    def as_json(self) -> dict[str, Any]:
        """For `--json`."""
        return {
            "total": self.total.as_json(),
            "lines": [key.as_json(self.in_files) | line.as_json() for key, line in self.lines.items()],
            "in_flight": self.in_flight,
            "lost_reasons": dict(self.lost_reasons),
            "price_date": self.price_date,
            "without_price": [
                {"model": model, "endpoint": known_endpoint(endpoint, model, in_files=self.in_files)}
                for model, endpoint in self.without_price
            ],
        }


def cost_report(store: Store, prices: PriceTable, when: Period = ALWAYS) -> CostReport:
    """The costs in a store's ledger, of calls recorded in `when`.

    Calls that a dead process left in flight count as lost, where that can be written.
    """
    with store.reading() if store.read_only else store.writing() as connection:
        if not store.read_only:
            ledger_rows.sweep(connection, ledger_rows.dead_runs(connection))
        losses = ledger_sums.lost_attempts(connection, when)
        lines = reconcile(ledger_sums.spending(connection, when), losses, prices)
        reasons: Counter[str] = Counter()
        for loss in losses:
            reasons[loss["reason"]] += loss["calls"]
        ends = ledger_sums.period(connection, when)
        return CostReport(
            lines,
            ledger_rows.in_flight(connection),
            prices.date,
            dict(reasons.most_common()),
            None if ends is None else (_day(ends[0]), _day(ends[1])),
            sorted({(k.model, k.endpoint) for k in lines if prices.price(k.endpoint, k.model) is None}),
            not_openais(ledger_sums.answered_in_files(connection, OPENAI_URL)),
        )


def not_openais(models: Iterable[str]) -> set[str]:
    """Those of some models whose names are none of OpenAI's, by the bundled prices."""
    bundled = load_prices()
    return {model for model in models if bundled.price(OPENAI_URL, model) is None}


def period_of(since: date | None, until: date | None) -> Period:
    """The days (UTC) from `since` to `until`, both included; None: without that end."""
    start = ALWAYS.start if since is None else _midnight(since)
    return Period(start, ALWAYS.end if until is None else _midnight(until + timedelta(days=1)))


def _midnight(day: date) -> float:
    return datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()


def _day(moment: float) -> date:
    return datetime.fromtimestamp(moment, UTC).date()
