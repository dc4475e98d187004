"""Train one adapter into a run folder.

From a checkpoint where wanted, with progress, trackers and validation. Memory that runs out becomes one line
that says what to lower. It knows nothing of releases or of how adapters are made.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import torch
from safetensors import SafetensorError

from oceanchat.errors import TrainingError
from preact.config import TrainConfig
from preact.training.metrics import METRICS, read_metrics
from preact.training.processes import Processes
from preact.training.progress import OnStep, TrainingProgress, open_trackers
from preact.training.runs import CHECKPOINTS, TRACKED, adapter_folder
from preact.training.stages import DEFAULT, AdapterData
from preact.training.trainer import PreactTrainer, last_checkpoint, make_trainer
from preact.training.validation import Validation, best_loss, take_best

_TORCH_CANNOT_WRITE = ("PytorchStreamWriter", "file write failed", "unexpected pos")
"""What torch's own writer says when the disk is full."""


@dataclass(frozen=True)
class Session:
    """Where a run is written, by whom, and who is told of it."""

    folder: Path
    processes: Processes
    say: Callable[[str], None]
    on_step: OnStep
    resume: bool = False
    """Whether it goes on from its last checkpoint."""
    dry: bool = False
    """Whether it ends before its first step."""
    tiny_steps: int = 0
    """Of a dry run, the steps that the tiny backbone's pre-training would take."""
    tiny_seconds: list[float] = field(default_factory=list)
    """And how long they would take, once that is known."""


class Trained(NamedTuple):
    """What training one adapter came to."""

    name: str
    parameters: int
    steps: int
    seconds: float
    """Wall-clock of the steps, validation aside."""
    final: dict[str, float]
    """The last losses; of the validation split, that of the adapter that was kept."""
    step: int
    """The step after which the adapter was taken."""


def train_adapter(
    session: Session, config: TrainConfig, stage: AdapterData, model: Any, pad_id: int
) -> Trained:
    """Train the adapted model on the stage's examples and save its adapter.

    Raises TrainingError as `run` does, and for a loss that is no number.
    """
    folder, name, processes = session.folder, stage.name, session.processes
    checkpoints = folder / CHECKPOINTS / name
    trainer = make_trainer(config, checkpoints, model, stage.training, pad_id, processes=processes)
    label = "" if name == DEFAULT else name
    trainer.add_callback(TrainingProgress(folder, session.say, session.on_step, stage=label))
    for tracker in open_trackers(config.trackers, folder / TRACKED / name):
        trainer.add_callback(tracker)
    best = folder / CHECKPOINTS / f"best-{name}.safetensors" if config.recipe.keep == "best" else None
    validation = _validation(session, trainer, stage, label, best)
    began = time.monotonic()
    run(trainer, resume=session.resume)
    seconds = time.monotonic() - began - (validation.seconds if validation else 0.0)
    trainer.check_weights()
    processes.wait()  # the best adapter is written by the main process
    step = take_best(best, model) if best is not None else trainer.state.global_step
    if processes.main:
        target = adapter_folder(folder, name)
        with _files_in_one_line(target):
            model.save_pretrained(target)
            (target / "README.md").unlink()  # peft's form, with nothing filled in
    final = processes.once(lambda: _last_losses(folder, label))
    if best is not None:
        final["validation_loss"] = best_loss(best)
    parameters = sum(p.numel() for p in model.parameters() if p.requires_grad)
    return Trained(name, parameters, trainer.state.global_step, seconds, final, step)


def _validation(
    session: Session, trainer: PreactTrainer, stage: AdapterData, label: str, best: Path | None
) -> Validation | None:
    if not stage.validation:
        return None
    start = last_checkpoint(Path(trainer.args.output_dir)) if session.resume else None
    step = int(start.rpartition("-")[2]) if start else 0

    def logged() -> set[int]:
        lines = _lines(session.folder, label)
        return {line["step"] for line in lines if "validation_loss" in line and line["step"] <= step}

    validation = Validation(trainer, stage.validation, best, session.processes.once(logged))
    trainer.add_callback(validation)
    return validation


def run(trainer: PreactTrainer, *, resume: bool = False) -> None:
    """Train, from the last complete checkpoint when resuming.

    Raises TrainingError without memory or room, and for a checkpoint of another adapter.
    """
    folder = Path(trainer.args.output_dir)
    start = last_checkpoint(folder) if resume else None
    with _files_in_one_line(folder), memory_in_one_line():
        trainer.train(resume_from_checkpoint=start)


@contextmanager
def _files_in_one_line(folder: Path) -> Iterator[None]:
    """Raise TrainingError where a folder of weights cannot be read or written, or holds another's."""
    try:
        yield
    except (OSError, SafetensorError) as error:
        raise _unusable(folder, error) from error
    except RuntimeError as error:
        if any(sign in str(error) for sign in _TORCH_CANNOT_WRITE):
            raise _unusable(folder, error) from error
        if "size mismatch" in str(error):
            raise TrainingError(
                f"a checkpoint in '{folder}' is not of this run; remove it, and continue with --resume"
            ) from error
        raise


@contextmanager
def memory_in_one_line() -> Iterator[None]:
    """Raise TrainingError where memory runs out, with what to lower."""
    try:
        yield
    except (torch.OutOfMemoryError, MemoryError) as error:
        raise _out_of_memory() from error
    except RuntimeError as error:
        if "alloc" in str(error) and "memory" in str(error):
            raise _out_of_memory() from error
        raise


def _lines(folder: Path, label: str) -> list[dict[str, Any]]:
    return [line for line in read_metrics(folder / METRICS) if line.get("stage", "") == label]


def _last_losses(folder: Path, label: str) -> dict[str, float]:
    """The last figure of each loss, from the metrics: a resumed run may have no step left to take."""
    names = ("loss", "lm_loss", "expert_loss", "validation_loss")
    return {name: line[name] for line in _lines(folder, label) for name in names if name in line}


def _unusable(folder: Path, error: Exception) -> TrainingError:
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error).splitlines()[0]
    return TrainingError(
        f"folder '{folder}' cannot be read or written ({reason}); make room or mend it, and run the command"
        " again, with --resume where the run folder is still there"
    )


def _out_of_memory() -> TrainingError:
    return TrainingError(
        "there is not enough memory; lower --micro-batch (the batch size stays), add"
        " --gradient-checkpointing, lower --rank, or quantize the backbone with --quantize 4bit"
    )
