"""The validation loss, and the best adapter that waits in a file."""

from pathlib import Path

import pytest
import torch

from preact.dialogues.batches import Collator
from preact.training.processes import Processes
from preact.training.validation import Validation, best_loss, take_best, validation_loss
from tests.preact.training.test_trainer import EXAMPLES, trainer_for

COLLATOR = Collator(0, packed=False, trait_ids=True)


def test_the_loss_does_not_depend_on_the_batches(tmp_path: Path) -> None:
    model = trainer_for(tmp_path).model.train()
    small, large = (validation_loss(model, EXAMPLES, COLLATOR, size, Processes()) for size in (3, 16))
    assert small == pytest.approx(large, rel=1e-5)
    assert model.training


def test_each_epoch_is_validated_once_and_the_best_adapter_is_put_back(tmp_path: Path) -> None:
    trainer = trainer_for(tmp_path, learning_rate=0.5, epochs=4.0)
    best = tmp_path / "best.safetensors"
    assert best_loss(best) == float("inf")
    validation = Validation(trainer, EXAMPLES, best, {2})  # as if the first epoch had been validated before
    trainer.add_callback(validation)
    trainer.train()
    losses = {
        line["step"]: line["validation_loss"]
        for line in trainer.state.log_history
        if "validation_loss" in line
    }
    assert list(losses) == [4, 6, 8] and validation.seconds > 0
    assert best_loss(best) == min(losses.values())
    assert losses[take_best(best, trainer.model)] == min(losses.values())
    after = validation_loss(trainer.model, EXAMPLES, COLLATOR, 8, Processes())
    assert after == pytest.approx(min(losses.values()), rel=1e-6)


def test_a_run_killed_before_its_epoch_was_validated_catches_up(tmp_path: Path) -> None:
    trainer = trainer_for(tmp_path)
    trainer.state.global_step, trainer.state.max_steps = 2, 4
    validation = Validation(trainer, EXAMPLES, None, set())
    validation.on_train_begin(trainer.args, trainer.state, trainer.control)
    validation.on_train_begin(trainer.args, trainer.state, trainer.control)
    assert [set(line) >= {"validation_loss"} for line in trainer.state.log_history] == [True]
    assert torch.is_grad_enabled()
