"""Options of `build` and `estimate`."""

import functools
from collections.abc import Callable
from typing import Any

import click

from oceanchat.cli.options import (
    base_url_option,
    check_option,
    concurrency_option,
    endpoint_name_option,
    exchanges_option,
    extra_body_option,
    max_usd_option,
    offline_option,
    prices_option,
    prompts_option,
    reasoning_effort_option,
    words_option,
)
from oceanchat.cli.trait_levels import trait_level_arguments

RECIPE = (
    click.option(
        "--count", default=20, show_default=True, metavar="N", help="Number of dialogues per trait-level."
    ),
    click.option(
        "--essays",
        metavar="PATH",
        help="Essay corpus: a CSV, JSON, JSONL, Excel or Parquet file, a folder of .txt files, or a Hub"
        " dataset id. Default: the bundled essays.",
    ),
    click.option(
        "--text-column", metavar="NAME", help="Column of the essays. Default: TEXT or another usual name."
    ),
    click.option(
        "--author-column",
        metavar="NAME",
        help="Column of the authors, whom releases keep in one split. Default: author or another usual name.",
    ),
    click.option(
        "--label-columns",
        metavar="O=NAME,...",
        help="Columns of the authors' trait labels, or none. Default: cOPN, openness and other usual names.",
    ),
    prompts_option,
    click.option("--build", metavar="NAME", help="Name of the build. Default: its models' names."),
    click.option(
        "--replace", is_flag=True, help="Replace a build of that name that was made with other options."
    ),
    click.option(
        "--mode",
        type=click.Choice(["screenplay", "dual"]),
        default="screenplay",
        show_default=True,
        help="screenplay: one call writes the whole dialogue. dual: two speakers take turns.",
    ),
    check_option,
    exchanges_option,
    words_option,
    click.option(
        "--answer-words",
        multiple=True,
        callback=lambda context, option, parts: ",".join(parts) if parts else None,
        metavar="RANGE",
        help="Words asked for of each answer, the same for both levels of a trait: a range, or free (any"
        " length, as in the paper). E=10-60 sets one trait's; repeat it for others. Default: 8-40.",
    ),
    click.option(
        "--seeds-per-essay",
        default=3,
        show_default=True,
        metavar="N",
        help="Maximum number of seed topics from one essay.",
    ),
    click.option(
        "--min-strength",
        default=1,
        show_default=True,
        metavar="1-5",
        help="Least strength of a sentence that becomes a seed topic.",
    ),
    click.option(
        "--sentences-per-call",
        default=10,
        show_default=True,
        metavar="N",
        help="Number of sentences to label in one call; what is not read there is asked one by one.",
    ),
    click.option(
        "--dialogues-per-check",
        default=4,
        show_default=True,
        metavar="N",
        help="Number of dialogues to check in one call; what is not read there is asked one by one.",
    ),
    click.option(
        "--label-tokens",
        type=int,
        metavar="N",
        help="Completion limit of a labelling call, in tokens; more for models that reason first.",
    ),
    click.option(
        "--dialogue-tokens",
        type=int,
        metavar="N",
        help="Completion limit of a whole dialogue (--mode screenplay), in tokens.",
    ),
    click.option(
        "--turn-tokens",
        type=int,
        metavar="N",
        help="Completion limit of one turn (--mode dual), in tokens.",
    ),
    click.option("--check-tokens", type=int, metavar="N", help="Completion limit of a verdict, in tokens."),
    click.option(
        "--seed",
        default=0,
        show_default=True,
        metavar="N",
        help="Random seed for the order in which sentences are labeled.",
    ),
)
"""What decides the result."""

ROLES = (
    click.option("--model", metavar="NAME", help="Model for all three roles. Default: the scripted model."),
    click.option(
        "--labeler", "--labeller", metavar="NAME", help="Model that labels sentences. Default: --model."
    ),
    click.option("--writer", metavar="NAME", help="Model that writes dialogues. Default: --model."),
    click.option("--checker", metavar="NAME", help="Model that checks dialogues. Default: --model."),
)
"""Which model plays which role."""

MODELS = (
    *ROLES,
    base_url_option,
    extra_body_option,
    endpoint_name_option,
    reasoning_effort_option,
    concurrency_option,
    click.option(
        "--rpm", type=float, metavar="N", help="Maximum number of requests per minute. Default: no limit."
    ),
    click.option(
        "--tpm", type=float, metavar="N", help="Maximum number of tokens per minute. Default: no limit."
    ),
    click.option(
        "--timeout",
        "timeout_seconds",
        type=float,
        metavar="SECONDS",
        help="Time limit for one request. Default: 120.",
    ),
    click.option(
        "--max-attempts",
        type=int,
        metavar="N",
        help="How often to ask before giving up on replies that cannot be parsed. Default: 3.",
    ),
    max_usd_option,
    prices_option,
    click.option("--batch", is_flag=True, help="Use the Batch API: half the price, answers within 24 hours."),
    click.option(
        "--batch-poll",
        "batch_poll_seconds",
        type=float,
        metavar="SECONDS",
        help="Time between status checks of a batch. Default: 30.",
    ),
    offline_option,
)
"""Which models are asked, how fast and at what cost."""


def build_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """All options that make a BuildConfig, and the trait-levels to build."""
    options = reversed((*RECIPE, *MODELS))
    return trait_level_arguments()(functools.reduce(lambda decorated, add: add(decorated), options, command))
