"""`oceanchat evaluation` lets people rate models."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from oceanchat.cli.display.json_output import print_json
from oceanchat.cli.display.notes import print_note, print_sentence
from oceanchat.cli.flags import call_settings, read_config
from oceanchat.cli.group import CommandGroup
from oceanchat.cli.opened_store import opened_store
from oceanchat.cli.options import json_option, prompts_option, sample_option, store_option, temperature_option
from oceanchat.counting import counted
from oceanchat.errors import AnnotationError

if TYPE_CHECKING:
    from oceanchat.annotation.evaluation import RatedSystem
    from oceanchat.traits import TraitLevel


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
    help="Number of annotators for each item.",
)
@click.option(
    "--seed",
    default=0,
    show_default=True,
    metavar="N",
    help="Random seed for the order and for the models.",
)
@temperature_option
@click.option(
    "--max-tokens",
    type=click.IntRange(1),
    default=200,
    show_default=True,
    metavar="N",
    help="Maximum number of tokens in an answer.",
)
@click.option(
    "--min-seconds",
    default=3.0,
    show_default=True,
    metavar="SECONDS",
    help="Minimum time before a label or rating is accepted.",
)
@click.option("--another", is_flag=True, help="Start a new one; the old one stays in the store.")
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
        --system preact=http://127.0.0.1:8809/v1#preact: \\
        --system prompt=prompted:http://127.0.0.1:8809/v1#preact:o-high@0
    """
    from oceanchat.annotation.evaluation import EvaluationConfig, create_evaluation, parse_system
    from oceanchat.annotation.starting_questions import load_questions
    from oceanchat.prompts import open_prompts

    config = read_config(EvaluationConfig, systems=tuple(map(parse_system, systems)), **options)
    loaded, templates = load_questions(questions), open_prompts(prompts)
    created = create_evaluation(opened_store(store), config, loaded, templates, another=another)
    cells = len(loaded) * len(config.systems)
    unlisted = [_warn_of(system, {question.trait_level for question in loaded}) for system in config.systems]
    if as_json:
        return print_json({"evaluation": created.id, "conversations": cells})
    what = ", ".join(
        (
            counted(len(loaded), "question"),
            counted(len(config.systems), "system"),
            f"{counted(cells, 'conversation')} ({config.unit})",
            f"each rated by {counted(config.annotators, 'annotator')}",
        )
    )
    print_sentence(f"Evaluation {created.id}: {what}")
    if any(unlisted):
        print_note("After a slip, create it again with --another: annotators get the newest.")


def _warn_of(system: "RatedSystem", trait_levels: "set[TraitLevel]") -> bool:
    """Say on stderr what would keep annotators from talking with a system, as far as it can be seen now.

    Returns whether it is a model that the endpoint does not list.
    """
    from oceanchat.llm.endpoint.served_models import listing

    reached, names, _ = asyncio.run(listing(call_settings(base_url=system.url)))
    wanted = {system.model_for(level) for level in trait_levels}
    # `preact serve` lists trait-levels without their strength, as in preact:o-high@0.5.
    missing = sorted(model for model in wanted if not {model, model.partition("@")[0]} & set(names))
    if not reached:
        problem = "cannot be reached now; annotators can talk with it once it answers"
    elif names and missing:
        more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        problem = f"does not list the model '{missing[0]}'{more}; check what stands behind '#'"
    else:
        return False
    print_note(f"oceanchat: system '{system.name}': '{system.url}' {problem}")
    return reached


@evaluation.command("status")
@sample_option
@store_option
@json_option
def show_status(sample_number: int | None, store: str, as_json: bool) -> None:
    """Show how far an evaluation is, by system and by annotator.

    \b
    oceanchat evaluation status
    """
    from oceanchat.annotation.evaluation_progress import evaluation_progress
    from oceanchat.cli.display.tables import print_table

    progress = evaluation_progress(opened_store(store, must_exist=True), sample_number)
    if progress is None:
        raise AnnotationError("there is no evaluation yet; make one with `oceanchat evaluation create`")
    if as_json:
        lists = {name: [each._asdict() for each in getattr(progress, name)] for name in ("systems", "raters")}
        return print_json(progress._asdict() | lists)
    title = f"Evaluation {progress.number}, unit {progress.unit}"
    print_table(("", "questions", "conversations", "ratings"), progress.systems, title)
    print_sentence("")
    raters = [(*each[:3], "-" if each[3] is None else round(each[3])) for each in progress.raters]
    print_table(("", "rated", "of", "median seconds"), raters)
    if progress.unassigned:
        ratings = counted(progress.unassigned, "rating")
        print_note(f"{ratings} without an annotator; add one.")
