"""Train runs from Python."""

from pathlib import Path
from typing import Any

from oceanchat.notebook.arguments import in_python_words, read_options
from preact.cli.training import train as train_command
from preact.cli.training import train_config
from preact.notebook.bars import TrainingBars
from preact.notebook.loading import LoadedRun, load
from preact.training.train import train as train_run

NOT_OPTIONS = ("output", "like", "resume", "dry_run")
"""Options of the command that are arguments of their own here, or none."""


@in_python_words(train_command)
def train(
    release: str | Path | None,
    output: str | Path,
    *,
    method: str | None = None,
    backbone: str | Path | None = None,
    like: str | Path | None = None,
    resume: bool = False,
    progress: bool = True,
    **options: Any,
) -> LoadedRun:
    """Train a run on a release, as `preact train` does, and return it loaded.

    `release` is a folder or a Hub dataset id, and may be None with `like` or `resume`; `output` is the new
    run folder. `options` are the other options of the command, with underscores: `epochs`, `seed`,
    `learning_rate`, `quantize` and so on. Notes go to stderr, steps to a bar. Raises OceanChatError; an
    interrupted run goes on with `resume`.
    """
    command_options = [str(option.name) for option in train_command.params if option.name not in NOT_OPTIONS]
    given = dict.fromkeys(command_options) | read_options(train_command, options, NOT_OPTIONS)
    named = {"release": release, "method": method, "backbone": backbone}
    given |= {name: None if value is None else str(value) for name, value in named.items()}
    config = train_config(Path(output), given, like=None if like is None else Path(like), resume=resume)
    with TrainingBars(progress) as bars:
        train_run(config, bars.note, resume=resume, on_step=bars.step)
    return load(output, threads=config.threads)
