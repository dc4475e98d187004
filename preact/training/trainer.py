"""Trainer with P-React's objective: the language-modelling loss plus lambda times a loss on the expert
weights.

Two learning rates, losses that stay right under gradient accumulation and several processes, and what each
part of the loss was. It knows nothing of releases or run folders.
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
from preact.config import GATED, Method, Recipe, TrainConfig
from preact.dialogues.batches import Collator, Example, on_device
from preact.dialogues.conversation import IGNORED
from preact.mixture.losses import entropy_shortfall, personality_specialization, sequence_balance
from preact.mixture.router import select

ROUTER = "preact_router"


def token_losses(model: Any, inputs: dict[str, Any], labels: Tensor) -> tuple[Tensor, Tensor]:
    """The loss in nats of each labelled token of a batch, and the dialogue it belongs to: (n,) and (n,).

    Padded rows hold a dialogue each. A packed row is one sequence, so its logits are made at the labelled
    tokens alone.
    """
    wanted = labels[:, 1:] != IGNORED
    if "cu_seq_lens_q" in inputs:
        before = wanted[0].nonzero().squeeze(1)
        logits = model(**inputs, use_cache=False, logits_to_keep=before).logits[0]
        ends = inputs["cu_seq_lens_q"][1:]
        which = torch.bucketize(before + 1, ends, right=True) - int("shared_prefix" in inputs)
    else:
        logits = model(**inputs, use_cache=False).logits[:, :-1][wanted]
        which = wanted.nonzero()[:, 0]
    losses = nn.functional.cross_entropy(logits.float(), labels[:, 1:][wanted], reduction="none")
    return losses, which


def batch_loss(model: Any, inputs: dict[str, Any], labels: Tensor) -> Tensor:
    """The summed loss in nats of a batch's labelled tokens, padded or packed, a scalar."""
    return token_losses(model, inputs, labels)[0].sum()


def dialogue_losses(model: Any, inputs: dict[str, Any], labels: Tensor, dialogues: int) -> Tensor:
    """The mean loss in nats a labelled token of each dialogue of a batch, padded or packed: (dialogues,)."""
    losses, which = token_losses(model, inputs, labels)
    totals = torch.zeros(dialogues, dtype=torch.float64, device=losses.device)
    return totals.index_add(0, which, losses.double()) / which.bincount(minlength=dialogues)


class PreactTrainer(Trainer):  # type: ignore[misc]
    """Hugging Face's Trainer with equation 6 as its loss."""

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
        """Equation 6 for one micro-batch, scaled so that the micro-batches of a step add up to the step's
        loss.
        """
        sequences = inputs.pop("sequence_trait_ids", None)
        labels = inputs.pop("labels")
        total = batch_loss(model, inputs, labels)
        items = num_items_in_batch if num_items_in_batch is not None else (labels[:, 1:] != IGNORED).sum()
        lm_loss = total / items
        # The expert weights are the same in every micro-batch: without this they would count once for each.
        expert_loss = self._expert_loss(model, sequences) / self.current_gradient_accumulation_steps
        self._note(lm_loss, expert_loss, inputs)
        loss = lm_loss + self._weight() * expert_loss
        if self.args.average_tokens_across_devices and num_items_in_batch is not None:
            # `items` counts all processes' tokens, and gradients are averaged over processes.
            loss = loss + lm_loss * (self.accelerator.num_processes - 1)
        return (loss, {}) if return_outputs else loss

    def _get_train_sampler(self, train_dataset: Any = None) -> Any:
        if not self.recipe.length_grouping:
            return super()._get_train_sampler(train_dataset)
        lengths = [len(example.ids) for example in self.train_dataset]
        draw = torch.Generator().manual_seed(self.args.data_seed)
        return LengthGroupedSampler(self.args.train_batch_size, lengths=lengths, generator=draw)

    def _weight(self) -> float:
        warm_up = self.recipe.psl_warmup_steps
        rise = min(1.0, self.state.global_step / warm_up) if warm_up else 1.0
        return self.recipe.loss_weight * rise

    def _expert_loss(self, model: nn.Module, sequences: Tensor | None) -> Tensor:
        tuner = self.accelerator.unwrap_model(model).base_model
        weights = getattr(tuner, "latest_weights", None)
        if weights is None or sequences is None:
            return torch.zeros((), device=self.args.device)
        tuner.latest_weights = None
        with torch.autocast(weights.device.type, enabled=False):
            return self._loss_of(weights, sequences)

    def _loss_of(self, weights: Tensor, sequences: Tensor) -> Tensor:
        recipe = self.recipe
        if self.method == "auxiliary":
            return sequence_balance(select(weights, sequences))
        loss = personality_specialization(weights, normalised=recipe.psl_normalised, hinge=recipe.psl_hinge)
        return loss + entropy_shortfall(weights, recipe.entropy_floor) if recipe.entropy_floor else loss

    def _note(self, lm_loss: Tensor, expert_loss: Tensor, inputs: dict[str, Tensor]) -> None:
        for name, value in (("lm_loss", lm_loss), ("expert_loss", expert_loss)):
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
            self.parts, self.parts_since = {}, self.state.global_step
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
        optimiser: torch.optim.Optimizer = self.optimizer
        return optimiser


def make_trainer(
    config: TrainConfig,
    folder: Path,
    model: Any,
    examples: Sequence[Example],
    pad_id: int,
    *,
    keep: bool = True,
) -> PreactTrainer:
    """A trainer for this adapted model; with `keep` it leaves checkpoints in `folder` for a resume."""
    recipe = config.recipe
    steps = math.ceil(len(examples) / recipe.batch_size) * recipe.epochs
    arguments = TrainingArguments(
        output_dir=str(folder),
        per_device_train_batch_size=recipe.micro_batch,
        gradient_accumulation_steps=recipe.batch_size // recipe.micro_batch,
        num_train_epochs=recipe.epochs,
        max_steps=config.max_steps or -1,
        learning_rate=recipe.learning_rate,
        lr_scheduler_type=recipe.schedule,
        warmup_steps=math.ceil(recipe.warmup * (config.max_steps or steps)),
        weight_decay=recipe.weight_decay,
        max_grad_norm=recipe.max_grad_norm,
        optim="adamw_torch_fused" if recipe.optimiser == "adamw" else "adamw_bnb_8bit",
        activation_checkpointing=recipe.gradient_checkpointing,
        bf16=recipe.precision in ("mixed", "bfloat16"),
        use_cpu=not torch.accelerator.is_available(),
        seed=config.seed,
        data_seed=config.seed,
        logging_steps=1,
        logging_nan_inf_filter=False,
        save_strategy="steps" if keep else "no",
        save_steps=config.save_steps,
        save_total_limit=2,
        report_to="none",
        remove_unused_columns=False,
        dataloader_pin_memory=torch.cuda.is_available(),
        disable_tqdm=True,
        log_level="error",
    )
    shares = use_packed_rows(model.get_base_model(), recipe.packing)
    gated = config.method in GATED
    collator = Collator(pad_id, packed=recipe.packing, trait_ids=gated, share_prefix=shares)
    trainer = PreactTrainer(
        model=model,
        args=arguments,
        train_dataset=list(examples),
        data_collator=collator,
        method=config.method,
        recipe=recipe,
    )
    trainer.remove_callback(PrinterCallback)
    return trainer


def last_checkpoint(folder: Path) -> str | None:
    """The newest complete checkpoint; one that a crash cut short has no readable trainer_state.json."""
    found = {}
    for path in folder.glob("checkpoint-*"):
        try:
            json.loads((path / "trainer_state.json").read_text(encoding="utf-8"))
            found[int(path.name.rpartition("-")[2])] = path
        except (OSError, ValueError):
            continue
    return str(found[max(found)]) if found else None


def mean_loss(model: Any, examples: Sequence[Example], collator: Collator, size: int) -> float:
    """The mean loss in nats a labelled token over all examples, each under its own trait-level."""
    model.eval()
    total, count = 0.0, 0
    with torch.inference_mode():
        for start in range(0, len(examples), size):
            batch = on_device(collator(examples[start : start + size]), model.device)
            batch.pop("sequence_trait_ids")
            labels = batch.pop("labels")
            total += float(batch_loss(model, batch, labels))
            count += int((labels[:, 1:] != IGNORED).sum())
    model.train()
    return total / count
