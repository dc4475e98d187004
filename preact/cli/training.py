"""Commands that train and describe runs.

They are `train` and `info`.
"""

import os
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from oceanchat.cli.display.json_output import print_json
from oceanchat.cli.display.notes import print_note, print_sentence
from oceanchat.cli.options import json_option
from oceanchat.cli.project_file import say_used_options
from oceanchat.counting import counted
from oceanchat.errors import ConfigError
from oceanchat.suggestions import did_you_mean
from oceanchat.termination import exit_code
from preact.cli.launchers import check_launcher
from preact.cli.training_options import FOLDER, SectionedCommand, recipe_options, run_options
from preact.config import (
    TINY,
    Recipe,
    TinyShape,
    TrainConfig,
    config_like,
    make_config,
    settings_given,
)

if TYPE_CHECKING:
    from preact.training.runs import RunRecord

FREE_ON_RESUME = ("release", "fsdp", "micro_batch", "threads")
"""What `--resume` may be given beside the folder: where the data lies now, and how the machine is used."""


def say(line: str) -> None:
    """Progress and notes go to stderr; stdout is for results."""
    print_note(line)


@click.command(cls=SectionedCommand)
@click.argument("release", required=False)
@run_options
@recipe_options
@json_option
def train(output: Path, resume: bool, dry_run: bool, like: Path | None, as_json: bool, **given: Any) -> None:
    """Train a run on RELEASE, a folder that `oceanchat release` wrote or a Hub dataset id.

    \b
    Example:  preact train releases/ocean-chat-0.1.0-scripted --output runs/first
              preact train --like runs/first --seed 2 --output runs/second
    """
    check_launcher(os.environ)
    say_used_options()
    if resume and dry_run:
        raise ConfigError("--dry-run does not combine with --resume; leave one of them out")
    config = train_config(output, given, like=like, resume=resume)
    from preact.training.interruption import stopped_line
    from preact.training.processes import FailedElsewhere, join, leave
    from preact.training.train import train as train_run

    try:
        record = train_run(config, say, resume=resume, dry=dry_run)
    except FailedElsewhere:
        click.get_current_context().exit(1)
    except KeyboardInterrupt as stop:
        print_note(f"preact: {stopped_line(output)}")
        click.get_current_context().exit(exit_code(stop))
    main = join().main
    leave()
    if not main:
        return
    if as_json:
        return print_json(_outcome(record, output, dry_run))
    if dry_run:
        print_sentence(f"dry run: nothing was trained and '{output}' was not written")
        return
    print_sentence(
        f"run {output}: {counted(record.steps, 'step')} in {record.seconds:.0f} s,"
        f" {record.trained_parameters:,} trained parameters,"
        f" loss {record.final.get('lm_loss', float('nan')):.4f} nats per token"
    )
    run = shlex.quote(str(output))
    print_note(f"Next: `preact identify {run}` on held-out dialogues, or `preact chat {run} O+`.")


def _outcome(record: "RunRecord", output: Path, dry: bool) -> dict[str, Any]:
    """What a script reads of a training; of a dry run, what would be trained on."""
    facts = {"run": output, "method": record.config.method, "dialogues": record.release.dialogues}
    facts["backbone_parameters"] = record.backbone_parameters
    if dry:
        estimate = record.estimate.model_dump() if record.estimate else None
        return facts | {"state": "not trained", "estimate": estimate}
    after = ("state", "steps", "seconds", "trained_parameters", "final", "kept_steps")
    return facts | {name: getattr(record, name) for name in after}


def train_config(output: Path, given: dict[str, Any], *, like: Path | None, resume: bool) -> TrainConfig:
    """The config of the run in `output` by what was given; what is None was not.

    Raises ConfigError for options that contradict each other, and TrainingError for a run that is none.
    """
    if resume and like:
        raise ConfigError("--resume continues --output with its own settings; leave --like out")
    if resume:
        return _resumed(output, given)
    return _like(output, like, given) if like else _config(output, given)


def _resumed(output: Path, given: dict[str, Any]) -> TrainConfig:
    """The config of the run in `output`, which alone decides what is trained."""
    from preact.training.runs import read_record

    before = read_record(output).config
    # What the run chose by itself when it began stays chosen.
    chosen = {name: None if value == "auto" else value for name, value in given.items()}
    # The output is where the run lies now: it may have been moved or copied since it began.
    config = _changed(before, output, chosen)
    free = {name: getattr(config, name) for name in FREE_ON_RESUME if name in TrainConfig.model_fields}
    recipe = {name: getattr(config.recipe, name) for name in FREE_ON_RESUME if name in Recipe.model_fields}
    same = before.model_copy(update=free | {"recipe": before.recipe.model_copy(update=recipe)})
    if changes := settings_given(same, config):
        raise ConfigError(
            f"'{output}' did not begin with {', '.join(changes)}, and --resume goes on with what it began"
            f" with; leave that out, or train a new run with --like {shlex.quote(str(output))}"
        )
    _say_changes(f"resuming '{output}'", before, config)
    return config


def _like(output: Path, like: Path, given: dict[str, Any]) -> TrainConfig:
    """The config of another run, changed where a flag is given."""
    from preact.training.runs import read_record

    before = read_record(like).config
    config = _changed(before, output, given)
    _say_changes(f"like '{like}'", before, config)
    return config


def _changed(before: TrainConfig, output: Path, given: dict[str, Any]) -> TrainConfig:
    steps = given.pop("pretrain_steps", None)
    if (backbone := given.get("backbone") or before.backbone) != TINY:
        _refuse_pretraining(backbone, given, steps)
    elif steps:
        given["tiny"] = before.tiny.model_copy(update={"steps": steps})
    return config_like(before, recipe=_take_recipe(given), output=str(output), **given)


def _say_changes(what: str, before: TrainConfig, config: TrainConfig) -> None:
    changes = settings_given(before, config)
    say(f"{what}{', but ' + ', '.join(changes) if changes else ''}")


def _take_recipe(given: dict[str, Any]) -> dict[str, Any]:
    return {name: given.pop(name, None) for name in Recipe.model_fields}


def _refuse_pretraining(backbone: str, given: dict[str, Any], steps: int | None) -> None:
    if given.get("pretrain_texts") or steps:
        raise ConfigError(
            f"--pretrain-text and --pretrain-steps are for the tiny backbone, not for '{backbone}';"
            f" {did_you_mean(backbone, (TINY,), 'leave them out, or --backbone')}"
        )


def _config(output: Path, given: dict[str, Any]) -> TrainConfig:
    if not given["release"]:
        raise ConfigError("no release is named; write: preact train RELEASE --output DIR")
    backbone, steps = given.pop("backbone") or TINY, given.pop("pretrain_steps")
    if backbone != TINY:
        _refuse_pretraining(backbone, given, steps)
    recipe = _take_recipe(given)
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
        print_json(facts)
    else:
        for line in lines(facts):
            print_sentence(line, indent=len("backbone     "))
