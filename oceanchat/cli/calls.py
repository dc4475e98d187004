"""Commands about model calls and their cost.

They are `estimate`, `costs`, `retry` and `batches`.
"""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from oceanchat.cli.build_options import build_options
from oceanchat.cli.display.json_output import print_json
from oceanchat.cli.display.notes import print_note, print_sentence
from oceanchat.cli.endpoint import open_endpoint
from oceanchat.cli.flags import build_config, call_settings
from oceanchat.cli.opened_store import opened_store
from oceanchat.cli.options import (
    PATH,
    concurrency_option,
    endpoint_name_option,
    json_option,
    max_usd_option,
    prices_option,
    reasoning_effort_option,
    store_option,
)
from oceanchat.cli.project_file import TypedOption
from oceanchat.cli.spending import ESTIMATING, say_rehearsed

if TYPE_CHECKING:
    from datetime import datetime

    from oceanchat.llm.settings import CallSettings
    from oceanchat.pipeline.config import BuildConfig
    from oceanchat.pipeline.one_by_one import PilotComparison

_DAY = click.DateTime(("%Y-%m-%d",))
_base_url_option = click.option(
    "--base-url", cls=TypedOption, metavar="URL", help="Endpoint to use instead of the recorded one."
)


@click.command()
@build_options
@click.option(
    "--pilot",
    type=click.IntRange(min=1),
    metavar="N",
    help="First build N dialogues per trait-level to measure their cost, and ask some shared calls again"
    " one by one. This sends requests and costs money; the next build uses the dialogues.",
)
@store_option
@json_option
def estimate(pilot: int | None, store: str, as_json: bool, **flags: Any) -> None:
    """Estimate the calls, tokens and cost of a build.

    With a pilot, or an earlier build with the same models, there are 95 % intervals; without one it is a
    rough range. It says what --batch and --sentences-per-call would save, how long asking takes at --rpm
    requests a minute, what the store and a release come to, and which part gives way at that size.

    \b
    oceanchat estimate O+ --count 200 --model gpt-4o-mini --pilot 5
    """
    from oceanchat.cli.display.build import print_prepared_notes
    from oceanchat.cli.display.progress import BuildProgress
    from oceanchat.pipeline import build as service
    from oceanchat.pipeline import one_by_one

    config, comparison, pace = build_config(flags), None, None
    if pilot is not None:
        small = config.model_copy(update={"count": min(pilot, config.count)})
        prepared = service.prepare(small)
        print_prepared_notes(prepared)
        say_rehearsed(small, store)
        opened = opened_store(store)
        with BuildProgress() as progress:
            report = asyncio.run(service.build(prepared, opened, progress, open_endpoint))
        pace = report.usage.calls_a_second
        comparison = asyncio.run(one_by_one.compare(prepared, opened, open_endpoint, report.usage))
        if comparison is None:
            print_note(
                "--max-usd leaves too little to ask some shared calls again one by one, so how often they"
                " answer otherwise is not known"
            )
    print_forecast(config, store, as_json, comparison, pace, say_columns=pilot is None)


def print_forecast(
    config: "BuildConfig",
    store: str,
    as_json: bool,
    comparison: "PilotComparison | None" = None,
    pace: float | None = None,
    say_columns: bool = False,
) -> None:
    """Print what `config` still takes, as a table or JSON, and what a pilot says of shared calls and of the
    server's pace, in calls a second; where nobody has yet, say how the corpus's columns are read."""
    from oceanchat.cli.display import costs as spending_tables
    from oceanchat.cli.display.build import print_corpus_notes
    from oceanchat.cli.display.notes import print_wait
    from oceanchat.llm.prices import load_prices
    from oceanchat.pipeline.corpus_size import corpus_size
    from oceanchat.pipeline.estimate import endpoint_of, estimate_build
    from oceanchat.pipeline.growth import growth
    from oceanchat.pipeline.savings import savings_of
    from oceanchat.store.database import existing_or_empty

    print_wait(ESTIMATING)
    with existing_or_empty(store) as opened:
        corpus = corpus_size(config, opened)
        estimated = estimate_build(config, opened)
    if corpus and say_columns:
        print_corpus_notes(corpus.name, corpus.notes)
    savings, size = savings_of(estimated), growth(estimated)
    if as_json:
        record = estimated.as_json() | {"savings": [saving._asdict() for saving in savings]}
        record |= {"growth": size.as_json(), "corpus": corpus.as_json() if corpus else None}
        record |= {"calls_a_second": pace}
        return print_json(record | ({"one_by_one": comparison.as_json()} if comparison else {}))
    spending_tables.print_estimate(estimated, savings, comparison)
    prices = load_prices(config.calls.prices)
    for model in sorted({task.model for task in estimated.tasks if task.usd is None}):
        if guess := prices.guess(endpoint_of(config, model), model):
            print_note(f"oceanchat: {prices.name} has no price of '{model}'{guess}")
    if estimated.missing:
        spending_tables.print_growth(size, estimated.rough, corpus)
        if pace is not None:
            spending_tables.print_pace(size, pace)


@click.command()
@click.option(
    "--against",
    type=PATH,
    metavar="FILE",
    help="Compare with a provider's export, a CSV file of usage or costs.",
)
@click.option("--from", "since", type=_DAY, metavar="DAY", help="Only calls from this day (UTC) on.")
@click.option("--to", "until", type=_DAY, metavar="DAY", help="Only calls up to this day (UTC), included.")
@prices_option
@store_option
@json_option
def costs(
    against: Path | None,
    since: "datetime | None",
    until: "datetime | None",
    prices: Path | None,
    store: str,
    as_json: bool,
) -> None:
    """Show what was paid, by stage, model and trait-level.

    Each amount is split into results kept, rejected, retried and lost (possibly paid); the parts add up to
    what was paid at most.

    \b
    oceanchat costs --against usage.csv --from 2026-11-01 --to 2026-11-30
    """
    from oceanchat.cli.display import costs as spending_tables
    from oceanchat.llm import bills
    from oceanchat.llm.costs import cost_report, period_of
    from oceanchat.llm.prices import load_prices

    days = [None if day is None else day.date() for day in (since, until)]
    bill = bills.read_bill(against, *days) if against else None
    opened = opened_store(store, must_exist=True)
    report = cost_report(opened, load_prices(prices), period_of(*days))
    compared = bills.compare(report.lines, bill) if bill else None
    if as_json:
        return print_json(report.as_json() | ({"against": compared.as_json()} if compared else {}))
    spending_tables.print_costs(report)
    if compared:
        spending_tables.print_bill(compared, report.days)


@click.command()
@click.option("--reason", metavar="WORD", help="Only requests that failed for this reason, such as timeout.")
@_base_url_option
@endpoint_name_option
@reasoning_effort_option
@concurrency_option
@max_usd_option
@prices_option
@store_option
@json_option
def retry(reason: str | None, base_url: str | None, store: str, as_json: bool, **limits: Any) -> None:
    """Send failed requests again; the next build uses their answers.

    \b
    oceanchat retry --reason timeout --max-usd 1
    """
    from oceanchat.cli.display import costs as spending_tables
    from oceanchat.cli.display.progress import BuildProgress
    from oceanchat.llm.usage import Usage
    from oceanchat.pipeline import retry as asking_again

    opened = opened_store(store, must_exist=True)
    rows = asking_again.failed_rows(opened, reason)
    settings = call_settings(base_url=base_url or asking_again.endpoint_of(rows), **limits)
    if rows:
        with BuildProgress() as progress:
            report = asyncio.run(asking_again.ask_again(opened, settings, rows, progress))
    else:
        report = asking_again.RetryReport(Usage())
    if as_json:
        return print_json(report.as_json())
    spending_tables.print_retry(report, len(rows))


@click.command()
@click.option("--watch", is_flag=True, help="Check with the provider until every batch has finished.")
@click.option("--cancel", metavar="ID", help="Cancel this batch; the next build uses what it had finished.")
@click.option(
    "--batch-poll",
    "--poll",
    "batch_poll_seconds",
    type=float,
    default=30.0,
    metavar="SECONDS",
    help="Time between status checks of a batch. Default: 30.",
)
@_base_url_option
@store_option
@json_option
def batches(
    watch: bool,
    cancel: str | None,
    batch_poll_seconds: float,
    base_url: str | None,
    store: str,
    as_json: bool,
) -> None:
    """List, watch or cancel the batches of this store.

    \b
    oceanchat batches --watch

    The next `oceanchat build --batch` collects their answers.
    """
    from oceanchat.cli.display import costs as spending_tables
    from oceanchat.llm.endpoint import batch_status as batch_watch

    opened = opened_store(store, must_exist=True)
    rows = batch_watch.known_batches(opened)
    if cancel is not None:
        row = batch_watch.batch_named(rows, cancel)
        settings = call_settings(base_url=base_url or row["endpoint"])
        remote = asyncio.run(batch_watch.cancel(settings, row))
        if remote.status == "gone":
            batch_watch.give_up(opened, row)
        if as_json:
            return print_json(remote._asdict())
        return print_sentence(f"{remote.id} is {remote.status}")
    if watch:
        settings = call_settings(
            base_url=base_url or (rows[-1]["endpoint"] if rows else None),
            batch_poll_seconds=batch_poll_seconds,
        )
        unfinished = [row for row in rows if row["state"] == "submitted"]
        looked_at = asyncio.run(_watch(settings, unfinished, as_json))
        return print_json(looked_at) if as_json else None
    if as_json:
        return print_json(rows)
    spending_tables.print_batches(rows)


async def _watch(settings: "CallSettings", rows: list[dict[str, Any]], quiet: bool) -> list[dict[str, Any]]:
    """What the provider said of each batch at last; a line for each look, on stderr if `quiet`."""
    from oceanchat.llm.endpoint import batch_status as batch_watch

    last: dict[str, dict[str, Any]] = {}
    async for row, remote in batch_watch.watch(settings, rows, wait=True):
        last[row["batch"]] = {"batch": row["batch"], **remote._asdict()}
        done = f"{remote.completed or 0:,} of {remote.total:,}"
        (print_note if quiet else print_sentence)(f"{remote.id} {remote.status} {done} ({row['model']})")
    return list(last.values())
