"""Accounts: what was paid and what became of it, reconciled by stage, model and trait-level.

paid = kept + rejected + retried + lost in flight. Kept: an answer a stage could read. Rejected: refused, cut
off, filtered or unreadable. Retried: unreadable and asked anew. Lost: may have been billed and brought
nothing; only its upper bound is known. Works on sums of ledger rows and a price table, nothing else.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, NamedTuple

from oceanchat.llm.prices import PriceTable
from oceanchat.store import ledger as ledger_rows
from oceanchat.store.database import Store

KINDS = ("kept", "rejected", "retried", "lost")


class Line(NamedTuple):
    """Whose account it is."""

    task: str
    model: str
    endpoint: str
    about: str
    """Trait-level, such as 'O+'; empty where a call serves none in particular."""


@dataclass
class Spent:
    """Calls, tokens and money of one kind."""

    calls: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    usd: Decimal = Decimal(0)
    unpriced: int = 0
    """Calls whose cost is unknown."""

    def add(self, other: "Spent") -> None:
        """Add another sum to this one."""
        self.calls += other.calls
        self.prompt_tokens += other.prompt_tokens
        self.completion_tokens += other.completion_tokens
        self.usd += other.usd
        self.unpriced += other.unpriced

    @property
    def cost(self) -> str:
        """As it is shown: '$1.2345', 'unknown', or both."""
        if not self.unpriced:
            return f"${self.usd:.4f}"
        return f"${self.usd:.4f} + unknown" if self.usd else "unknown"

    def as_json(self) -> dict[str, Any]:
        """For `--json`; `usd` is null where some cost is unknown."""
        return {
            "calls": self.calls,
            "prompt_tokens": self.prompt_tokens,
            "completion_tokens": self.completion_tokens,
            "usd": None if self.unpriced else float(self.usd),
        }


def _nothing() -> dict[str, Spent]:
    return {kind: Spent() for kind in KINDS}


@dataclass
class Account:
    """What one line spent, by what became of it."""

    kinds: dict[str, Spent] = field(default_factory=_nothing)

    @property
    def paid(self) -> Spent:
        """The sum of all kinds; the lost part of it at its upper bound."""
        total = Spent()
        for kind in KINDS:
            total.add(self.kinds[kind])
        return total

    def add(self, other: "Account") -> None:
        """Add another account to this one."""
        for kind in KINDS:
            self.kinds[kind].add(other.kinds[kind])

    def as_json(self) -> dict[str, Any]:
        """For `--json`."""
        return {"paid": self.paid.as_json()} | {kind: self.kinds[kind].as_json() for kind in KINDS}


def reconcile(
    spending: Iterable[Mapping[str, Any]], losses: Iterable[Mapping[str, Any]], prices: PriceTable
) -> dict[Line, Account]:
    """One account a line, in the order of stages as the ledger met them."""
    accounts: dict[Line, Account] = {}
    for row in spending:
        kind = "rejected" if row["state"] == "failed" else row["outcome"] or "kept"
        _book(accounts, row, kind, prices)
    for row in losses:
        _book(accounts, row, "lost", prices)
    return dict(sorted(accounts.items()))


def _book(accounts: dict[Line, Account], row: Mapping[str, Any], kind: str, prices: PriceTable) -> None:
    line = Line(row["task"], row["model"], row["endpoint"], row["about"])
    prompt, completion = int(row["prompt_tokens"] or 0), int(row["completion_tokens"] or 0)
    cost = prices.cost(row["endpoint"], row["model"], prompt, completion, bool(row["batched"]))
    free = cost is not None and prices.is_free(row["endpoint"])
    untold = 0 if free else row.get("untold", 0)
    unpriced = row["calls"] if cost is None else untold
    spent = Spent(row["calls"], prompt, completion, cost or Decimal(0), unpriced)
    accounts.setdefault(line, Account()).kinds[kind].add(spent)


def total(accounts: Mapping[Line, Account]) -> Account:
    """All accounts together."""
    everything = Account()
    for account in accounts.values():
        everything.add(account)
    return everything


@dataclass(frozen=True)
class Books:
    """All accounts of a store."""

    accounts: dict[Line, Account]
    in_flight: int
    """Calls on their way now, in another process or in a batch."""
    price_date: str

    def as_json(self) -> dict[str, Any]:
        """For `--json`."""
        lines = [line._asdict() | account.as_json() for line, account in self.accounts.items()]
        everything = total(self.accounts).as_json()
        told = {"in_flight": self.in_flight, "price_date": self.price_date}
        return {"total": everything, "lines": lines} | told


def accounts_of(store: Store, prices: PriceTable) -> Books:
    """The accounts of a store's ledger; calls that a dead process left in flight count as lost."""
    with store.writing() as connection:
        ledger_rows.sweep(connection, ledger_rows.dead_runs(connection))
        accounts = reconcile(ledger_rows.spending(connection), ledger_rows.losses(connection), prices)
        return Books(accounts, ledger_rows.in_flight(connection), prices.date)
