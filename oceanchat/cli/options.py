"""Options that several commands share."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from oceanchat.store.location import DEFAULT_STORE

F = TypeVar("F", bound=Callable[..., Any])
PATH = click.Path(path_type=Path)
STORE = "OCEANCHAT_STORE"
"""Environment variable that names the store."""

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
concurrency_option = click.option(
    "--concurrency", type=int, metavar="N", help="Maximum number of requests in flight. Default: 32."
)
offline_option = click.option(
    "--offline", is_flag=True, help="Use recorded answers only, and say what is missing."
)
host_option = click.option(
    "--host",
    "--address",
    "host",
    default="127.0.0.1",
    show_default=True,
    metavar="ADDRESS",
    help="Address to listen on.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON value for scripts.")
temperature_option = click.option(
    "--temperature",
    type=click.FloatRange(0, 2),
    default=0.7,
    show_default=True,
    metavar="T",
    help="Sampling temperature; 0 always takes the likeliest token.",
)
store_option = click.option(
    "--store",
    default=DEFAULT_STORE,
    envvar=STORE,
    metavar="URL",
    help=f"Database: a file name or postgresql://USER@HOST/NAME. Default: {STORE}, or {DEFAULT_STORE}.",
)


def port_option(default: int) -> Callable[[F], F]:
    """`--port`."""
    return click.option(
        "--port",
        type=click.IntRange(0, 65535),
        default=default,
        show_default=True,
        metavar="N",
        help="Port to listen on; 0 picks a free one.",
    )
