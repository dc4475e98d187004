"""Tables about money on stdout: forecasts, accounts, retries and batches.

It shows what it is handed and decides nothing.
"""

import math
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import click

from oceanchat.cli.display.tables import print_table
from oceanchat.llm.costs import KINDS, Account, Books, total
from oceanchat.llm.forecast import Span, TaskForecast
from oceanchat.pipeline.estimate import Outlook
from oceanchat.pipeline.retry import RetryReport

_TASKS = ("label", "label_many", "theme", "write", "question", "disclose", "check")


def print_outlook(found: Outlook) -> None:
    """A forecast, one row a task."""
    rows = [_forecast_row(task) for task in found.tasks]
    if len(rows) > 1:
        rows.append(_forecast_row(found.total))
    click.echo(f"{found.missing:,} dialogues are still to be made.")
    print_table(("task", "model", "calls", "tokens", "cost"), rows)
    if not found.pilot_dialogues:
        click.echo("No pilot with these models yet, so only the least is known; add --pilot 5 to estimate.")
    else:
        click.echo(f"From {found.pilot_dialogues:,} dialogues in the ledger; brackets hold 95 % intervals.")
    batch = ", at the Batch API's share" if found.config.calls.batch else ""
    click.echo(f"Prices of {found.price_date}{batch}.")


def _forecast_row(task: TaskForecast) -> tuple[str, ...]:
    tokens = "unknown" if task.tokens is None else _span(task.tokens, "{:,.0f}")
    usd = "unknown" if task.usd is None else _span(task.usd, "${:,.4f}")
    return task.task, task.model, _span(task.calls, "{:,.0f}"), tokens, usd


def _span(span: Span, form: str) -> str:
    if not math.isfinite(span.high):
        return f"at least {form.format(span.low)}"
    if span.low == span.high:
        return form.format(span.value)
    return f"{form.format(span.value)} ({form.format(span.low)} to {form.format(span.high)})"


def print_costs(books: Books) -> None:
    """What was paid, by stage, model and trait-level, and the sum."""
    order = sorted(books.accounts, key=lambda line: (_place(line.task), line))
    rows = [(line.task, line.model, line.about, *_account_cells(books.accounts[line])) for line in order]
    everything = total(books.accounts)
    rows.append(("all", "", "", *_account_cells(everything)))
    print_table(("stage", "model", "", "calls", "tokens", *KINDS, "paid"), rows)
    if everything.kinds["lost"].calls:
        click.echo(
            f"Lost in flight: {everything.kinds['lost'].calls:,} attempts that may have been billed and"
            f" brought no answer; their figures are upper bounds, the provider's bill decides."
        )
    if books.in_flight:
        click.echo(f"On their way now: {books.in_flight:,} (not in the table).")
    click.echo(f"Prices of {books.price_date}.")


def _place(task: str) -> int:
    return _TASKS.index(task) if task in _TASKS else len(_TASKS)


def _account_cells(account: Account) -> tuple[Any, ...]:
    paid = account.paid
    kinds = (f"{account.kinds[kind].calls:,} {account.kinds[kind].cost}" for kind in KINDS)
    return paid.calls, paid.prompt_tokens + paid.completion_tokens, *kinds, paid.cost


def print_retry(report: RetryReport, asked: int) -> None:
    """How asking again went."""
    if not asked:
        return click.echo("Of the requests in this store nothing failed in that way; nothing was asked.")
    click.echo(f"{asked:,} asked again: {report.answered:,} answered, {sum(report.failed.values()):,} failed")
    for reason, count in report.failed.most_common():
        click.echo(f"  {count:,} {reason}")
    click.echo(f"Cost {report.counts.cost}. Run the same build again to use the answers.")


def print_batches(rows: Sequence[dict[str, Any]]) -> None:
    """The batches of a store, oldest first."""
    if not rows:
        return click.echo("No batches.")
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
