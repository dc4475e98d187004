"""`oceanchat view` writes the page one can mail."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from oceanchat.cli.chosen_build import build_option, chosen_build
from oceanchat.cli.display.json_output import print_json
from oceanchat.cli.display.notes import print_note, print_sentence
from oceanchat.cli.opened_store import opened_store
from oceanchat.cli.options import PATH, json_option, prices_option, prompts_option, store_option
from oceanchat.counting import counted
from oceanchat.errors import ConfigError
from oceanchat.extras import load_optional

if TYPE_CHECKING:
    from oceanchat.store.database import Store
    from oceanchat.viewer.content import PageContent, PageSection
    from oceanchat.viewer.store_content import Sentences

MEGABYTE = 1_000_000
MAILABLE = 25 * MEGABYTE
"""Bytes beyond which most mail servers turn a file away."""


@click.command()
@click.option("--release", type=PATH, metavar="DIR", help="Release folder to show instead of the store.")
@click.option("--output", "-o", type=PATH, required=True, metavar="FILE", help="HTML file to write.")
@click.option(
    "--sentences",
    type=click.Choice(["text", "omit"]),
    help="Whether the essays' sentences are part of the page. Default: text if every corpus may be passed on,"
    " else omit.",
)
@click.option("--title", metavar="TEXT", help="Title of the page. Default: the store's or release's name.")
@build_option
@prompts_option
@prices_option
@store_option
@json_option
def view(
    release: Path | None,
    output: Path,
    sentences: "Sentences | None",
    title: str | None,
    build: str | None,
    prompts: Path | None,
    prices: Path | None,
    store: str,
    as_json: bool,
) -> None:
    """Write all dialogues, where they come from and the figures into one HTML file.

    It needs no network and no server: open it, or mail it. Votes of people are shown for dialogues that
    have all their labels.

    \b
    oceanchat view --output page.html
    oceanchat view --release releases/ocean-chat-1.0.0 --output page.html
    """

    if release is not None:
        content = _page_of_release(release, sentences, build)
    else:
        opened = opened_store(store, must_exist=True)
        content = page_of_store(opened, chosen_build(opened, build), prompts, prices, sentences, print_note)
    _write(content if title is None else content._replace(title=title), output, as_json)


def _page_of_release(folder: Path, sentences: "Sentences | None", build: str | None) -> "PageContent":
    for option, value in (("--sentences", sentences), ("--build", build)):
        if value is not None:
            raise ConfigError(f"{option} '{value}' is for stores and does not fit --release; leave it out")
    load_optional("pyarrow", "release")
    from oceanchat.viewer.release_content import release_content

    return release_content(folder)


def page_of_store(
    store: "Store",
    build: str | None,
    prompts: Path | None = None,
    prices: Path | None = None,
    sentences: "Sentences | None" = None,
    say: Callable[[str], None] = lambda line: None,
) -> "PageContent":
    """What a page shows of a store's build and of what was imported."""
    from oceanchat.llm.costs import cost_report
    from oceanchat.llm.prices import load_prices
    from oceanchat.prompts import open_prompts
    from oceanchat.viewer.store_content import store_content

    costs = cost_report(store, load_prices(prices))
    return store_content(store, build, open_prompts(prompts), costs, _agreement(store), sentences, say)


def _agreement(store: "Store") -> "PageSection":
    """The section on a store's annotators, or why there is none."""
    from oceanchat.store.validations import reported_sample
    from oceanchat.viewer.sections import no_agreement

    with store.reading() as connection:
        if reported_sample(connection) is None:
            return no_agreement("Nobody was asked to judge these dialogues; `oceanchat sample` draws some.")
    try:
        for package in ("krippendorff", "numpy", "pandas"):
            load_optional(package, "agreement")
    except ConfigError as error:
        return no_agreement(f"The figures on annotators are missing: {error}.")
    from oceanchat.viewer.agreement import agreement_section

    return agreement_section(store)


def _write(content: "PageContent", output: Path, as_json: bool) -> None:
    from oceanchat.viewer.page import write_page

    size, count = write_page(content, output), len(content.dialogues)
    if as_json:
        print_json({"file": output, "bytes": size, "dialogues": count})
    else:
        shown = f"{size / 1e3:.0f} kB" if size < MEGABYTE else f"{size / MEGABYTE:.1f} MB"
        print_sentence(f"{counted(count, 'dialogue')} in {output} ({shown}); open it in a browser")
    for caution in content.cautions:
        print_note(f"oceanchat: {caution}")
    if size > MAILABLE:
        print_note("oceanchat: mail servers turn away so large a file; compress it, or send a link to it")
