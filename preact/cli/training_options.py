"""The options of `preact train`, by section.

One for each field of the recipe, with the field's own words as help, and those of the run around it.
"""

from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import click
from pydantic.fields import FieldInfo

from preact.config import Recipe, flags_of
from preact.methods import METHODS

FOLDER = click.Path(path_type=Path)

SECTIONS = {
    "The run": (
        "output method prompt backbone pretrain_texts pretrain_steps train_split seed like resume dry_run"
        " as_json trackers"
    ),
    "Adapter and experts": (
        "rank alpha dropout experts personality_size router_init loss_weight target_modules"
    ),
    "Training": (
        "learning_rate router_learning_rate epochs max_steps batch_size context reply warmup schedule keep"
        " weight_decay max_grad_norm"
    ),
    "Speed and memory": (
        "micro_batch precision packing length_grouping gradient_checkpointing quantise optimiser fsdp threads"
        " save_steps"
    ),
    "Beyond the paper": "psl_normalised psl_hinge psl_warmup_steps entropy_floor",
}
"""Heading -> the names of its options, in order; what is in none of them comes last."""

METAVARS = {
    "learning_rate": "RATE|auto",
    "router_learning_rate": "RATE",
    "rank": "R",
    "alpha": "A",
    "dropout": "P",
    "personality_size": "D",
    "loss_weight": "L",
    "target_modules": "A,B",
    "psl_hinge": "S",
    "entropy_floor": "NATS",
}
"""What help shows for the value of an option; N for other whole numbers, X for other numbers."""


class SectionedCommand(click.Command):
    """A command whose help lists its options under headings."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options, section by section."""
        options = [param for param in self.get_params(ctx) if isinstance(param, click.Option)]
        records = {option.name: option.get_help_record(ctx) for option in options}
        for heading, names in (*SECTIONS.items(), ("Other", " ".join(str(name) for name in records))):
            rows = [row for name in names.split() if (row := records.pop(name, None)) is not None]
            if rows:
                with formatter.section(heading):
                    formatter.write_dl(rows)


def recipe_options(command: Any) -> Any:
    """An option for each field of the recipe, in order; what is not given stays None."""
    for name, field in reversed(Recipe.model_fields.items()):
        command = _recipe_option(name, field)(command)
    return command


def _recipe_option(name: str, field: FieldInfo) -> Any:
    annotation: Any = field.annotation
    flags = flags_of(name)
    options: dict[str, Any] = {"help": help_of(name)}
    if annotation is bool:
        flags = tuple(f"{flag}/--no-{flag.removeprefix('--')}" for flag in flags)
        options["default"] = None
    elif get_origin(annotation) is Literal:
        options["type"] = click.Choice(get_args(annotation))
    else:
        options["type"] = annotation if annotation in (int, float) else str
        options["metavar"] = METAVARS.get(name, "N" if annotation is int else "X")
    if get_origin(annotation) is tuple:
        options["callback"] = lambda ctx, param, value: tuple(value.split(",")) if value else None
    return click.option(*flags, name, **options)


def help_of(name: str) -> str:
    """What help says of a field of the recipe: the first paragraph of its description."""
    return " ".join((Recipe.model_fields[name].description or "").partition("\n\n")[0].split())


METHOD = f"Training method: {', '.join(METHODS)}. Default: preact."
BACKBONE = "Backbone: tiny, smollm2, a folder, a .gguf file or a Hub model id. Default: tiny."
MAX_STEPS = "Stop after N steps; 0: no limit."
RUN_OPTIONS = (
    click.option("--output", "-o", type=FOLDER, required=True, metavar="DIR", help="Run folder; new."),
    click.option("--method", metavar="NAME", help=METHOD),
    click.option(
        "--prompt",
        type=click.Choice(["full", "short"]),
        help="Persona prompt of lora and no-moe; short describes only the trait-level asked for.",
    ),
    click.option(
        "--backbone",
        metavar="NAME",
        help=BACKBONE,
    ),
    click.option(
        "--pretrain-text",
        "pretrain_texts",
        multiple=True,
        metavar="FILE",
        help="More text for the tiny backbone: a .txt file or a corpus of essays. May be repeated.",
    ),
    click.option(
        "--pretrain-steps",
        type=click.IntRange(1),
        metavar="N",
        help="Pre-training steps of the tiny backbone, which --max-steps does not bound.",
    ),
    click.option(
        "--train-split",
        type=click.Choice(["train", "all"]),
        help="Dialogues to train on. Default: train.",
    ),
    click.option("--seed", type=click.IntRange(0), metavar="N", help="Random seed. Default: 1."),
    click.option("--max-steps", type=click.IntRange(0), metavar="N", help=MAX_STEPS),
    click.option(
        "--save-steps",
        type=click.IntRange(1),
        metavar="N",
        help="Steps between checkpoints. Default: 50.",
    ),
    click.option("--threads", type=click.IntRange(0), metavar="N", help="CPU threads; 0 lets torch choose."),
    click.option(
        "--fsdp/--no-fsdp",
        default=None,
        help="Share the backbone's weights among the processes that torchrun or accelerate launch started.",
    ),
    click.option(
        "--tracker",
        "trackers",
        multiple=True,
        metavar="NAME",
        help="Experiment tracker, such as tensorboard or wandb; may be repeated.",
    ),
    click.option(
        "--like",
        type=FOLDER,
        metavar="RUN",
        help="Take release and settings from another run; what is given beside it goes before.",
    ),
    click.option(
        "--resume",
        is_flag=True,
        help="Continue the unfinished run in --output, with the options it began with.",
    ),
    click.option("--dry-run", is_flag=True, help="Check everything, say what would be done, and stop."),
)
"""The options that are not of the recipe; what is not given stays None or empty."""


def run_options(command: Any) -> Any:
    """Add the options that are not of the recipe."""
    for option in reversed(RUN_OPTIONS):
        command = option(command)
    return command
