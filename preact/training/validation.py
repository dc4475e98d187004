"""The loss on dialogues kept from training.

Taken after each epoch and at the end. Where the best epoch is to be kept, its adapter waits in a file until
training ends. It knows nothing of releases.
"""

import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor
from transformers import TrainerCallback

from preact.dialogues.batches import Collator, Example, by_length, on_device
from preact.dialogues.conversation import IGNORED
from preact.training.objective import batch_loss
from preact.training.processes import Processes
from preact.training.trainer import PreactTrainer


def validation_loss(
    model: Any, examples: Sequence[Example], collator: Collator, size: int, processes: Processes
) -> float:
    """The mean loss in nats per labeled token over all examples, each under its own trait-level.

    The processes share the batches of `size` dialogues and get the same figure.
    """
    ordered = by_length(examples)
    batches = [ordered[start : start + size] for start in range(0, len(ordered), size)]
    own = batches[processes.number :: processes.size]
    sums = torch.zeros(2, dtype=torch.float64, device=model.device)
    was_training = model.training
    model.eval()
    for module in model.modules():
        # Out of training, bitsandbytes packs these on a CPU for good, in a way that knows no gradients.
        if type(module).__name__ == "Linear4bit":
            module.train()
    # Not inference_mode, whose tensors a sharded backbone could not use in the next step.
    with torch.no_grad():
        for batch in own:
            sums += _sums(model, collator(batch))
        if len(own) < len(batches[:: processes.size]):
            _sums(model, collator(batches[0]))  # a sharded backbone is at work in all processes or in none
    model.train(was_training)
    total, tokens = processes.total(sums)
    return float(total / tokens)


def _sums(model: Any, batch: dict[str, Any]) -> Tensor:
    batch = on_device(batch, model.device)
    batch.pop("sequence_trait_ids")
    labels = batch.pop("labels")
    tokens = (labels[:, 1:] != IGNORED).sum()
    return torch.stack([batch_loss(model, batch, labels).double(), tokens.double()])


class Validation(TrainerCallback):  # type: ignore[misc]
    """Logs the loss on `examples` after each epoch, and remembers the best adapter if it is wanted."""

    def __init__(
        self, trainer: PreactTrainer, examples: Sequence[Example], best: Path | None, logged: set[int]
    ) -> None:
        self.trainer = trainer
        self.examples = examples
        self.best = best
        """The file of the best adapter so far; None where the last one is kept."""
        self.logged = logged
        """The steps after which a run that is resumed had validated."""
        self.seconds = 0.0

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """A run killed between the last step of an epoch and its validation catches up."""
        ended = state.global_step % self.trainer.steps.per_epoch == 0 or state.global_step >= state.max_steps
        if state.global_step and ended:
            self._validate(state.global_step)

    def on_epoch_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Validate; also where the last epoch ends early."""
        self._validate(state.global_step)

    def _validate(self, step: int) -> None:
        if step in self.logged:
            return
        self.logged.add(step)
        began = time.monotonic()
        trainer = self.trainer
        size, processes = trainer.steps.micro_batch, trainer.processes
        loss = validation_loss(trainer.model, self.examples, trainer.data_collator, size, processes)
        if self.best is not None and processes.main and loss < best_loss(self.best):
            _save(self.best, trainer.model, step, loss)
        self.seconds += time.monotonic() - began
        trainer.log({"validation_loss": loss})


def best_loss(file: Path) -> float:
    """The validation loss of the adapter in a file of the best; infinity where there is none yet."""
    return float(_about(file).get("loss", "inf"))


def take_best(file: Path, model: Any) -> int:
    """Put the best adapter back into the model, and return the step it was taken after."""
    tensors = load_file(file)
    with torch.no_grad():
        for name, parameter in _trained(model).items():
            parameter.copy_(tensors[name])
    return int(_about(file)["step"])


def _about(file: Path) -> dict[str, str]:
    if not file.is_file():
        return {}
    with safe_open(file, framework="pt") as opened:
        facts: dict[str, str] = opened.metadata()
    return facts


def _save(file: Path, model: Any, step: int, loss: float) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_suffix(".new")
    tensors = {name: parameter.detach().cpu().contiguous() for name, parameter in _trained(model).items()}
    save_file(tensors, draft, metadata={"step": str(step), "loss": repr(loss)})
    os.replace(draft, file)


def _trained(model: Any) -> dict[str, Tensor]:
    return {name: parameter for name, parameter in model.named_parameters() if parameter.requires_grad}
