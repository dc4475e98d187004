"""`preact train`, `identify`, `info`: train a run, measure its trait control, say what it is."""

import json
from pathlib import Path
from typing import Any

import click

from oceanchat.cli.options import json_option
from oceanchat.errors import ConfigError
from preact.config import TINY, TinyShape, TrainConfig, make_config
from preact.methods import METHODS

FOLDER = click.Path(path_type=Path)


def say(line: str) -> None:
    """Progress and notes go to stderr; stdout is for results."""
    click.echo(line, err=True)


@click.command()
@click.argument("release", required=False)
@click.option(
    "--output", "-o", type=FOLDER, required=True, metavar="DIR", help="The run folder; must be new."
)
@click.option("--method", metavar="NAME", help=f"One of {', '.join(METHODS)}. Default: preact.")
@click.option("--backbone", metavar="NAME", help="tiny, a folder, or a Hub model id. Default: tiny.")
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
@click.option("--seed", type=click.IntRange(0), metavar="N", help="Same seed, same run. Default: 1.")
@click.option(
    "--lr", "learning_rate", metavar="RATE|auto", help="auto tries 5e-5, 5e-4, 5e-3 on the validation split."
)
@click.option(
    "--router-lr", "router_learning_rate", type=float, metavar="RATE", help="The router's own rate."
)
@click.option("--rank", type=int, metavar="R", help="LoRA rank of all experts together.")
@click.option("--alpha", type=float, metavar="A", help="LoRA's scale is alpha / rank. Default: the rank.")
@click.option("--dropout", type=float, metavar="P", help="LoRA dropout.")
@click.option("--experts", type=int, metavar="N", help="Experts; the rank must be a multiple.")
@click.option("--personality-size", type=int, metavar="D", help="Length of a personality vector.")
@click.option(
    "--lambda", "loss_weight", type=float, metavar="L", help="Weight of PSL or of the auxiliary loss."
)
@click.option("--epochs", type=float, metavar="N", help="Passes over the data.")
@click.option("--batch-size", type=int, metavar="N", help="Dialogues a step.")
@click.option(
    "--micro-batch", type=int, metavar="N", help="Dialogues a forward pass; lower it to save memory."
)
@click.option("--context", type=int, metavar="N", help="Most tokens before an answer.")
@click.option("--reply", type=int, metavar="N", help="Most tokens of an answer.")
@click.option("--target-modules", metavar="A,B", help="Names of the modules to adapt.")
@click.option(
    "--precision",
    type=click.Choice(["auto", "float32", "mixed", "bfloat16"]),
    help="Number format. mixed: float32 weights, bfloat16 products. Default: bfloat16; of tiny: auto.",
)
@click.option("--packing/--no-packing", default=None, help="Pack the dialogues of a batch into fuller rows.")
@click.option("--length-grouping/--no-length-grouping", default=None, help="Batch dialogues of like length.")
@click.option(
    "--gradient-checkpointing/--no-gradient-checkpointing", default=None, help="Less memory for more time."
)
@click.option(
    "--quantise", type=click.Choice(["none", "4bit", "8bit"]), help="Load the backbone quantised (QLoRA)."
)
@click.option("--optimiser", type=click.Choice(["adamw", "adamw-8bit"]), help="8 bits need bitsandbytes.")
@click.option("--psl-normalised", is_flag=True, default=None, help="Beyond the paper: PSL over its pairs.")
@click.option("--psl-hinge", type=float, metavar="S", help="Beyond the paper: ignore similarities up to S.")
@click.option(
    "--psl-warmup-steps", type=int, metavar="N", help="Beyond the paper: let lambda rise over N steps."
)
@click.option(
    "--entropy-floor", type=float, metavar="NATS", help="Beyond the paper: keep experts from collapsing."
)
@click.option("--max-steps", type=click.IntRange(0), metavar="N", help="Stop after N steps; 0 for none.")
@click.option(
    "--save-steps", type=click.IntRange(1), metavar="N", help="Steps between checkpoints. Default: 50."
)
@click.option("--threads", type=click.IntRange(0), metavar="N", help="CPU threads; 0 leaves it to torch.")
@click.option(
    "--tracker", "trackers", multiple=True, metavar="NAME", help="tensorboard, wandb, ...; may be repeated."
)
@click.option(
    "--like", type=FOLDER, metavar="RUN", help="Take release and settings from another run's folder."
)
@click.option("--resume", is_flag=True, help="Go on with the unfinished run in --output.")
def train(output: Path, resume: bool, like: Path | None, **given: Any) -> None:
    """Train a run on RELEASE, a folder that `oceanchat release` wrote or a Hub dataset id.

    \b
    Example:  preact train releases/ocean-chat-0.1.0-scripted --output runs/first
    """
    if resume or like:
        config = _config_again(output, like, {k: v for k, v in given.items() if v not in (None, ())})
    else:
        config = _config(output, given)
    from preact.training.train import train as train_run

    record = train_run(config, say, resume=resume)
    click.echo(
        f"run {output}: {record.steps} steps in {record.seconds:.0f} s, {record.trained_parameters:,} trained"
        f" parameters, loss {record.final.get('lm_loss', float('nan')):.4f} nats a token"
    )


def _config_again(output: Path, like: Path | None, given: dict[str, Any]) -> TrainConfig:
    """The config of a run that is there, which alone decides what is done."""
    from preact.training.runs import read_record

    if set(given) - {"release"}:
        named = ", ".join(sorted(given.keys() - {"release"}))
        raise ConfigError(
            f"{'--like' if like else '--resume'} takes all settings from the run; leave out: {named}"
        )
    config = read_record(like or output).config
    return config.model_copy(update={"output": str(output)})


def _config(output: Path, given: dict[str, Any]) -> TrainConfig:
    if not given["release"]:
        raise ConfigError("no release is named; write: preact train RELEASE --output DIR")
    backbone = given["backbone"] or TINY
    recipe_names = (
        "learning_rate",
        "router_learning_rate",
        "rank",
        "alpha",
        "dropout",
        "experts",
        "personality_size",
        "loss_weight",
        "epochs",
        "batch_size",
        "micro_batch",
        "context",
        "reply",
        "precision",
        "packing",
        "length_grouping",
        "gradient_checkpointing",
        "quantise",
        "optimiser",
        "psl_normalised",
        "psl_hinge",
        "psl_warmup_steps",
        "entropy_floor",
    )
    recipe = {name: given.pop(name) for name in recipe_names}
    if given["target_modules"]:
        recipe["target_modules"] = tuple(given["target_modules"].split(","))
    tiny = backbone == TINY or (Path(backbone) / "tiny.json").is_file()
    if backbone != TINY and (given["pretrain_texts"] or given["pretrain_steps"]):
        raise ConfigError(
            "--pretrain-text and --pretrain-steps are for the tiny backbone; leave them out, or --backbone"
        )
    shape = TinyShape(steps=given["pretrain_steps"]) if given["pretrain_steps"] else None
    kept = (
        "release",
        "method",
        "train_split",
        "seed",
        "pretrain_texts",
        "max_steps",
        "save_steps",
        "threads",
        "trackers",
    )
    options = {name: given[name] for name in kept}
    return make_config(
        tiny=tiny, recipe=recipe, output=str(output), backbone=backbone, tiny_shape=shape, **options
    )


@click.command()
@click.argument("run", type=FOLDER)
@click.option(
    "--split", metavar="NAME", help="train, validation, test or all. Default: test, or all of --data."
)
@click.option("--data", metavar="RELEASE", help="Another release: folder or Hub id. Default: the run's own.")
@click.option(
    "--threads", type=click.IntRange(0), default=0, metavar="N", help="CPU threads; 0 leaves it to torch."
)
@json_option
def identify(run: Path, split: str | None, data: str | None, threads: int, as_json: bool) -> None:
    """Name the trait-level of held-out dialogues by the run's own losses; no judge is needed.

    \b
    Example:  preact identify runs/first --split test --json
    """
    from preact.evaluation.identification import as_json as as_dictionary
    from preact.evaluation.identification import as_lines
    from preact.evaluation.identification import identify as identify_run

    found = identify_run(run, data=data, split=split, threads=threads, say=say)
    if as_json:
        click.echo(json.dumps(as_dictionary(found)))
    else:
        for line in as_lines(found):
            click.echo(line)


@click.command()
@click.argument("run", type=FOLDER)
@json_option
def info(run: Path, as_json: bool) -> None:
    """Say what a run is: parameters, expert weights, provenance.

    \b
    Example:  preact info runs/first
    """
    from preact.training.information import about, lines

    found = about(run)
    if as_json:
        click.echo(json.dumps(found))
    else:
        for line in lines(found):
            click.echo(line)


COMMANDS = (train, identify, info)
