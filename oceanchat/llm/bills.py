"""Compare the ledger with a provider's export.

The export is a CSV file of usage or costs: OpenAI's two, OpenRouter's, or any with columns for a model and
for requests, tokens or dollars. Columns are found by their names; each provider has its own.
"""

import csv
import io
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, NamedTuple

from oceanchat.errors import InputError
from oceanchat.llm.costs import Cost, CostKey, CostLine
from oceanchat.llm.settings import SCRIPTED

FIGURES = ("calls", "prompt_tokens", "cached_tokens", "completion_tokens", "usd")
_NAMES = {
    "model": (
        *("model", "model_name", "model_version", "model_permaslug", "model_id", "snapshot_id"),
        *("deployment", "line_item"),
    ),
    "calls": ("num_model_requests", "n_requests", "requests", "num_requests", "request_count", "calls"),
    "prompt_tokens": (
        *("input_tokens", "prompt_tokens", "tokens_prompt", "n_context_tokens_total"),
        *("usage_input_tokens", "native_tokens_prompt"),
    ),
    "cached_tokens": (
        *("input_cached_tokens", "cached_tokens", "tokens_cached", "n_cached_context_tokens_total"),
        *("cache_read_input_tokens", "cached_input_tokens", "native_tokens_cached"),
    ),
    "completion_tokens": (
        *("output_tokens", "completion_tokens", "tokens_completion", "n_generated_tokens_total"),
        *("usage_output_tokens", "native_tokens_completion"),
    ),
    "usd": ("amount_value", "cost_usd", "cost_total", "total_cost", "cost", "amount_usd", "usd", "spend"),
    "currency": ("amount_currency", "currency"),
    "request": ("generation_id", "request_id"),
}
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
    models: dict[str, dict[str, Decimal]] = field(default_factory=dict)
    """Sums by model, as the provider names it."""


def read_bill(path: Path) -> Bill:
    """Read a provider's export. Raises InputError."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"export '{path}' cannot be read: {error}") from None
    head = text.split("\n", 1)[0]
    try:
        delimiter = max(",;\t", key=head.count)
        reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter)
        columns = _columns(reader.fieldnames or ())
        rows = list(reader)
    except csv.Error as error:
        raise InputError(f"export '{path}' is no CSV file: {error}") from None
    figures = tuple(figure for figure in FIGURES if figure in columns)
    if not figures and "request" not in columns:
        raise InputError(
            f"export '{path}' has no column for requests, tokens or dollars ('{head.strip()[:120]}'); name"
            f" one of them 'requests', 'input_tokens', 'output_tokens' or 'cost'"
        )
    one_a_row = "calls" not in columns and "request" in columns
    bill = Bill(("calls", *figures) if one_a_row else figures)
    for number, row in enumerate(rows, start=2):
        _add_row(bill, row, columns, one_a_row, f"export '{path}', row {number}")
    return bill


def _columns(names: Iterable[str]) -> dict[str, str]:
    """The file's column for each thing of interest."""
    there = {re.sub(r"[^a-z0-9]+", "_", (name or "").lower()).strip("_"): name for name in names}
    return {
        thing: there[known[0]]
        for thing, candidates in _NAMES.items()
        if (known := [name for name in candidates if name in there])
    }


def _add_row(bill: Bill, row: Mapping[str, Any], columns: Mapping[str, str], one: bool, where: str) -> None:
    currency = str(row.get(columns.get("currency", "")) or "").strip()
    if currency.lower() not in ("", "usd"):
        raise InputError(f"{where} is in '{_one_line(currency)}'; prices here are in US dollars")
    amounts = {
        figure: _amount(row.get(columns[figure]), f"{where} has '{_one_line(columns[figure])}'")
        for figure in bill.figures
        if figure in columns
    }
    if one:
        amounts["calls"] = Decimal(1)
    model = str(row.get(columns.get("model", "")) or "").partition(",")[0].strip()
    if not model and not any(amounts.values()):
        return
    sums = bill.models.setdefault(model or ALL_MODELS, dict.fromkeys(bill.figures, Decimal(0)))
    for figure, amount in amounts.items():
        sums[figure] += amount


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

    def as_json(self) -> dict[str, Any]:
        """For `--json`."""
        return {
            "comparisons": [comparison.as_json() for comparison in self.comparisons],
            "not_in_ledger": list(self.foreign),
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
