"""Compare the ledger with a provider's export.

The export is a CSV file of usage or costs: OpenAI's two, OpenRouter's, or any with columns for a model and
for requests, tokens or dollars, which bill_columns.py finds.
"""

import csv
import io
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, NamedTuple

from oceanchat.errors import InputError
from oceanchat.llm.bill_columns import FIGURES, columns_of, day_of
from oceanchat.llm.costs import Cost, CostKey, CostLine
from oceanchat.llm.settings import SCRIPTED

_DATE = re.compile(r"[-@](\d{4}-?\d{2}-?\d{2}|\d{4})$")
_TOLERATED = Decimal("0.005")
"""Dollars, and share of them, by which two sums of rounded amounts may differ."""
ALL_MODELS = "all models"


class BillFigure(NamedTuple):
    """One figure of one model."""

    model: str
    figure: str
    """One of FIGURES."""
    ledger: Decimal | None
    """What the ledger knows to be paid; None where that is unknown."""
    possibly_more: Decimal
    """What may have been billed beyond that, at most."""
    provider: Decimal

    @property
    def agrees(self) -> bool | None:
        """Whether the provider's figure can be what the ledger says; None where that is unknown."""
        if self.ledger is None:
            return None
        slack = max(_TOLERATED, _TOLERATED * self.ledger) if self.figure == "usd" else Decimal(0)
        return self.ledger - slack <= self.provider <= self.ledger + self.possibly_more + slack

    def as_json(self) -> dict[str, Any]:
        """For `--json`."""
        return {
            "model": self.model,
            "figure": self.figure,
            "ledger": None if self.ledger is None else float(self.ledger),
            "possibly_more": float(self.possibly_more),
            "provider": float(self.provider),
            "agrees": self.agrees,
        }


@dataclass
class Bill:
    """What an export adds up to."""

    figures: tuple[str, ...]
    """Those of FIGURES that it has."""
    columns: Mapping[str, tuple[str, ...]]
    """The columns that were read, by what was read from them."""
    models: dict[str, dict[str, Decimal]] = field(default_factory=dict)
    """Sums by model, as the provider names it."""
    days: tuple[date, date] | None = None
    """The first and the last day (UTC) that its rows are of, where they say so."""
    left_out: int = 0
    """Rows of other days than were asked for."""

    def add_day(self, day: date | None) -> None:
        """Note that a row is of this day."""
        if day is not None:
            first, last = self.days or (day, day)
            self.days = min(first, day), max(last, day)


def read_bill(path: Path, since: date | None = None, until: date | None = None) -> Bill:
    """Read a provider's export, of rows with a day from `since` to `until` (UTC, both included) only.

    Raises InputError.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"export '{path}' cannot be read: {error}") from None
    head = next((line for line in text.split("\n") if line.strip()), "")
    try:
        delimiter = max(",;\t", key=head.count)
        reader = csv.DictReader(io.StringIO(text.lstrip(), newline=""), delimiter=delimiter)
        columns = columns_of(reader.fieldnames or ())
        rows = list(reader)
    except csv.Error as error:
        raise InputError(f"export '{path}' is no CSV file: {error}") from None
    figures = tuple(figure for figure in FIGURES if figure in columns)
    if not figures and "request" not in columns:
        raise InputError(
            f"export '{path}' has no column for requests, tokens or dollars ('{head.strip()[:120]}'); name"
            f" one of them 'requests', 'input_tokens', 'output_tokens' or 'cost'"
        )
    if (since or until) and "date" not in columns:
        raise InputError(
            f"export '{path}' has no column of days, so --from and --to cannot be kept; omit them"
        )
    one_a_row = "calls" not in columns and "request" in columns
    bill = Bill(("calls", *figures) if one_a_row else figures, columns)
    for number, row in enumerate(rows, start=2):
        where = f"export '{path}', row {number}"
        day = _day(row, columns, where, needed=bool(since or until))
        if day is not None and not (since or day) <= day <= (until or day):
            bill.left_out += 1
            continue
        bill.add_day(day)
        _add_row(bill, row, one_a_row, where)
    return bill


def _day(
    row: Mapping[str, Any], columns: Mapping[str, tuple[str, ...]], where: str, needed: bool
) -> date | None:
    """The day a row is of. Raises InputError where one is `needed` and the cell names none."""
    cell = _cell(row, columns.get("date", ("",))[0])
    day = day_of(cell)
    if day is None and cell and needed:
        raise InputError(f"{where} has '{_one_line(cell)}', which is no day; write days as 2026-11-30")
    return day


def _add_row(bill: Bill, row: Mapping[str, Any], one: bool, where: str) -> None:
    columns = bill.columns
    currency = _cell(row, columns.get("currency", ("",))[0])
    if currency.lower() not in ("", "usd"):
        raise InputError(f"{where} is in '{_one_line(currency)}'; prices here are in US dollars")
    amounts = {
        figure: sum(
            (_amount(row.get(name), f"{where} has '{_one_line(name)}'") for name in columns[figure]),
            Decimal(0),
        )
        for figure in bill.figures
        if figure in columns
    }
    if one:
        amounts["calls"] = Decimal(1)
    model = _cell(row, columns.get("model", ("",))[0]).partition(",")[0].strip()
    if not model and not any(amounts.values()):
        return
    sums = bill.models.setdefault(model or ALL_MODELS, dict.fromkeys(bill.figures, Decimal(0)))
    for figure, amount in amounts.items():
        sums[figure] += amount


def _cell(row: Mapping[str, Any], name: str) -> str:
    return str(row.get(name) or "").strip()


def _amount(value: Any, what: str) -> Decimal:
    text = str(value or "").strip().lstrip("$").replace(",", "")
    try:
        amount = Decimal(text or 0)
    except InvalidOperation:
        amount = Decimal("NaN")
    if not amount.is_finite() or abs(amount) > 10**15:
        raise InputError(f"{what} '{_one_line(str(value))}', which is no number")
    return amount


def _one_line(cell: str) -> str:
    """The start of a cell without its line breaks, to be quoted in an error."""
    return " ".join(cell.split())[:40]


class BillReport(NamedTuple):
    """The ledger beside a provider's export."""

    comparisons: tuple[BillFigure, ...]
    foreign: tuple[str, ...]
    """Models of the export that the ledger does not know."""
    bill: Bill
    """The export."""

    def as_json(self) -> dict[str, Any]:
        """For `--json`."""
        return {
            "comparisons": [comparison.as_json() for comparison in self.comparisons],
            "not_in_ledger": list(self.foreign),
            "columns": {thing: list(names) for thing, names in self.bill.columns.items()},
            "rows_of_other_days": self.bill.left_out,
        }


def compare(lines: Mapping[CostKey, CostLine], bill: Bill) -> BillReport:
    """Each figure of each model that the ledger knows, beside the provider's."""
    ours: dict[str, CostLine] = {}
    for key, line in lines.items():
        if key.endpoint != SCRIPTED:
            ours.setdefault(key.model, CostLine()).add(line)
    if set(bill.models) == {ALL_MODELS}:
        total = CostLine()
        for line in ours.values():
            total.add(line)
        ours = {ALL_MODELS: total}
    theirs = {name: dict.fromkeys(bill.figures, Decimal(0)) for name in ours}
    foreign = []
    for name, sums in bill.models.items():
        model = _match(name, ours)
        if model is None:
            foreign.append(name)
            continue
        for figure, amount in sums.items():
            theirs[model][figure] += amount
    return BillReport(
        tuple(
            _compare(model, figure, line, theirs[model][figure])
            for model, line in sorted(ours.items())
            for figure in bill.figures
        ),
        tuple(sorted(foreign)),
        bill,
    )


def _match(name: str, ours: Mapping[str, CostLine]) -> str | None:
    """Our name of a model: as it is, or without a vendor before it and a date behind it."""
    if name in ours:
        return name
    return next((model for model in sorted(ours) if _plain(model) == _plain(name)), None)


def _plain(model: str) -> str:
    return _DATE.sub("", model.rpartition("/")[2].lower())


def _compare(model: str, figure: str, line: CostLine, provider: Decimal) -> BillFigure:
    lost, known = line.kinds["lost"], Cost()
    for kind, cost in line.kinds.items():
        if kind != "lost":
            known.add(cost)
    unknown = figure != "calls" and known.unpriced > 0 and (figure == "usd" or not known.completion_tokens)
    ledger = None if unknown else Decimal(getattr(known, figure))
    return BillFigure(model, figure, ledger, Decimal(getattr(lost, figure)), provider)
