"""`oceanchat status`, `show`, `export`, `stats` and `backup`: read what is in a store."""

import json
import random
from pathlib import Path
from typing import Any

import click

from oceanchat.cli.options import json_option, store_option, trait_levels, trait_options


@click.command()
@store_option
@json_option
def status(store: str, as_json: bool) -> None:
    """Show each funnel, and why rows failed."""
    from oceanchat.cli.display.build import print_status
    from oceanchat.pipeline import results as reading
    from oceanchat.store.database import open_store

    found = reading.status(open_store(store, must_exist=True))
    if as_json:
        return click.echo(json.dumps([one.record() for one in found]))
    print_status(found)


@click.command()
@click.argument("dialogue_id", required=False, metavar="[ID]")
@trait_options(default="all")
@click.option("--random", "at_random", is_flag=True, help="Take one at random instead of the first.")
@click.option(
    "--count", type=click.IntRange(min=1), default=1, show_default=True, metavar="N", help="How many to show."
)
@click.option("--state", metavar="STATE", help="Only dialogues in this state, such as passed or wrong-level.")
@store_option
@json_option
def show(
    dialogue_id: str | None,
    traits: Any,
    levels: Any,
    at_random: bool,
    count: int,
    state: str | None,
    store: str,
    as_json: bool,
) -> None:
    """Read dialogues in the terminal.

    By ID (its first digits do), or by trait and level."""
    from oceanchat.cli.display.dialogue import print_dialogue
    from oceanchat.pipeline import results as reading
    from oceanchat.store.database import open_store

    opened = open_store(store, must_exist=True)
    if dialogue_id is not None:
        found = [reading.dialogue(opened, dialogue_id)]
    else:
        found = reading.dialogues(opened, trait_levels(traits, levels), state)
        if at_random:
            random.shuffle(found)
    for number, dialogue in enumerate(found[:count]):
        if as_json:
            click.echo(dialogue.model_dump_json())
        else:
            if number:
                click.echo()
            print_dialogue(dialogue)


@click.command()
@click.argument(
    "what", type=click.Choice(["sentences", "candidates", "seeds", "dialogues", "verdicts", "validations"])
)
@click.option(
    "--format",
    "as_format",
    type=click.Choice(["jsonl", "csv", "parquet"]),
    help="Default: by file name, or jsonl.",
)
@click.option("--output", type=click.Path(path_type=Path), metavar="FILE", help="Default: stdout.")
@store_option
def export(what: str, as_format: str | None, output: Path | None, store: str) -> None:
    """Write rows to stdout or a file."""
    from oceanchat.store import export as exporting
    from oceanchat.store.database import open_store

    exporting.export(open_store(store, must_exist=True), what, as_format, output)


@click.command()
@click.option("--plot", type=click.Path(path_type=Path), metavar="FILE", help="Draw it: .png, .svg or .pdf.")
@store_option
@json_option
def stats(plot: Path | None, store: str, as_json: bool) -> None:
    """Count dialogues, turns and words.

    For each trait-level, beside the paper's Table 6."""
    from oceanchat.cli.display.build import print_table_six
    from oceanchat.pipeline import results as reading
    from oceanchat.store.database import open_store

    rows = reading.passed_table_six(open_store(store, must_exist=True))
    if plot is not None:
        from oceanchat.plots import plot_table_six

        plot_table_six(rows, plot)
    if as_json:
        return click.echo(json.dumps([row._asdict() for row in rows]))
    print_table_six(rows)


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@store_option
def backup(file: Path, store: str) -> None:
    """Copy the whole store into a new file.

    The copy is an SQLite store, ready to be used with --store."""
    from oceanchat.store.database import backup as copy
    from oceanchat.store.database import open_store

    rows = copy(open_store(store, must_exist=True), file)
    click.echo(f"{rows:,} rows copied to {file}")


COMMANDS = (status, show, export, stats, backup)
