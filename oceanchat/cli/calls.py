"""`oceanchat estimate`, `costs`, `retry`, `batches`: calls to models and what became of the money."""

import asyncio
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from oceanchat.cli.build_options import build_options, read_config
from oceanchat.cli.options import json_option, store_option
from oceanchat.cli.serve import serve_scripted

if TYPE_CHECKING:
    from oceanchat.llm.settings import CallSettings
    from oceanchat.pipeline.config import BuildConfig

PRICES = click.option(
    "--prices", type=click.Path(path_type=Path), metavar="FILE", help="Your own price table in place of ours."
)
BASE_URL = click.option("--base-url", metavar="URL", help="The endpoint, if it is not the one on record.")


@click.command()
@build_options()
@click.option(
    "--pilot",
    type=click.IntRange(min=1),
    metavar="N",
    help="Really build N dialogues for each trait-level first (this asks and costs; nothing of it is lost).",
)
@store_option
@json_option
def estimate(pilot: int | None, store: str, as_json: bool, **flags: Any) -> None:
    """Forecast the calls, tokens and cost of a build, with their intervals.

    \b
    oceanchat estimate --trait O --level high --count 200 --model gpt-4o-mini --pilot 5
    """
    from oceanchat.cli.display.progress import BuildProgress
    from oceanchat.pipeline import build as service
    from oceanchat.store.database import open_store

    config = read_config(flags)
    if pilot is not None:
        small = config.model_copy(update={"count": min(pilot, config.count)})
        with BuildProgress() as progress:
            asyncio.run(service.build(service.prepare(small), open_store(store), progress))
    print_forecast(config, store, as_json)


def print_forecast(config: "BuildConfig", store: str, as_json: bool) -> None:
    """What `config` still takes, as a table or JSON."""
    from oceanchat.cli.display import costs as spending_tables
    from oceanchat.pipeline.estimate import outlook
    from oceanchat.store.database import existing_or_empty

    with existing_or_empty(store) as opened:
        found = outlook(config, opened)
    if as_json:
        return click.echo(json.dumps(found.as_json()))
    spending_tables.print_outlook(found)


@click.command()
@PRICES
@store_option
@json_option
def costs(prices: Path | None, store: str, as_json: bool) -> None:
    """Reconcile what was paid: kept + rejected + retried + lost in flight, by stage, model, trait-level."""
    from oceanchat.cli.display import costs as spending_tables
    from oceanchat.llm.costs import accounts_of
    from oceanchat.llm.prices import load_prices
    from oceanchat.store.database import open_store

    books = accounts_of(open_store(store, must_exist=True), load_prices(prices))
    if as_json:
        return click.echo(json.dumps(books.as_json()))
    spending_tables.print_costs(books)


@click.command()
@click.option("--reason", metavar="WORD", help="Only those that failed for this reason, such as timeout.")
@BASE_URL
@click.option(
    "--concurrency", type=int, default=32, show_default=True, metavar="N", help="In flight at most."
)
@click.option("--max-usd", type=float, metavar="USD", help="Hard cap on what this may spend.")
@PRICES
@store_option
@json_option
def retry(reason: str | None, base_url: str | None, store: str, as_json: bool, **limits: Any) -> None:
    """Ask the failed requests again, alone; the next build replays what they answer."""
    from oceanchat.cli.display import costs as spending_tables
    from oceanchat.pipeline import retry as asking_again
    from oceanchat.store.database import open_store

    opened = open_store(store, must_exist=True)
    rows = asking_again.failed_rows(opened, reason)
    settings = _settings(base_url or asking_again.endpoint_of(rows), **limits)
    report = asyncio.run(asking_again.ask_again(opened, settings, rows))
    if as_json:
        return click.echo(json.dumps(report.as_json()))
    spending_tables.print_retry(report, len(rows))


@click.command()
@click.option("--watch", is_flag=True, help="Ask the provider how they stand until all are finished.")
@click.option("--cancel", metavar="ID", help="Cancel this batch; what it finished is kept by the next build.")
@click.option("--poll", type=float, default=30.0, show_default=True, metavar="SECONDS", help="Between looks.")
@BASE_URL
@store_option
@json_option
def batches(
    watch: bool, cancel: str | None, poll: float, base_url: str | None, store: str, as_json: bool
) -> None:
    """List, watch or cancel the batches of this store; `oceanchat build --batch` takes their answers in."""
    from oceanchat.cli.display import costs as spending_tables
    from oceanchat.llm.endpoint import batch_status as batch_watch
    from oceanchat.store.database import open_store

    rows = batch_watch.known_batches(open_store(store, must_exist=True))
    if cancel is not None:
        row = batch_watch.batch_named(rows, cancel)
        settings = _settings(base_url or row["endpoint"])
        remote = asyncio.run(batch_watch.cancel(settings, row))
        return click.echo(json.dumps(remote._asdict()) if as_json else f"{remote.id} is {remote.status}")
    if watch:
        settings = _settings(base_url or (rows[-1]["endpoint"] if rows else None), batch_poll_seconds=poll)
        unfinished = [row for row in rows if row["state"] == "submitted"]
        return asyncio.run(_watch(settings, unfinished, as_json))
    if as_json:
        return click.echo(json.dumps(rows))
    spending_tables.print_batches(rows)


async def _watch(settings: "CallSettings", rows: list[dict[str, Any]], as_json: bool) -> None:
    from oceanchat.llm.endpoint import batch_status as batch_watch

    async for row, remote in batch_watch.watch(settings, rows, wait=True):
        if as_json:
            click.echo(json.dumps({"batch": row["batch"], **remote._asdict()}))
        else:
            click.echo(
                f"{remote.id} {remote.status} {remote.completed:,} of {remote.total:,} ({row['model']})"
            )


def _settings(base_url: str | None, **given: Any) -> "CallSettings":
    """CallSettings with the key from OPENAI_API_KEY, which is read here and nowhere below."""
    from pydantic import SecretStr, ValidationError

    from oceanchat.errors import ConfigError
    from oceanchat.llm.settings import CallSettings

    key = os.environ.get("OPENAI_API_KEY")
    told = {name: value for name, value in given.items() if value is not None}
    if base_url is not None:
        told["base_url"] = base_url
    try:
        return CallSettings(api_key=SecretStr(key) if key else None, **told)
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0]).replace("_", "-")
        raise ConfigError(f"--{name} '{first['input']}' cannot be used: {first['msg'].lower()}") from None


COMMANDS = (estimate, costs, retry, batches, serve_scripted)
