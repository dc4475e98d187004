"""The lines of a run's metrics file and of the terminal, and trackers by name."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from oceanchat.errors import TrainingError
from preact.training.metrics import METRICS, read_metrics
from preact.training.progress import StepTaken, TrainingProgress, open_trackers


def state(step: int) -> Any:
    return SimpleNamespace(global_step=step, max_steps=4, is_world_process_zero=True)


def log(progress: TrainingProgress, *steps: int) -> None:
    for step in steps:
        progress.on_log(None, state(step), None, {"loss": 2.0, "lm_loss": 1.5, "tokens": 100.0})


def test_each_log_is_a_line_here_and_there(tmp_path: Path) -> None:
    taken: list[StepTaken] = []
    progress = TrainingProgress(tmp_path, lambda line: None, taken.append, stage="O+")
    progress.on_train_begin(None, state(0), None)
    log(progress, 1, 2)
    progress.on_log(None, state(2), None, {"train_runtime": 1.0})
    assert [(m["stage"], m["step"], m["loss"]) for m in read_metrics(tmp_path / METRICS)] == [
        ("O+", 1, 2.0),
        ("O+", 2, 2.0),
    ]
    assert [step[:3] for step in taken] == [("O+", 1, 4), ("O+", 2, 4)]
    assert taken[1].line.startswith("O+  step 2/4  loss 2.0000  LM 1.5000")


def test_steps_taken_again_after_a_resume_are_written_once(tmp_path: Path) -> None:
    for begin, steps in ((0, (1, 2, 3)), (2, (3, 4))):
        progress = TrainingProgress(tmp_path, lambda line: None, lambda step: None)
        progress.on_train_begin(None, state(begin), None)
        log(progress, *steps)
    assert [line["step"] for line in read_metrics(tmp_path / METRICS)] == [1, 2, 3, 4]


@pytest.mark.parametrize(
    ("name", "message"), [("foo", "'foo' is not known; write one of"), ("wandb", "pip install wandb")]
)
def test_trackers_that_cannot_be_used_are_named(name: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=message):
        open_trackers(("tensorboard", name), tmp_path)
