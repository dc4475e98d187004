"""`oceanchat topics` shows what dialogues are about."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from oceanchat.cli.chosen_build import build_option, chosen_build
from oceanchat.cli.display.json_output import print_json
from oceanchat.cli.display.notes import print_note
from oceanchat.cli.endpoint import open_endpoint
from oceanchat.cli.flags import read_config, take_call_settings
from oceanchat.cli.opened_store import opened_store
from oceanchat.cli.options import (
    PATH,
    base_url_option,
    extra_body_option,
    json_option,
    max_usd_option,
    prompts_option,
    store_option,
)
from oceanchat.counting import counted
from oceanchat.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from oceanchat.topics.naming import NamedTopic, TopicLabelConfig, TopicNames


@click.command()
@click.option("--plot", type=PATH, metavar="FILE", help="Draw a chart into a .png, .svg or .pdf file.")
@click.option(
    "--count",
    type=click.IntRange(2, 40),
    metavar="N",
    help="Number of topics. Default: the largest number that is stable.",
)
@click.option(
    "--labeler",
    "--labeller",
    metavar="NAME",
    help="Model that names the topics. Default: name them by their words.",
)
@base_url_option
@extra_body_option
@max_usd_option
@prompts_option
@build_option
@store_option
@json_option
def topics(
    plot: Path | None, count: int | None, build: str | None, store: str, as_json: bool, **flags: Any
) -> None:
    """Show what the passed dialogues are about, as in the paper's Figure 2.

    \b
    oceanchat topics --plot topics.png
    oceanchat topics --plot topics.png --labeler gpt-4o-mini --max-usd 1
    """
    from oceanchat.release.selection import topic_texts
    from oceanchat.topics import naming as topic_names
    from oceanchat.topics.topic_model import find_topics

    config = _label_config(**flags)
    opened = opened_store(store, must_exist=True)
    texts, traits = topic_texts(opened, chosen_build(opened, build))
    model = find_topics(texts, traits, count=count)
    naming = (
        asyncio.run(topic_names.name_topics(config, opened, model, texts, open_endpoint)) if config else None
    )
    named_topics = naming.topics if naming else topic_names.by_words(model)
    if plot is not None:
        from oceanchat.plots import plot_topics

        plot_topics([named.topic for named in named_topics], plot, naming.labeler_used if naming else None)
    if not as_json:
        return _print_topics(named_topics, naming)
    record: dict[str, Any] = {"topics": [named.as_json() for named in named_topics]}
    calls = naming.usage.answered if naming else 0
    print_json(record | {"stability": model.stability, "none": model.none, "calls": calls})


def _label_config(labeler: str | None, **flags: Any) -> "TopicLabelConfig | None":
    """The TopicLabelConfig of these flags; None without a labeler. Raises ConfigError for flags that need
    one."""
    from oceanchat.topics.naming import TopicLabelConfig

    if labeler is not None:
        calls = take_call_settings(flags)
        return read_config(TopicLabelConfig, labeler=labeler, calls=calls, **flags)
    for name, value in flags.items():
        if value is not None:
            flag = f"--{name.replace('_', '-')} '{value}'"
            raise ConfigError(f"{flag} needs a model to ask; add --labeler NAME, or leave it out")
    return None


def _print_topics(named_topics: "Sequence[NamedTopic]", naming: "TopicNames | None") -> None:
    from oceanchat.cli.display.tables import print_table

    headers: tuple[str, ...] = ("topic", "further words", "dialogues", "share")
    rows = [
        (named.topic.label, ", ".join(named.further_words), named.topic.dialogues, f"{named.topic.share:.1%}")
        for named in named_topics
    ]
    if naming is None:
        return print_table(headers, rows)
    labelers = [
        f"{named.labelled_by} ({named.reason})" if named.reason else named.labelled_by
        for named in named_topics
    ]
    cells = [(*row, labeler) for row, labeler in zip(rows, labelers, strict=True)]
    print_table((*headers, "labeled by"), cells)
    print_note(f"{counted(naming.usage.answered, 'call')} to {naming.labeler}, {naming.usage.cost}")
