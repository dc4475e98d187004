"""The objective inside Hugging Face's Trainer: the remaining pitfalls, by their numbers."""

import zipfile
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import TrainingArguments

from oceanchat.errors import TrainingError
from preact.config import TrainConfig
from preact.dialogues.batches import Example
from preact.dialogues.conversation import IGNORED
from preact.methods import MethodName
from preact.mixture.losses import personality_specialization, sequence_balance
from preact.training.adapters import adapt
from preact.training.objective import batch_loss
from preact.training.trainer import PreactTrainer, last_checkpoint, make_trainer
from tests.preact.conftest import micro_config, micro_llama

EXAMPLES = [Example([1, *range(3, 9 + n)], [IGNORED, IGNORED, *range(4, 9 + n)], n % 10) for n in range(16)]


def trainer_for(tmp_path: Path, method: MethodName = "preact", **recipe: Any) -> PreactTrainer:
    config: TrainConfig = micro_config(
        tmp_path, tmp_path, method, recipe={"packing": False, "dropout": 0.0, **recipe}
    )
    torch.manual_seed(3)
    model = adapt(micro_llama(), config)
    for name, parameter in model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter, std=0.1)
    return make_trainer(config, tmp_path / "checkpoints", model, EXAMPLES, 0, checkpoints=False)


def gradients_of_a_step(trainer: PreactTrainer, micro: int) -> dict[str, torch.Tensor]:
    """The gradients of one step of 16 dialogues, in micro-batches of this size, as Trainer would take it."""
    batches = [trainer.data_collator(EXAMPLES[at : at + micro]) for at in range(0, 16, micro)]
    items = sum((batch["labels"][:, 1:] != IGNORED).sum() for batch in batches)
    trainer.current_gradient_accumulation_steps = len(batches)
    for batch in batches:
        trainer.training_step(trainer.model, dict(batch), num_items_in_batch=items)
    return {n: p.grad.clone() for n, p in trainer.model.named_parameters() if p.grad is not None}


@pytest.mark.parametrize("micro", [4, 8])
def test_psl_counts_once_a_step_under_accumulation_10(tmp_path: Path, micro: int) -> None:
    whole = gradients_of_a_step(trainer_for(tmp_path, loss_weight=10.0), 16)
    parts = gradients_of_a_step(trainer_for(tmp_path, loss_weight=10.0), micro)
    for name in whole:
        assert torch.allclose(parts[name], whole[name], rtol=1e-4, atol=1e-7), name


@pytest.mark.parametrize("method", ["auxiliary", "preact"])
def test_training_does_not_depend_on_the_size_of_micro_batches(tmp_path: Path, method: MethodName) -> None:
    def trained(micro: int) -> dict[str, torch.Tensor]:
        recipe = {"micro_batch": micro, "loss_weight": 10.0, "learning_rate": 1e-3, "precision": "float32"}
        trainer = trainer_for(tmp_path, method, **recipe)
        trainer.train()
        return {n: p.detach() for n, p in trainer.model.named_parameters() if p.requires_grad}

    whole, parts = trained(8), trained(2)
    assert any("personality" in name for name in whole)
    for name in whole:
        assert torch.allclose(parts[name], whole[name], rtol=1e-4, atol=1e-6), name


@pytest.mark.parametrize(
    ("logs", "what"),
    [
        ({"loss": float("nan"), "grad_norm": 1.0}, "the loss is nan"),
        ({"loss": 1.0, "grad_norm": float("inf")}, "the gradient is inf"),
        ({"validation_loss": float("nan")}, "the validation loss is nan"),
    ],
)
def test_figures_that_are_no_numbers_end_training(tmp_path: Path, logs: dict[str, float], what: str) -> None:
    trainer = trainer_for(tmp_path)
    with pytest.raises(TrainingError, match=rf"{what}; train a new run with a lower --lr .* or --router-lr"):
        trainer.log(logs)
    assert not trainer.state.log_history


def test_weights_that_are_no_numbers_are_never_saved(tmp_path: Path) -> None:
    trainer = trainer_for(tmp_path)
    trainer.check_weights()
    parameter = next(p for p in trainer.model.parameters() if p.requires_grad)
    with torch.no_grad():
        parameter[0, 0] = float("nan")
    with pytest.raises(TrainingError, match="weights are no numbers"):
        trainer._save_checkpoint(trainer.model, None)
    assert last_checkpoint(tmp_path / "checkpoints") is None


def test_one_process_uses_one_gpu_however_many_it_sees(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(TrainingArguments, "n_gpu", property(lambda arguments: 2))
    assert trainer_for(tmp_path).args._n_gpu == 1


def test_trait_ids_survive_trainers_own_data_loader_2(tmp_path: Path) -> None:
    batch = next(iter(trainer_for(tmp_path).get_train_dataloader()))
    assert batch["trait_ids"].shape == (8,)


@pytest.mark.parametrize("method", ["preact", "auxiliary", "no-router"])
def test_the_loss_is_equation_6(tmp_path: Path, method: MethodName) -> None:
    trainer = trainer_for(tmp_path, method, loss_weight=0.5)
    batch = trainer.data_collator(EXAMPLES)
    trainer.current_gradient_accumulation_steps = 1
    with torch.no_grad():
        loss = float(trainer.compute_loss(trainer.model, dict(batch)))
        inputs = {k: batch[k] for k in ("input_ids", "attention_mask", "trait_ids")}
        weights = trainer.model.base_model.router_weights()
        on_experts = (
            sequence_balance(weights[batch["trait_ids"]])
            if method == "auxiliary"
            else personality_specialization(weights)
        )
        items = (batch["labels"][:, 1:] != IGNORED).sum()
        expected = batch_loss(trainer.model, inputs, batch["labels"]) / items + 0.5 * on_experts
    assert loss == pytest.approx(float(expected), rel=1e-5)


def test_the_router_has_its_own_rate_and_no_decay(tmp_path: Path) -> None:
    trainer = trainer_for(tmp_path, weight_decay=0.1, router_learning_rate=0.03, learning_rate=1e-3)
    experts, router = trainer.create_optimizer().param_groups
    assert (experts["lr"], experts["weight_decay"], router["lr"], router["weight_decay"]) == (
        1e-3,
        0.1,
        0.03,
        0.0,
    )
    assert len(router["params"]) == 2
    assert len(trainer_for(tmp_path, "no-router").create_optimizer().param_groups) == 1


def test_a_checkpoint_that_was_cut_short_or_damaged_is_passed_over(tmp_path: Path) -> None:
    assert last_checkpoint(tmp_path) is None
    trainer = trainer_for(tmp_path / "run")
    trainer.args.output_dir = str(tmp_path)
    for step in (5, 10):
        trainer.state.global_step = step
        trainer.create_optimizer_and_scheduler(20)
        trainer._save_checkpoint(trainer.model, None)
    newest, older = tmp_path / "checkpoint-10", tmp_path / "checkpoint-5"
    for name, length in (("optimizer.pt", -100), ("rng_state.pth", -9), ("adapter_model.safetensors", -8)):
        whole = (newest / name).read_bytes()
        (newest / name).write_bytes(whole[:length])
        assert last_checkpoint(tmp_path) == str(older)
        (newest / name).write_bytes(whole)
        assert last_checkpoint(tmp_path) == str(newest)
        assert last_checkpoint(tmp_path, before=10) == str(older)
    whole = (newest / "optimizer.pt").read_bytes()
    with zipfile.ZipFile(newest / "optimizer.pt") as archive:
        parts = sorted((archive.read(info) for info in archive.infolist()), key=len)
    for part in parts[-2:]:
        position = whole.index(part) + len(part) // 2  # padding between parts may be anything
        damaged = bytearray(whole)
        damaged[position] ^= 0xFF
        (newest / "optimizer.pt").write_bytes(damaged)
        assert last_checkpoint(tmp_path) == str(older)
    (newest / "optimizer.pt").write_bytes(whole)
    for name in ("optimizer.pt", "scheduler.pt", "rng_state.pth"):
        whole = (newest / name).read_bytes()
        for content in ({"a": 1}, [1, 2], Path):  # the last would have to be run to be read
            torch.save(content, newest / name)
            assert last_checkpoint(tmp_path) == str(older)
        (newest / name).write_bytes(whole)
        assert last_checkpoint(tmp_path) == str(newest)
    for state in ("{}", "[]", '{"global_step": "10"}', '{"global'):
        (newest / "trainer_state.json").write_text(state)
        assert last_checkpoint(tmp_path) == str(older)
    (older / "optimizer.pt").unlink()
    assert last_checkpoint(tmp_path) is None
