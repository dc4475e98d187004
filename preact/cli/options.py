"""Options that several commands share."""

from collections.abc import Callable
from typing import Any, TypeVar

import click

from oceanchat.cli.options import (
    base_url_option,
    concurrency_option,
    extra_body_option,
    max_usd_option,
    offline_option,
    prices_option,
    prompts_option,
    store_option,
    temperature_option,
)
from preact.cli.training_options import FOLDER

F = TypeVar("F", bound=Callable[..., Any])

interviews_argument = click.argument("interviews", nargs=-1, required=True, type=FOLDER, metavar="DIR...")
judge_option = click.option("--judge", metavar="NAME", help="Judge whose scores to use, if several.")
prompt_option = click.option(
    "--prompt",
    "style",
    type=click.Choice(["full", "short"]),
    default="full",
    show_default=True,
    help="Persona prompt of prompted:MODEL; short describes only the trait-level asked for.",
)
inventory_option = click.option(
    "--inventory",
    default="ipip50",
    show_default=True,
    metavar="NAME",
    help="Inventory: ipip50, bfi44:FILE or a CSV file.",
)
split_option = click.option(
    "--split", metavar="NAME", help="train, validation, test or all. Default: test, or all of --data."
)
data_option = click.option(
    "--data", metavar="RELEASE", help="Another release: folder or Hub id. Default: the run's own."
)
max_tokens_option = click.option(
    "--max-tokens",
    type=click.IntRange(1),
    default=256,
    show_default=True,
    metavar="N",
    help="Maximum number of tokens in an answer.",
)
threads_option = click.option(
    "--threads", type=click.IntRange(0), default=0, metavar="N", help="CPU threads; 0 lets torch choose."
)


def access_options(command: F) -> F:
    """How models behind an endpoint are reached; local systems and scripted judges ignore all of it."""
    for option in (
        store_option,
        prompts_option,
        offline_option,
        prices_option,
        max_usd_option,
        concurrency_option,
        extra_body_option,
        base_url_option,
    ):
        command = option(command)
    return command


def runs_option(default: int) -> Callable[[F], F]:
    """`--runs`."""
    return click.option(
        "--runs",
        type=click.IntRange(1),
        default=default,
        show_default=True,
        metavar="N",
        help="Interviews per trait-level.",
    )


def output_option(help_text: str) -> Callable[[F], F]:
    """`--output`, a folder."""
    return click.option("--output", "-o", type=FOLDER, required=True, metavar="DIR", help=help_text)


def sampling_options(command: F) -> F:
    """How answers are drawn; the same defaults for every system."""
    for option in (
        max_tokens_option,
        click.option(
            "--top-p",
            type=click.FloatRange(0, 1, min_open=True),
            default=0.9,
            show_default=True,
            metavar="P",
            help="Sample from the likeliest tokens, up to a total probability of P.",
        ),
        temperature_option,
    ):
        command = option(command)
    return command


def comparison_options(command: F) -> F:
    """Which interviews and scores are compared, for `compare` and `report`."""
    for option in (
        click.option(
            "--mode",
            type=click.Choice(["batch", "dimension", "item"]),
            help="Judging mode whose scores to use, if several.",
        ),
        judge_option,
        click.option(
            "--baseline",
            "baselines",
            multiple=True,
            type=FOLDER,
            metavar="DIR",
            help="System that the others are tested against; may be repeated.",
        ),
        interviews_argument,
    ):
        command = option(command)
    return command
