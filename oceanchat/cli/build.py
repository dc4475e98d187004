"""`oceanchat build` builds dialogues from essays."""

import asyncio
from typing import Any

import click

from oceanchat.cli.build_options import build_options
from oceanchat.cli.cluster import check_ray, ray_options, workplace
from oceanchat.cli.display.json_output import print_json
from oceanchat.cli.flags import build_config
from oceanchat.cli.opened_store import opened_store
from oceanchat.cli.options import json_option, store_option
from oceanchat.cli.project_file import say_used_options
from oceanchat.cli.spending import may_spend, say_rehearsed

SHORT, NOT_AGREED = 3, 1
"""Exit codes: the corpus yielded fewer dialogues than requested; the forecast was not agreed to."""
EPILOG = """
\b
Examples:
  oceanchat build O+
  oceanchat build all --essays essays.csv --count 100
  oceanchat build N- --model qwen2.5:7b --base-url http://localhost:11434/v1
  oceanchat build O+ --model gpt-3.5-turbo-1106 --checker gpt-4-0613
"""


@click.command(epilog=EPILOG)
@build_options
@click.option(
    "--dry-run",
    is_flag=True,
    help="Show what the build would do and how many calls it would take; send nothing.",
)
@ray_options
@click.option("--yes", is_flag=True, help="Spend without asking first; only a terminal is asked.")
@store_option
@json_option
def build(
    dry_run: bool,
    ray: str | None,
    ray_workers: int | None,
    yes: bool,
    store: str,
    as_json: bool,
    **flags: Any,
) -> int:
    """Build dialogues from essays.

    Essays are split into sentences, and sentences are labeled. Dialogues are written about the strongest of
    them, then filtered by quality gates and checked.

    Running the command again asks nothing twice, and raising --count asks only for the difference. Nothing
    is sent or spent unless you name a model; on a terminal you then see a forecast and are asked once. Exit
    code 3 means that the corpus yielded fewer dialogues than requested.

    Options one always types can stand in oceanchat.toml in the current folder, below [oceanchat] or
    [oceanchat.build]: store = "study.db".
    """
    from oceanchat.cli.display import build as result_tables
    from oceanchat.cli.display.progress import BuildProgress
    from oceanchat.pipeline import build as service
    from oceanchat.pipeline.failures import failed_steps
    from oceanchat.pipeline.results import sample_dialogues

    say_used_options()
    config = build_config(flags)
    prepared = service.prepare(config, to_ask=not dry_run)
    check_ray(ray, ray_workers, prepared, store)
    result_tables.print_prepared_notes(prepared)
    if dry_run:
        from oceanchat.cli.calls import print_forecast

        print_forecast(prepared.config, store, as_json)
        return 0
    say_rehearsed(prepared.config, store)
    if not may_spend(prepared, store, yes):
        return NOT_AGREED
    opened = opened_store(store)
    with workplace(ray, ray_workers, prepared, opened) as work, BuildProgress() as progress:
        report = asyncio.run(service.build(work.prepared, opened, progress, work.open_endpoint, work.split))
    failures = failed_steps(opened, config)
    if as_json:
        print_json(report.record() | {"failures": [step.record() for step in failures]})
    else:
        result_tables.print_build(report, sample_dialogues(opened, config), config)
    result_tables.print_build_notes(report, failures, config.calls.offline)
    return SHORT if report.short else 0
