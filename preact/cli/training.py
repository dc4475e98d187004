"""Commands that train and describe runs.

They are `train`, `identify` and `info`.
"""

import json
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import click
from pydantic.fields import FieldInfo

from oceanchat.cli.options import json_option
from oceanchat.errors import ConfigError
from preact.config import TINY, Recipe, TinyShape, TrainConfig, flags_of, make_config
from preact.methods import METHODS

FOLDER = click.Path(path_type=Path)


def say(line: str) -> None:
    """Progress and notes go to stderr; stdout is for results."""
    click.echo(line, err=True)


METAVARS = {
    "learning_rate": "RATE|auto",
    "router_learning_rate": "RATE",
    "rank": "R",
    "alpha": "A",
    "dropout": "P",
    "personality_size": "D",
    "loss_weight": "L",
    "epochs": "N",
    "target_modules": "A,B",
    "psl_hinge": "S",
    "entropy_floor": "NATS",
}
"""What help shows for the value of an option; N for other whole numbers, X for other numbers."""


def recipe_options(command: Any) -> Any:
    """An option for each field of the recipe, in order; what is not given stays None."""
    for name, field in reversed(Recipe.model_fields.items()):
        command = _recipe_option(name, field)(command)
    return command


def _recipe_option(name: str, field: FieldInfo) -> Any:
    annotation: Any = field.annotation
    flags = flags_of(name)
    options: dict[str, Any] = {"help": " ".join((field.description or "").partition("\n\n")[0].split())}
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


@click.command()
@click.argument("release", required=False)
@click.option("--output", "-o", type=FOLDER, required=True, metavar="DIR", help="Run folder; must be new.")
@click.option("--method", metavar="NAME", help=f"Training method: {', '.join(METHODS)}. Default: preact.")
@click.option(
    "--backbone",
    metavar="NAME",
    help="Backbone: tiny, smollm2, a folder, a .gguf file or a Hub model id. Default: tiny.",
)
@click.option(
    "--pretrain-text",
    "pretrain_texts",
    multiple=True,
    metavar="FILE",
    help="More text for the tiny backbone: a .txt file or a corpus of essays. May be repeated.",
)
@click.option(
    "--pretrain-steps", type=click.IntRange(1), metavar="N", help="Pre-training steps of the tiny backbone."
)
@click.option(
    "--train-split", type=click.Choice(["train", "all"]), help="Dialogues to train on. Default: train."
)
@click.option("--seed", type=click.IntRange(0), metavar="N", help="Random seed. Default: 1.")
@recipe_options
@click.option("--max-steps", type=click.IntRange(0), metavar="N", help="Stop after N steps; 0: no limit.")
@click.option(
    "--save-steps", type=click.IntRange(1), metavar="N", help="Steps between checkpoints. Default: 50."
)
@click.option("--threads", type=click.IntRange(0), metavar="N", help="CPU threads; 0 lets torch choose.")
@click.option(
    "--tracker",
    "trackers",
    multiple=True,
    metavar="NAME",
    help="Experiment tracker, such as tensorboard or wandb; may be repeated.",
)
@click.option("--like", type=FOLDER, metavar="RUN", help="Take the release and settings from another run.")
@click.option("--resume", is_flag=True, help="Continue the unfinished run in --output.")
def train(output: Path, resume: bool, like: Path | None, **given: Any) -> None:
    """Train a run on RELEASE, a folder that `oceanchat release` wrote or a Hub dataset id.

    \b
    Example:  preact train releases/ocean-chat-0.1.0-scripted --output runs/first
    """
    if resume or like:
        config = _config_again(output, like, {k: v for k, v in given.items() if v not in (None, ())})
    else:
        config = _config(output, given)
    from preact.training.processes import FailedElsewhere, join, leave
    from preact.training.train import train as train_run

    try:
        record = train_run(config, say, resume=resume)
    except FailedElsewhere:
        click.get_current_context().exit(1)
    main = join().main
    leave()
    if not main:
        return
    click.echo(
        f"run {output}: {record.steps} steps in {record.seconds:.0f} s, {record.trained_parameters:,} trained"
        f" parameters, loss {record.final.get('lm_loss', float('nan')):.4f} nats per token"
    )


def _config_again(output: Path, like: Path | None, given: dict[str, Any]) -> TrainConfig:
    """The config of an existing run, which alone decides what is done."""
    from preact.training.runs import read_record

    flags = sorted(flags_of(name)[0] for name in given if name != "release")
    if flags:
        source = "--like" if like else "--resume"
        raise ConfigError(f"{source} takes all settings from the run; leave out {', '.join(flags)}")
    config = read_record(like or output).config
    return config.model_copy(update={"output": str(output)})


def _config(output: Path, given: dict[str, Any]) -> TrainConfig:
    if not given["release"]:
        raise ConfigError("no release is named; write: preact train RELEASE --output DIR")
    backbone, steps = given.pop("backbone") or TINY, given.pop("pretrain_steps")
    if backbone != TINY and (given["pretrain_texts"] or steps):
        raise ConfigError(
            "--pretrain-text and --pretrain-steps are for the tiny backbone; leave them out, or --backbone"
        )
    recipe = {name: given.pop(name) for name in Recipe.model_fields}
    tiny = backbone == TINY or (Path(backbone) / "tiny.json").is_file()
    shape = TinyShape(steps=steps) if steps else None
    return make_config(
        tiny=tiny, recipe=recipe, output=str(output), backbone=backbone, tiny_shape=shape, **given
    )


@click.command()
@click.argument("run", type=FOLDER)
@json_option
def info(run: Path, as_json: bool) -> None:
    """Describe a run: parameters, expert weights, provenance.

    \b
    Example:  preact info runs/first
    """
    from preact.training.information import about, lines

    facts = about(run)
    if as_json:
        click.echo(json.dumps(facts))
    else:
        for line in lines(facts):
            click.echo(line)
