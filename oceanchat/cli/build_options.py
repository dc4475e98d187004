"""The options that make a BuildConfig, for `oceanchat build` and whoever forecasts or retries one."""

import functools
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from oceanchat.cli.options import trait_options
from oceanchat.errors import ConfigError

if TYPE_CHECKING:
    from oceanchat.pipeline.config import BuildConfig

F = TypeVar("F", bound=Callable[..., Any])

MODELS = (
    click.option("--model", metavar="NAME", help="The model for all three roles. Default: the scripted one."),
    click.option("--labeler", metavar="NAME", help="The model that labels sentences."),
    click.option("--writer", metavar="NAME", help="The model that writes dialogues."),
    click.option("--checker", metavar="NAME", help="The model that checks dialogues."),
    click.option("--base-url", metavar="URL", help="Your own OpenAI-compatible server, with its /v1."),
    click.option("--concurrency", type=int, metavar="N", help="Requests in flight at most. Default: 32."),
    click.option("--rpm", type=float, metavar="N", help="Requests a minute at most. Default: no limit."),
    click.option("--tpm", type=float, metavar="N", help="Tokens a minute at most. Default: no limit."),
    click.option(
        "--timeout",
        "timeout_seconds",
        type=float,
        metavar="SECONDS",
        help="Patience with one request. Default: 120.",
    ),
    click.option(
        "--max-attempts", type=int, metavar="N", help="Tries of a reply that cannot be read. Default: 3."
    ),
    click.option("--max-usd", type=float, metavar="USD", help="Hard cap on what this run may spend."),
    click.option(
        "--prices",
        type=click.Path(path_type=Path),
        metavar="FILE",
        help="Your own price table in place of ours.",
    ),
    click.option("--batch", is_flag=True, help="Ask through the Batch API: half the price, within a day."),
    click.option(
        "--batch-poll",
        "batch_poll_seconds",
        type=float,
        metavar="SECONDS",
        help="Time between two looks at a batch. Default: 30.",
    ),
    click.option(
        "--offline", is_flag=True, help="Replay from the ledger; stop at the first request that is missing."
    ),
)
"""Which models are asked, how fast and how dearly."""

RECIPE = (
    click.option(
        "--count", default=20, show_default=True, metavar="N", help="Dialogues for each trait-level."
    ),
    click.option(
        "--essays",
        metavar="PATH",
        help="Essays CSV, folder of .txt, JSONL, Parquet or Hub dataset id. Default: the bundled essays.",
    ),
    click.option(
        "--prompts", type=click.Path(path_type=Path), metavar="DIR", help="Your own prompt templates."
    ),
    click.option(
        "--mode",
        type=click.Choice(["screenplay", "dual"]),
        default="screenplay",
        show_default=True,
        help="One call writes a dialogue, or two speakers take turns.",
    ),
    click.option(
        "--check",
        type=click.Choice(["strict", "paper"]),
        default="strict",
        show_default=True,
        help="strict: right trait, right level, no other trait. paper: the trait is named.",
    ),
    click.option("--exchanges", default=5, show_default=True, metavar="N", help="Questions with answers."),
    click.option("--words", default=80, show_default=True, metavar="N", help="Most words in a turn."),
    click.option(
        "--seeds-per-essay", default=3, show_default=True, metavar="N", help="Most seed topics of one essay."
    ),
    click.option(
        "--sentences-per-call",
        default=1,
        show_default=True,
        metavar="N",
        help="Sentences in one labelling call.",
    ),
    click.option(
        "--seed", default=0, show_default=True, metavar="N", help="Decides the order of the sentences."
    ),
)
"""What decides the result."""

CALL_SETTINGS = (
    "base_url",
    "concurrency",
    "rpm",
    "tpm",
    "timeout_seconds",
    "max_attempts",
    "max_usd",
    "prices",
    "batch",
    "batch_poll_seconds",
    "offline",
)


def build_options(trait_default: str | None = None) -> Callable[[F], F]:
    """All options that make a BuildConfig; `--trait` and `--level` are required when there is no default."""
    options = (*RECIPE, *MODELS)

    def add(command: F) -> F:
        decorated = functools.reduce(lambda made, option: option(made), reversed(options), command)
        return trait_options(trait_default)(decorated)

    return add


def read_config(flags: dict[str, Any]) -> "BuildConfig":
    """The BuildConfig these flags mean. Raises ConfigError naming the flag that is wrong.

    The key is read here, from OPENAI_API_KEY, and nowhere below.
    """
    from pydantic import SecretStr, ValidationError

    from oceanchat.llm.settings import CallSettings
    from oceanchat.pipeline.config import BuildConfig

    model = flags.pop("model") or "scripted"
    for role in ("labeler", "writer", "checker"):
        flags[role] = flags[role] or model
    calls = {name: flags.pop(name) for name in CALL_SETTINGS}
    given = {name: value for name, value in calls.items() if value is not None}
    try:
        key = os.environ.get("OPENAI_API_KEY")
        settings = CallSettings(api_key=SecretStr(key) if key else None, **given)
        return BuildConfig(calls=settings, **flags)
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0]).removesuffix("_seconds").replace("_", "-") if first["loc"] else "options"
        raise ConfigError(f"--{name} '{first['input']}' cannot be used: {first['msg'].lower()}") from None
