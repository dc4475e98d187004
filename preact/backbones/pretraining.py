"""Pre-train a small model on tokens.

Next-token training on random windows, the last ones longer, by AdamW with a warm-up and a cosine down to a
tenth. It goes on from its last checkpoint to the very weights it would have had. Tokenizers and the model's
shape are not known here.
"""

import hashlib
import io
import math
import pickle
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

from oceanchat.whole_files import whole_file
from preact.config import TinyShape

LONGER = 4
"""How many times longer the rows of the last steps are."""
BETWEEN_CHECKPOINTS = 10.0
"""Seconds."""
_UNREADABLE = (OSError, RuntimeError, ValueError, KeyError, EOFError, pickle.UnpicklingError)


class Checkpoint(NamedTuple):
    """Where a pre-training goes on after it was stopped, and how often that is written."""

    file: Path
    seconds: float = BETWEEN_CHECKPOINTS
    """Between two of them, at least."""


class _Training(NamedTuple):
    """All that changes from step to step."""

    model: Any
    optimizer: torch.optim.Optimizer
    schedule: torch.optim.lr_scheduler.LambdaLR
    windows: torch.Generator

    def state(self, key: str, step: int) -> dict[str, Any]:
        """What `go_on` takes, as one file."""
        parts = {"model": self.model, "optimizer": self.optimizer, "schedule": self.schedule}
        states = {name: part.state_dict() for name, part in parts.items()}
        return states | {"windows": self.windows.get_state(), "key": key, "step": step}

    def go_on(self, state: dict[str, Any]) -> int:
        """Be as it was after the step that is returned."""
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.schedule.load_state_dict(state["schedule"])
        self.windows.set_state(state["windows"])
        return int(state["step"])


def pretrain(
    model: Any,
    stream: Tensor,
    shape: TinyShape,
    seed: int,
    progress: Callable[[int, int, float], None],
    *,
    mixed: bool = False,
    checkpoint: Checkpoint | None = None,
) -> None:
    """Train `model` on `stream`, token ids (tokens,), for `shape.steps` steps; it ends in evaluation mode.

    `progress` gets the step, the number of steps and the loss (nats per token). With `mixed` products are
    made in bfloat16. A `checkpoint` of other tokens, settings or seed is passed over. Raises OSError where it
    cannot be written.
    """
    training = _begin(model, shape, seed)
    key, done = _key(stream, shape, seed, mixed), 0
    if checkpoint and (state := _read(checkpoint.file, key)):
        done = training.go_on(state)
    written = time.monotonic()
    model.train()
    for step in range(done + 1, shape.steps + 1):
        loss = _step(training, stream, shape, step, mixed)
        if checkpoint and step < shape.steps and time.monotonic() - written >= checkpoint.seconds:
            _write(checkpoint.file, training.state(key, step))
            written = time.monotonic()
        progress(step, shape.steps, loss)
    model.eval()


def saved_step(file: Path) -> int:
    """The step after which a checkpoint was written; 0 where there is none that can be read."""
    try:
        state: dict[str, Any] = torch.load(file, map_location="cpu", weights_only=True, mmap=True)
        return int(state["step"])
    except _UNREADABLE:
        return 0


def _begin(model: Any, shape: TinyShape, seed: int) -> _Training:
    optimizer = torch.optim.AdamW(
        model.parameters(),
        lr=shape.learning_rate,
        weight_decay=shape.weight_decay,
        betas=(0.9, 0.95),
        fused=True,
    )
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: _rate(step, shape.steps))
    return _Training(model, optimizer, schedule, torch.Generator().manual_seed(seed))


def _step(training: _Training, stream: Tensor, shape: TinyShape, step: int, mixed: bool) -> float:
    """Take one step; its loss."""
    longer = LONGER if step > shape.steps * (1 - shape.long_share) else 1
    batch, width = max(1, shape.batch // longer), shape.width * longer
    starts = torch.randint(0, len(stream) - width, (batch,), generator=training.windows)
    rows = torch.stack([stream[start : start + width] for start in starts.tolist()])
    # A scope a step: autocast keeps what it has cast, also of weights that have changed since.
    with torch.autocast("cpu", torch.bfloat16, enabled=mixed):
        loss = training.model(input_ids=rows, labels=rows).loss
    loss.backward()
    torch.nn.utils.clip_grad_norm_(training.model.parameters(), 1.0)
    training.optimizer.step()
    training.schedule.step()
    training.optimizer.zero_grad(set_to_none=True)
    return float(loss.detach())


def _rate(step: int, steps: int) -> float:
    warm_up = max(1, min(50, steps // 10))
    return min(1.0, (step + 1) / warm_up) * (0.1 + 0.45 * (1 + math.cos(math.pi * step / steps)))


def _key(stream: Tensor, shape: TinyShape, seed: int, mixed: bool) -> str:
    """What a pre-training is of: a checkpoint of another one is of no use."""
    digest = hashlib.sha256(stream.numpy().tobytes())
    digest.update(f"{shape.model_dump_json()} {seed} {mixed}".encode())
    return digest.hexdigest()


def _write(file: Path, state: dict[str, Any]) -> None:
    content = io.BytesIO()  # torch says of a full disk what nobody can act on
    torch.save(state, content)
    with whole_file(file) as target:
        target.write(content.getbuffer())


def _read(file: Path, key: str) -> dict[str, Any] | None:
    """The state in a checkpoint; None where there is none of this pre-training that can be read."""
    try:
        state: dict[str, Any] = torch.load(file, map_location="cpu", weights_only=True)
        return state if state["key"] == key else None
    except _UNREADABLE:
        return None
