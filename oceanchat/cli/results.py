"""Commands that read a store.

They are `status`, `show`, `export`, `stats` and `backup`.
"""

import random
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from oceanchat.cli.chosen_build import build_option, chosen_build
from oceanchat.cli.display.json_output import print_json
from oceanchat.cli.display.notes import print_note, print_sentence
from oceanchat.cli.opened_store import opened_store
from oceanchat.cli.options import PATH, json_option, sample_option, store_option
from oceanchat.cli.trait_levels import chosen_trait_levels, level_option, trait_level_arguments, trait_option
from oceanchat.counting import counted
from oceanchat.errors import ConfigError
from oceanchat.traits import TRAIT_LEVELS, Level, Trait, TraitLevel

if TYPE_CHECKING:
    from oceanchat.store.database import Store


_ID = re.compile("[0-9a-f]+")
"""The beginning of a dialogue's id; no trait-level is written so."""


@click.command()
@build_option
@store_option
@json_option
def status(build: str | None, store: str, as_json: bool) -> None:
    """Show the funnel of each trait-level and why rows were dropped.

    \b
    oceanchat status
    """
    from oceanchat.cli.display.build import print_imported, print_status
    from oceanchat.pipeline import results as reading

    opened = opened_store(store, must_exist=True)
    statuses = reading.status(opened, chosen_build(opened, build))
    imported = reading.imported_status(opened)
    if as_json:
        records = [each.record() for each in statuses]
        records += [
            {
                "trait_level": code,
                "source": "imported",
                "passed": states.get("passed", 0),
                "dialogues": states,
            }
            for code, states in imported.items()
        ]
        return print_json(records)
    if statuses:
        print_status(statuses)
    if imported:
        print_imported(imported)


@click.command()
@click.argument("named", nargs=-1, metavar="[ID | TRAIT-LEVEL...]")
@trait_option
@level_option
@click.option("--random", "at_random", is_flag=True, help="Pick dialogues at random.")
@click.option(
    "--count",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    metavar="N",
    help="Number of dialogues to show.",
)
@click.option("--state", metavar="STATE", help="Only dialogues in this state, such as passed or wrong-level.")
@click.option("--reply", metavar="ID", help="Show what a model replied, word for word.")
@build_option
@store_option
@json_option
def show(
    named: tuple[str, ...],
    traits: tuple[Trait, ...] | None,
    levels: tuple[Level, ...] | None,
    at_random: bool,
    count: int,
    state: str | None,
    reply: str | None,
    build: str | None,
    store: str,
    as_json: bool,
) -> None:
    """Show dialogues as conversations.

    Select one by ID (its first characters are enough), or several by trait-level.

    \b
    oceanchat show O+ N- --random --count 3
    oceanchat show 288956b9
    """
    from oceanchat.cli.display.dialogue import print_dialogue
    from oceanchat.pipeline import results as reading

    by_id = len(named) == 1 and _ID.fullmatch(named[0])
    chosen = () if by_id else chosen_trait_levels(named, traits, levels, TRAIT_LEVELS)
    opened = opened_store(store, must_exist=True)
    if reply is not None:
        return _show_reply(opened, reply, as_json)
    name = chosen_build(opened, build)
    if by_id:
        selected = [reading.dialogue(opened, named[0], name)]
    else:
        matching = reading.dialogues(opened, chosen, state, name)
        numbers = range(len(matching))
        shown = random.sample(numbers, min(count, len(numbers))) if at_random else numbers[:count]
        selected = [matching[number] for number in shown]
    if as_json:
        return print_json([dialogue.model_dump(mode="json") for dialogue in selected])
    for number, dialogue in enumerate(selected):
        if number:
            print_sentence("")
        print_dialogue(dialogue)


def _show_reply(store: "Store", prefix: str, as_json: bool) -> None:
    from oceanchat.pipeline.replies import stored

    reply = stored.reply(store, prefix)
    if as_json:
        return print_json(reply._asdict())
    about = f" about {reply.trait_level}" if reply.trait_level else ""
    print_sentence(f"{reply.model}, '{reply.task}'{about}, {reply.outcome} ({reply.id[: stored.SHOWN_ID]})")
    click.echo(reply.text or "(no text)")


@click.command()
@click.argument(
    "what",
    type=click.Choice(
        ["sentences", "candidates", "seeds", "dialogues", "verdicts", "validations", "ratings", "answers"]
    ),
)
@click.option(
    "--format",
    "as_format",
    type=click.Choice(["jsonl", "csv", "parquet"]),
    help="Output format. Default: from the file name, or jsonl.",
)
@click.option("--output", "-o", type=PATH, metavar="FILE", help="File to write. Default: stdout.")
@trait_level_arguments(TRAIT_LEVELS)
@click.option(
    "--state",
    metavar="STATE",
    help="Only rows in this state, or all. Default for dialogues: passed, and imported ones that no checker"
    " was asked about; for others: all.",
)
@click.option(
    "--wide", is_flag=True, help="Dialogues as a flat table for R or SPSS, with columns for every turn."
)
@sample_option
@build_option
@store_option
def export(
    what: str,
    as_format: str | None,
    output: Path | None,
    trait_levels: tuple[TraitLevel, ...],
    state: str | None,
    wide: bool,
    sample_number: int | None,
    build: str | None,
    store: str,
) -> None:
    """Export rows to stdout or a file.

    \b
    oceanchat export dialogues --output dialogues.jsonl
    oceanchat export dialogues N+ O- --state all
    oceanchat export dialogues --wide --output dialogues.csv
    oceanchat export answers --output answers.jsonl

    Answers are what models replied, word for word, and what an endpoint said in their place. Ratings are of
    one evaluation, which --sample numbers.
    """
    from oceanchat.pipeline.replies.stored import reply_rows
    from oceanchat.store import export as exporting

    if as_format == "parquet" and output is None and sys.stdout.isatty():
        raise ConfigError("--format parquet would fill the terminal with bytes; add --output FILE")
    opened = opened_store(store, must_exist=True)
    name = None if what == "answers" else chosen_build(opened, build)
    chosen = exporting.ExportFilter(trait_levels, state, name, sample_number)
    exported = exporting.export(opened, what, as_format, output, chosen, wide, reply_rows(opened))
    print_note(f"oceanchat: {exporting.report(what, exported, output)}")


@click.command()
@click.option("--plot", type=PATH, metavar="FILE", help="Draw a chart into a .png, .svg or .pdf file.")
@build_option
@store_option
@json_option
def stats(plot: Path | None, build: str | None, store: str, as_json: bool) -> None:
    """Count dialogues, turns and words per trait-level, beside the paper's Table 6.

    Below it: how well the length of the answers alone tells high from low. 0.5 means not at all; 1 or 0 means
    that every dialogue of one level is longer than every dialogue of the other.

    \b
    oceanchat stats --plot table6.png
    """
    from oceanchat.cli.display.statistics import print_length, print_table_six
    from oceanchat.pipeline import results as reading

    opened = opened_store(store, must_exist=True)
    passed = reading.passed_statistics(opened, chosen_build(opened, build))
    if plot is not None:
        from oceanchat.plots import plot_table_six

        plot_table_six(passed.table_six, plot)
    if as_json:
        return print_json(passed.records())
    print_table_six(passed.table_six)
    print_length(passed.length, passed.asked)


@click.command()
@click.argument("file", type=PATH)
@store_option
@json_option
def backup(file: Path, store: str, as_json: bool) -> None:
    """Copy the whole store into a new SQLite file.

    \b
    oceanchat backup copy.db
    oceanchat status --store copy.db
    """
    from oceanchat.store.backup import backup as copy

    rows = copy(opened_store(store, must_exist=True), file)
    if as_json:
        return print_json({"file": file, "rows": rows})
    print_sentence(f"{counted(rows, 'row')} copied to {file}")
