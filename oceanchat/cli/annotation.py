"""Commands for human validation.

They are `sample` and `annotate`; `annotators` and `agreement` are in files of their own.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from oceanchat.cli.chosen_build import build_option, chosen_build
from oceanchat.cli.display.json_output import print_json
from oceanchat.cli.flags import read_config
from oceanchat.cli.opened_store import opened_store
from oceanchat.cli.options import (
    host_option,
    json_option,
    port_option,
    prompts_option,
    sample_option,
    store_option,
)
from oceanchat.errors import ConfigError

if TYPE_CHECKING:
    from oceanchat.annotation.sample import SampleConfig
    from oceanchat.store.database import Store


@click.command()
@click.option(
    "--per-trait-level",
    default=40,
    show_default=True,
    metavar="N",
    help="Number of dialogues per trait-level.",
)
@click.option(
    "--annotators",
    default=3,
    show_default=True,
    metavar="N",
    help="Number of annotators for each item.",
)
@click.option(
    "--seed",
    default=0,
    show_default=True,
    metavar="N",
    help="Random seed for the dialogues drawn and their order.",
)
@click.option(
    "--repeats",
    default=0.0,
    show_default=True,
    metavar="SHARE",
    help="Share of items shown a second time, unannounced.",
)
@click.option(
    "--gold", default=0.0, show_default=True, metavar="SHARE", help="Share of items with known answers."
)
@click.option(
    "--gold-file",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="More items with known answers, in the format of prompts/qualification.json.",
)
@click.option(
    "--include-rejected",
    default=0,
    show_default=True,
    metavar="N",
    help="Also draw N dialogues per trait-level that the checker rejected, to see what it misses.",
)
@click.option(
    "--min-seconds",
    default=3.0,
    show_default=True,
    metavar="SECONDS",
    help="Minimum time before a label or rating is accepted.",
)
@click.option(
    "--plan",
    "plan_only",
    is_flag=True,
    help="Draw nothing; show how exact a study of this size would be, and how long it would take.",
)
@click.option(
    "--expect",
    type=click.FloatRange(0, 1),
    default=0.965,
    show_default=True,
    metavar="SHARE",
    help="Share of valid dialogues to plan with.",
)
@click.option("--more", is_flag=True, help="Draw more dialogues into the newest sample, up to these numbers.")
@click.option("--another", is_flag=True, help="Start a new one; the old one stays in the store.")
@prompts_option
@build_option
@store_option
@json_option
def sample(
    store: str,
    plan_only: bool,
    expect: float,
    more: bool,
    another: bool,
    prompts: Path | None,
    build: str | None,
    as_json: bool,
    **options: Any,
) -> None:
    """Draw dialogues for annotators to validate, the same number per trait-level.

    \b
    oceanchat sample --per-trait-level 40 --annotators 3
    oceanchat sample --more --per-trait-level 60
    oceanchat sample --plan --per-trait-level 40
    """
    from oceanchat.annotation.accounts import everyone
    from oceanchat.annotation.guidelines import PRACTICE_ITEMS, known_items
    from oceanchat.annotation.sample import SampleConfig, draw_sample, extend_sample
    from oceanchat.cli.display.sample import print_sample
    from oceanchat.prompts import open_prompts

    config = read_config(SampleConfig, **options)
    known = known_items(open_prompts(prompts))
    gold, practice = known[PRACTICE_ITEMS:], known[:PRACTICE_ITEMS]
    opened = opened_store(store, must_exist=True)
    name = chosen_build(opened, build)
    if plan_only:
        return _show_plan(opened, config, expect, name, as_json)
    if more:
        _check_more(another)
        drawn = extend_sample(opened, config.per_trait_level, config.include_rejected or None, build=name)
    else:
        drawn = draw_sample(opened, config, gold, practice, another=another, build=name)
    if as_json:
        return print_json({"sample": drawn.id, "settings": drawn.settings})
    print_sample(drawn, config.per_trait_level, everyone(opened))


def _show_plan(
    store: "Store", config: "SampleConfig", expected: float, build: str | None, as_json: bool
) -> None:
    from oceanchat.annotation.sample import plan_study
    from oceanchat.cli.display.agreement import print_plan

    plans, fewest = plan_study(store, config, expected, build=build)
    if as_json:
        return print_json([{**each._asdict(), "size": each.size._asdict()} for each in plans])
    print_plan(plans, expected, fewest)


def _check_more(another: bool) -> None:
    """Raise ConfigError for options that an existing sample has settled."""
    context = click.get_current_context()
    settled = ("annotators", "seed", "repeats", "gold", "gold_file", "min_seconds")
    given = [name for name in settled if context.get_parameter_source(name) is ParameterSource.COMMANDLINE]
    if another or given:
        flag = "--another" if another else f"--{given[0].replace('_', '-')}"
        raise ConfigError(
            f"{flag} does not fit --more, which keeps what the sample was drawn with; leave it out"
        )


@click.command()
@port_option(8501)
@host_option
@click.option("--base-path", default="", metavar="PATH", help="Path below which a proxy serves it.")
@click.option(
    "--allowed-origin",
    "allowed_origins",
    multiple=True,
    metavar="URL",
    help="Address of the app in browsers, where a proxy does not pass it on. Repeatable.",
)
@sample_option
@prompts_option
@store_option
def annotate(sample_number: int | None, store: str, **serving: Any) -> None:
    """Start the annotation app; by default only this machine can reach it.

    \b
    oceanchat annotate --port 8501
    """
    from oceanchat.annotation.launcher import Serving, launch
    from oceanchat.store.validations import reported_sample

    opened = opened_store(store, must_exist=True)
    with opened.reading() as connection:
        reported_sample(connection, sample_number)
    opened.close()  # The app opens it anew, for as long as this command waits.
    launch(Serving(store=store, sample=sample_number, **serving))
