"""Hugging Face's Trainer with equation 6 as loss.

Two learning rates, losses that stay right under gradient accumulation and several processes, and each part of
the loss in the log. It knows nothing of releases or run folders.
"""

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from transformers import PrinterCallback, Trainer, TrainingArguments
from transformers.trainer_pt_utils import LengthGroupedSampler

from preact.backbones.packed_attention import use_packed_rows
from preact.config import Recipe, TrainConfig
from preact.dialogues.batches import Collator, Example
from preact.dialogues.conversation import IGNORED
from preact.methods import METHODS, Method
from preact.training.objective import batch_loss, expert_loss, loss_weight

ROUTER = "preact_router"


class PreactTrainer(Trainer):  # type: ignore[misc]
    """Trains an adapted model; the parts of the loss go into the log."""

    loss_is_scaled_for_ga = True

    def __init__(self, *args: Any, method: Method, recipe: Recipe, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.method = method
        self.recipe = recipe
        self.model_accepts_loss_kwargs = True
        self.optimizer: torch.optim.Optimizer | None
        self.parts: dict[str, float] = {}
        """Sums since the last log: the losses by step, and the tokens seen."""
        self.parts_since = 0
        self.last_losses: dict[str, float] = {}

    def compute_loss(
        self,
        model: nn.Module,
        inputs: dict[str, Tensor],
        return_outputs: bool = False,
        num_items_in_batch: Tensor | int | None = None,
    ) -> Any:
        """Equation 6 for a micro-batch, scaled so that the micro-batches of a step add up to its loss."""
        sequences = inputs.pop("sequence_trait_ids", None)
        labels = inputs.pop("labels")
        total = batch_loss(model, inputs, labels)
        items = num_items_in_batch if num_items_in_batch is not None else (labels[:, 1:] != IGNORED).sum()
        lm_loss = total / items
        # The expert weights are the same in every micro-batch: without this they would count once for each.
        on_experts = self._expert_loss(model, sequences) / self.current_gradient_accumulation_steps
        self._add_to_log(lm_loss, on_experts, inputs)
        loss = lm_loss + loss_weight(self.recipe, self.state.global_step) * on_experts
        if self.args.average_tokens_across_devices and num_items_in_batch is not None:
            # `items` counts all processes' tokens, and gradients are averaged over processes.
            loss = loss + lm_loss * (self.accelerator.num_processes - 1)
        return (loss, {}) if return_outputs else loss

    def _get_train_sampler(self, train_dataset: Any = None) -> Any:
        if not self.recipe.length_grouping:
            return super()._get_train_sampler(train_dataset)
        lengths = [len(example.ids) for example in self.train_dataset]
        generator = torch.Generator().manual_seed(self.args.data_seed)
        return LengthGroupedSampler(self.args.train_batch_size, lengths=lengths, generator=generator)

    def _expert_loss(self, model: nn.Module, sequences: Tensor | None) -> Tensor:
        tuner = self.accelerator.unwrap_model(model).base_model
        weights = getattr(tuner, "latest_weights", None)
        if weights is None or sequences is None:
            return torch.zeros((), device=self.args.device)
        tuner.latest_weights = None
        return expert_loss(weights, sequences, self.method, self.recipe)

    def _add_to_log(self, lm_loss: Tensor, on_experts: Tensor, inputs: dict[str, Tensor]) -> None:
        if not self.parts:
            self.parts_since = self.state.global_step  # not 0 where a run is resumed
        for name, value in (("lm_loss", lm_loss), ("expert_loss", on_experts)):
            self.parts[name] = self.parts.get(name, 0.0) + float(value.detach())
        self.parts["tokens"] = self.parts.get("tokens", 0.0) + inputs["input_ids"].numel()

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        """Add the parts of the loss, a step each, to what Trainer logs."""
        steps = self.state.global_step - self.parts_since
        if "loss" in logs and steps > 0:
            logs["lm_loss"] = self.parts.get("lm_loss", 0.0) / steps
            logs["expert_loss"] = self.parts.get("expert_loss", 0.0) / steps
            logs["tokens"] = self.parts.get("tokens", 0.0)
            if self.optimizer is not None and len(self.optimizer.param_groups) > 1:
                logs["router_learning_rate"] = self.optimizer.param_groups[1]["lr"]
            self.parts = {}
            self.last_losses = {name: logs[name] for name in ("loss", "lm_loss", "expert_loss")}
        super().log(logs, start_time)

    def create_optimizer(self, model: nn.Module | None = None) -> torch.optim.Optimizer:
        """One group for the experts and one, with its own learning rate and no decay, for the router."""
        if self.optimizer is None:
            cls, options = self.get_optimizer_cls_and_kwargs(self.args, self.model)
            named = [(name, p) for name, p in self.model.named_parameters() if p.requires_grad]
            experts = [p for name, p in named if ROUTER not in name]
            router = [p for name, p in named if ROUTER in name]
            groups: list[dict[str, Any]] = [{"params": experts, "weight_decay": self.args.weight_decay}]
            if router:
                groups.append({"params": router, "lr": self.recipe.router_learning_rate, "weight_decay": 0.0})
            self.optimizer = cls(groups, **options)
        optimizer: torch.optim.Optimizer = self.optimizer
        return optimizer


def make_trainer(
    config: TrainConfig,
    folder: Path,
    model: Any,
    examples: Sequence[Example],
    pad_id: int,
    *,
    checkpoints: bool = True,
) -> PreactTrainer:
    """A trainer for this adapted model; with `checkpoints` it leaves some in `folder` for a resume."""
    recipe, method = config.recipe, METHODS[config.method]
    shares = use_packed_rows(model.get_base_model(), recipe.packing)
    trainer = PreactTrainer(
        model=model,
        args=_arguments(config, folder, len(examples), checkpoints),
        train_dataset=list(examples),
        data_collator=Collator(
            pad_id, packed=recipe.packing, trait_ids=method.has_experts, share_prefix=shares
        ),
        method=method,
        recipe=recipe,
    )
    trainer.remove_callback(PrinterCallback)
    return trainer


def _arguments(config: TrainConfig, folder: Path, dialogues: int, checkpoints: bool) -> TrainingArguments:
    recipe = config.recipe
    steps = config.max_steps or math.ceil(dialogues / recipe.batch_size) * recipe.epochs
    return TrainingArguments(
        output_dir=str(folder),
        per_device_train_batch_size=recipe.micro_batch,
        gradient_accumulation_steps=recipe.batch_size // recipe.micro_batch,
        num_train_epochs=recipe.epochs,
        max_steps=config.max_steps or -1,
        learning_rate=recipe.learning_rate,
        lr_scheduler_type=recipe.schedule,
        warmup_steps=math.ceil(recipe.warmup * steps),
        weight_decay=recipe.weight_decay,
        max_grad_norm=recipe.max_grad_norm,
        optim="adamw_torch_fused" if recipe.optimiser == "adamw" else "adamw_bnb_8bit",
        activation_checkpointing=recipe.gradient_checkpointing,
        bf16=recipe.precision in ("mixed", "bfloat16"),
        use_cpu=not torch.accelerator.is_available(),
        seed=config.seed,
        data_seed=config.seed,
        save_strategy="steps" if checkpoints else "no",
        save_steps=config.save_steps,
        save_total_limit=2,
        logging_steps=1,
        logging_nan_inf_filter=False,
        report_to="none",
        remove_unused_columns=False,
        dataloader_pin_memory=torch.cuda.is_available(),
        disable_tqdm=True,
        log_level="error",
    )


def last_checkpoint(folder: Path) -> str | None:
    """The newest complete checkpoint; one that a crash cut short has no readable trainer_state.json."""
    by_step = {}
    for path in folder.glob("checkpoint-*"):
        try:
            json.loads((path / "trainer_state.json").read_text(encoding="utf-8"))
            by_step[int(path.name.rpartition("-")[2])] = path
        except (OSError, ValueError):
            continue
    return str(by_step[max(by_step)]) if by_step else None
