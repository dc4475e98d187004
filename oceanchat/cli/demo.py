"""`oceanchat demo` builds a little and shows it."""

import asyncio
import shlex
from pathlib import Path

import click

from oceanchat.cli.display.notes import print_sentence
from oceanchat.cli.opened_store import opened_store
from oceanchat.cli.options import PATH
from oceanchat.invocation import command_name
from oceanchat.traits import LEVELS, Trait, TraitLevel

STORE, PAGE = "ocean-chat.db", "index.html"
TITLE = "OCEAN-Chat demo"


@click.command()
@click.option(
    "--output",
    "-o",
    type=PATH,
    default="demo",
    show_default=True,
    metavar="DIR",
    help="Folder for the store and the page.",
)
def demo(output: Path) -> None:
    """Build dialogues of both levels of one trait, and a page about them: free, offline, no key.

    The built-in scripted model plays all roles. Run it again at any time; nothing is built twice.

    \b
    oceanchat demo
    """
    from oceanchat.cli.display import build as result_tables
    from oceanchat.cli.display.progress import BuildProgress
    from oceanchat.cli.view import page_of_store
    from oceanchat.pipeline import build as service
    from oceanchat.pipeline.config import BuildConfig
    from oceanchat.pipeline.results import sample_dialogues
    from oceanchat.viewer.page import write_page

    config = BuildConfig(trait_levels=tuple(TraitLevel(Trait.O, level) for level in LEVELS))
    output.mkdir(parents=True, exist_ok=True)
    opened = opened_store(output / STORE)
    with BuildProgress() as progress:
        report = asyncio.run(service.build(service.prepare(config), opened, progress))
    write_page(page_of_store(opened, config.build_name)._replace(title=TITLE), output / PAGE)
    result_tables.print_build(report, sample_dialogues(opened, config), config)
    _print_ways_on(output)


def _print_ways_on(folder: Path) -> None:
    """Where the page is, and three commands that work as they stand."""
    name, store = command_name(), f"--store {shlex.quote(str(folder / STORE))}"
    print_sentence(f"\nAll of it is a page, {folder / PAGE}. Open it in a browser:\n")
    click.echo(f"  {(folder / PAGE).resolve().as_uri()}\n")
    print_sentence("Next: another dialogue, all ten trait-levels, or what a real model would cost.\n")
    print_sentence(f"  {name} show --random {store}")
    print_sentence(f"  {name} build all {store}")
    print_sentence(f"  {name} estimate all --model gpt-4o-mini")
