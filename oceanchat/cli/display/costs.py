"""Tables about money on stdout.

They hold estimates, costs, retries and batches. It shows what it is handed and decides nothing.
"""

import math
from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from oceanchat.cli.display.notes import print_sentence
from oceanchat.cli.display.tables import print_table
from oceanchat.llm.bills import BillFigure, BillReport
from oceanchat.llm.costs import KINDS, CostLine, CostReport
from oceanchat.pipeline.estimate import BuildEstimate, Range, TaskEstimate
from oceanchat.pipeline.retry import RetryReport

_TASKS = ("label", "label_many", "theme", "write", "question", "disclose", "check")


def print_estimate(estimate: BuildEstimate) -> None:
    """A forecast, one row per task."""
    rows = [_estimate_row(task) for task in estimate.tasks]
    if len(rows) > 1:
        rows.append(_estimate_row(estimate.total))
    print_sentence(f"{estimate.missing:,} dialogues still to be built.")
    print_table(("task", "model", "calls", "tokens", "cost"), rows)
    if not estimate.pilot_dialogues:
        print_sentence(
            "No pilot with these models yet, so only lower bounds are known; add --pilot 5 to estimate."
        )
    else:
        print_sentence(
            f"From {estimate.pilot_dialogues:,} dialogues in the ledger; 95 % intervals in brackets."
        )
    batch = ", at the Batch API's discount" if estimate.config.calls.batch else ""
    print_sentence(f"Prices of {estimate.price_date}{batch}.")


def _estimate_row(task: TaskEstimate) -> tuple[str, ...]:
    tokens = "unknown" if task.tokens is None else _range(task.tokens, "{:,.0f}")
    usd = "unknown" if task.usd is None else _range(task.usd, "${:,.4f}")
    return task.task, task.model, _range(task.calls, "{:,.0f}"), tokens, usd


def _range(figure: Range, form: str) -> str:
    if not math.isfinite(figure.high):
        return f"at least {form.format(figure.low)}"
    if figure.low == figure.high:
        return form.format(figure.value)
    return f"{form.format(figure.value)} ({form.format(figure.low)} to {form.format(figure.high)})"


def print_costs(report: CostReport) -> None:
    """What was paid, by stage, model and trait-level, and the sum."""
    lines = sorted(report.lines.items(), key=lambda item: (_stage_order(item[0].task), item[0]))
    rows = [(key.task, key.model, key.trait_level, *_cost_cells(line)) for key, line in lines]
    total = report.total
    rows.append(("all", "", "", *_cost_cells(total)))
    print_table(("stage", "model", "", "calls", "tokens", *KINDS, "paid"), rows)
    if total.kinds["lost"].calls:
        reasons = ", ".join(f"{count:,} {reason}" for reason, count in report.lost_reasons.items())
        print_sentence(
            f"Possibly paid: {total.kinds['lost'].calls:,} attempts ({reasons}) that may have been billed and"
            f" brought no answer; 'lost' is their upper bound, the provider's bill decides."
        )
    if total.paid.cached_tokens:
        print_sentence(f"Of the prompt tokens {total.paid.cached_tokens:,} came from the provider's cache.")
    if report.in_flight:
        print_sentence(f"In flight now: {report.in_flight:,} (not in the table).")
    print_sentence(f"Prices of {report.price_date}.")


def _stage_order(task: str) -> int:
    return _TASKS.index(task) if task in _TASKS else len(_TASKS)


def _cost_cells(line: CostLine) -> tuple[Any, ...]:
    paid = line.paid
    kinds = (f"{line.kinds[kind].calls:,} {line.kinds[kind].text}" for kind in KINDS)
    return paid.calls, paid.prompt_tokens + paid.completion_tokens, *kinds, paid.text


def print_bill(report: BillReport, days: tuple[date, date] | None) -> None:
    """The ledger's figures beside the provider's, and how the export was read."""
    print()
    rows = [
        (
            line.model,
            line.figure.replace("_", " "),
            "unknown" if line.ledger is None else _amount(line, line.ledger),
            _amount(line, line.possibly_more),
            _amount(line, line.provider),
            {True: "agrees", False: _difference(line), None: "unknown here"}[line.agrees],
        )
        for line in report.comparisons
    ]
    print_table(("model", "", "ledger", "possibly more", "provider", ""), rows)
    bill = report.bill
    if report.foreign:
        print_sentence(f"In the export, but not in this store: {', '.join(report.foreign)}.")
    read = (f"{thing.replace('_', ' ')} from '{' + '.join(names)}'" for thing, names in bill.columns.items())
    print_sentence(f"Columns read: {', '.join(read)}.")
    if bill.left_out:
        print_sentence(f"Rows of other days, left out: {bill.left_out:,}.")
    if days:
        first, last = days
        theirs = f", the export's from {bill.days[0]} to {bill.days[1]}" if bill.days else ""
        same = "--from and --to compare the same days" if bill.days else "export the same days"
        print_sentence(
            f"The store's calls are from {first} to {last}{theirs} (UTC); {same}. The export must be of the"
            f" same project or key."
        )


def _amount(line: BillFigure, amount: Decimal) -> str:
    return f"${amount:,.4f}" if line.figure == "usd" else f"{amount:,.0f}"


def _difference(line: BillFigure) -> str:
    more = line.provider - (line.ledger or 0)
    return f"{_amount(line, abs(more))} {'more' if more > 0 else 'fewer' if line.figure != 'usd' else 'less'}"


def print_retry(report: RetryReport, asked: int) -> None:
    """How asking again went."""
    if not asked:
        return print_sentence("There are no failed requests to send again.")
    print_sentence(
        f"{asked:,} requests sent again: {report.answered:,} answered, {sum(report.failed.values()):,} failed"
    )
    for reason, count in report.failed.most_common():
        print_sentence(f"  {count:,} {reason}")
    print_sentence(f"Cost {report.usage.cost}. Run the same build again to use the answers.")


def print_batches(rows: Sequence[dict[str, Any]]) -> None:
    """The batches of a store, oldest first."""
    if not rows:
        return print_sentence("No batches.")
    cells = [
        (
            row["remote_id"] or f"({row['batch'][:12]})",
            row["state"],
            row["answered"],
            row["requests"],
            row["model"],
            f"{datetime.fromtimestamp(row['created_at'], UTC):%Y-%m-%d %H:%M}",
            row["message"] or "",
        )
        for row in rows
    ]
    print_table(("batch", "state", "answered", "of", "model", "since (UTC)", ""), cells)
