"""Options that several commands share."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from oceanchat.store.location import DEFAULT_STORE

F = TypeVar("F", bound=Callable[..., Any])
PATH = click.Path(path_type=Path)

base_url_option = click.option(
    "--base-url",
    metavar="URL",
    help="Base URL of an OpenAI-compatible server, including /v1. Default: OPENAI_BASE_URL, or OpenAI.",
)
extra_body_option = click.option(
    "--extra-body",
    metavar="JSON",
    help="Further parameters to send with every request, as a JSON object; null leaves one of ours out.",
)
endpoint_name_option = click.option(
    "--endpoint-name",
    metavar="NAME",
    help="Name for this server, to keep its answers apart from those of others with models of the same name.",
)
reasoning_effort_option = click.option(
    "--reasoning-effort",
    metavar="WORD",
    help="How long a reasoning model may think, such as low, medium or high. Default: the model's own.",
)
max_usd_option = click.option(
    "--max-usd",
    type=float,
    metavar="USD",
    help="Spending limit for this command, in US dollars. What a model thinks beyond its token limit in the"
    " requests on their way cannot be bounded.",
)
prices_option = click.option(
    "--prices", type=PATH, metavar="FILE", help="Price table to use instead of the bundled one."
)
sample_option = click.option(
    "--sample",
    "sample_number",
    type=click.IntRange(min=1),
    metavar="N",
    help="Number of the sample. Default: the newest; for figures, the newest that has labels.",
)
prompts_option = click.option(
    "--prompts", type=PATH, metavar="DIR", help="Prompt templates to use instead of the bundled ones."
)
check_option = click.option(
    "--check",
    type=click.Choice(["strict", "main", "paper"]),
    default="strict",
    show_default=True,
    help="strict: the checker must see the right trait and level, no other trait, and neutral questions."
    " main: other traits may show beside it. paper: it must name the trait.",
)
exchanges_option = click.option(
    "--exchanges", default=5, show_default=True, metavar="N", help="Question-and-answer pairs per dialogue."
)
words_option = click.option(
    "--words", default=80, show_default=True, metavar="N", help="Maximum number of words per turn."
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of tables.")
store_option = click.option(
    "--store",
    default=DEFAULT_STORE,
    show_default=True,
    metavar="URL",
    help="Database: a file name or postgresql://USER@HOST/NAME.",
)


class OrdinaryRange(click.FloatRange):
    """A range that NaN, which no comparison refuses, is outside of."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The number."""
        number = super().convert(value, param, ctx)
        if math.isnan(number):
            self.fail(f"'{value}' is no number", param, ctx)
        return number
