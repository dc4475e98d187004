"""`oceanchat evaluation` lets people rate models."""

import json
from pathlib import Path
from typing import Any

import click

from oceanchat.cli.flags import read_config
from oceanchat.cli.group import CommandGroup
from oceanchat.cli.options import json_option, prompts_option, store_option


@click.group(cls=CommandGroup)
def evaluation() -> None:
    """Let people talk with models and rate them, as in the paper's Table 3."""


@evaluation.command()
@click.option(
    "--system",
    "systems",
    multiple=True,
    required=True,
    metavar="NAME=URL#MODEL",
    help="System to rate: NAME=URL#PREFIX: for models named by trait-level (preact:o-high), or"
    " NAME=prompted:URL#MODEL for one that is sent the persona prompt. Repeatable.",
)
@click.option(
    "--questions",
    default="bundled",
    show_default=True,
    metavar="FILE|bundled",
    help="Starting questions: CSV with the columns trait, level and question.",
)
@click.option(
    "--unit",
    type=click.Choice(["shared", "live"]),
    default="shared",
    show_default=True,
    help="shared: one annotator holds a conversation and all rate it. live: each holds their own.",
)
@click.option(
    "--annotators",
    default=3,
    show_default=True,
    metavar="N",
    help="Number of annotators who rate each question with each system.",
)
@click.option("--seed", default=0, show_default=True, help="Random seed for the order and for the models.")
@click.option(
    "--temperature", default=0.7, show_default=True, metavar="T", help="Temperature of every answer."
)
@click.option(
    "--max-tokens", default=200, show_default=True, metavar="N", help="Maximum number of tokens per answer."
)
@click.option(
    "--min-seconds", default=3.0, show_default=True, help="Minimum time before a rating is accepted."
)
@click.option("--another", is_flag=True, help="Create a further evaluation; the old one stays in the store.")
@prompts_option
@store_option
@json_option
def create(
    systems: tuple[str, ...],
    questions: str,
    another: bool,
    prompts: Path | None,
    store: str,
    as_json: bool,
    **options: Any,
) -> None:
    """Create an evaluation; annotators then find it in `oceanchat annotate`.

    Each system meets each question, blind and in an order that is random and balanced over systems.

    \b
    oceanchat evaluation create \\
        --system preact=http://127.0.0.1:8000/v1#preact: \\
        --system prompt=prompted:http://127.0.0.1:8000/v1#base
    """
    from oceanchat.annotation.evaluation import EvaluationConfig, create_evaluation, parse_system
    from oceanchat.annotation.starting_questions import load_questions
    from oceanchat.prompts import open_prompts
    from oceanchat.store.database import open_store

    config = read_config(EvaluationConfig, systems=tuple(map(parse_system, systems)), **options)
    loaded = load_questions(questions)
    created = create_evaluation(open_store(store), config, loaded, open_prompts(prompts), another=another)
    cells = len(loaded) * len(config.systems)
    if as_json:
        return click.echo(json.dumps({"evaluation": created.id, "conversations": cells}))
    click.echo(
        f"Evaluation {created.id}: {len(loaded)} questions, {len(config.systems)} systems,"
        f" {cells} conversations for each annotator to rate, unit {config.unit}"
    )
