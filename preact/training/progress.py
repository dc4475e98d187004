"""What a run reports while it trains.

A line on stderr, a line in metrics.jsonl, and trackers. Trackers are those that Trainer knows, such as
tensorboard or wandb, opened by name. What is trained is not known here.
"""

import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from transformers import TrainerCallback
from transformers.integrations.integration_utils import INTEGRATION_TO_CALLBACK

from oceanchat.errors import TrainingError
from preact.training.metrics import METRICS, read_metrics

_LOGGED = (
    "loss",
    "lm_loss",
    "expert_loss",
    "grad_norm",
    "learning_rate",
    "router_learning_rate",
    "validation_loss",
    "epoch",
)


class StepTaken(NamedTuple):
    """How far a part of a training is."""

    part: str
    """What is being trained: 'backbone', 'adapter', or the trait-level of one of ten adapters."""
    step: int
    steps: int
    line: str
    """The step as a line for people."""


OnStep = Callable[[StepTaken], None]


class TrainingProgress(TrainerCallback):  # type: ignore[misc]
    """Writes the figures of each log; after a resume it continues where the checkpoint stood."""

    def __init__(self, folder: Path, say: Callable[[str], None], on_step: OnStep, *, stage: str = "") -> None:
        self.path = folder / METRICS
        self.say = say
        self.on_step = on_step
        self.stage = stage
        """The adapter being trained, where a run trains several."""
        self.began = time.monotonic()
        self.first_step = 0
        self.last = self.began

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Drop the lines of steps that will be taken again."""
        self.began = self.last = time.monotonic()
        self.first_step = state.global_step
        if state.is_world_process_zero:
            lines = [ln for ln in read_metrics(self.path) if not self._is_repeated(ln, state.global_step)]
            self.path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")

    def _is_repeated(self, line: dict[str, Any], step: int) -> bool:
        return bool(line.get("stage", "") == self.stage and line["step"] > step)

    def on_log(
        self, args: Any, state: Any, control: Any, logs: dict[str, Any] | None = None, **kwargs: Any
    ) -> None:
        """Append one line, and print it."""
        if not logs or not {"loss", "validation_loss"} & logs.keys() or not state.is_world_process_zero:
            return
        now = time.monotonic()
        line: dict[str, Any] = {"stage": self.stage} if self.stage else {}
        line.update(step=state.global_step, **{name: logs[name] for name in _LOGGED if name in logs})
        if "loss" in logs:
            tokens_per_second = logs.get("tokens", 0.0) / max(now - self.last, 1e-9)
            line.update(tokens_per_second=round(tokens_per_second, 1), seconds=round(now - self.began, 3))
            taken = self._sentence(line, state.max_steps)
            self.on_step(StepTaken(self.stage or "adapter", line["step"], state.max_steps, taken))
        else:
            self.say(self._of_validation(line))
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
        self.last = time.monotonic()

    def _of_validation(self, line: dict[str, Any]) -> str:
        name = f"{self.stage}  " if self.stage else ""
        return (
            f"{name}epoch {round(line.get('epoch', 0), 2):g}: validation loss {line['validation_loss']:.4f}"
        )

    def _sentence(self, line: dict[str, Any], steps: int) -> str:
        done = line["step"] - self.first_step
        left = line["seconds"] / max(done, 1) * (steps - line["step"])
        name = f"{self.stage}  " if self.stage else ""
        return (
            f"{name}step {line['step']}/{steps}  loss {line['loss']:.4f}  LM {line.get('lm_loss', 0.0):.4f}"
            f"  PSL {line.get('expert_loss', 0.0):.4f}"
            f"  {line['tokens_per_second']:,.0f} tok/s  {clock(left)} left"
        )


def open_trackers(names: Sequence[str], folder: Path) -> list[Any]:
    """A Trainer callback for each name; those that write files write them to `folder`, once training begins.

    Raises TrainingError for a tracker that is not known or not installed.
    """
    trackers = []
    for name in names:
        if name not in INTEGRATION_TO_CALLBACK:
            known = ", ".join(sorted(INTEGRATION_TO_CALLBACK))
            raise TrainingError(f"tracker '{name}' is not known; write one of {known}")
        try:
            tracker = INTEGRATION_TO_CALLBACK[name]()
        except (RuntimeError, ImportError, AssertionError):
            raise TrainingError(
                f"tracker '{name}' is not installed; pip install {name}, or leave --tracker {name} out"
            ) from None
        # Left alone it would write beside the checkpoints, which go when the run is finished.
        if name == "tensorboard" and tracker.logging_dir is None:
            tracker.logging_dir = str(folder)
        trackers.append(tracker)
    return trackers


def clock(seconds: float) -> str:
    """A duration in words: '41s', '3m05s'."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}m{rest:02d}s" if minutes else f"{rest}s"
