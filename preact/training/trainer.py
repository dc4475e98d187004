"""Hugging Face's Trainer with equation 6 as loss.

Two learning rates, losses that stay right under gradient accumulation and in several processes, and each part
of the loss in the log. It knows nothing of releases or run folders.
"""

import json
import math
import pickle
import zipfile
from collections.abc import Sequence
from operator import itemgetter
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, distributed, nn
from torch.distributed.tensor import DTensor
from torch.utils.data import DataLoader
from transformers import PrinterCallback, Trainer, TrainerCallback, TrainingArguments
from transformers.trainer_pt_utils import safe_globals

from oceanchat.errors import TrainingError
from preact.backbones.packed_attention import use_packed_rows
from preact.config import Recipe, TrainConfig
from preact.dialogues.batches import Collator, Example
from preact.dialogues.conversation import IGNORED
from preact.methods import METHODS, Method
from preact.mixture.router import select
from preact.training.objective import batch_loss, expert_loss, loss_weight
from preact.training.processes import Processes
from preact.training.sharding import is_sharded
from preact.training.steps import Steps

ROUTER = "preact_router"


class PreactTrainer(Trainer):  # type: ignore[misc]
    """Trains an adapted model; the parts of the loss go into the log.

    Raises TrainingError at the first step whose loss or gradient is no number, before anything of that step
    is saved.
    """

    loss_is_scaled_for_ga = True

    def __init__(
        self, *args: Any, method: Method, recipe: Recipe, steps: Steps, processes: Processes, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.method = method
        self.recipe = recipe
        self.steps = steps
        self.processes = processes
        self.model_accepts_loss_kwargs = True
        self.optimizer: torch.optim.Optimizer | None
        self.parts: dict[str, Tensor] = {}
        """Sums since the last log, of this process: the losses by step, and the tokens seen."""
        self.parts_since = 0
        # Trainer's name for a model whose weights are placed already: it neither moves nor wraps it.
        self.is_distributed_loading_by_transformers = is_sharded(self.model)
        self.add_callback(_NewOrder(steps))

    def compute_loss(
        self,
        model: nn.Module,
        inputs: dict[str, Tensor],
        return_outputs: bool = False,
        num_items_in_batch: Tensor | int | None = None,
    ) -> Any:
        """Equation 6 for a micro-batch, scaled so that the micro-batches of a step add up to its loss.

        The router runs once a micro-batch, here: its expert weights go into the forward pass and into the
        loss on them.
        """
        sequences = inputs.pop("sequence_trait_ids")
        trait_ids = inputs.pop("trait_ids", None)
        labels = inputs.pop("labels")
        weights = self._expert_weights()
        if weights is not None and trait_ids is not None:
            inputs["expert_weights"] = select(weights, trait_ids)
        items = num_items_in_batch if num_items_in_batch is not None else (labels[:, 1:] != IGNORED).sum()
        lm_loss = batch_loss(model, inputs, labels) / items
        on_experts = torch.zeros((), device=lm_loss.device)
        if weights is not None:
            # The same in every micro-batch of the step: without the division it would count once for each.
            on_experts = expert_loss(weights, sequences, self.method, self.recipe)
            on_experts = on_experts / self.current_gradient_accumulation_steps
        self._add_to_log(lm_loss, on_experts, inputs)
        # `items` counts all processes' tokens, and gradients are averaged over processes.
        loss = lm_loss * self.processes.size
        loss = loss + loss_weight(self.recipe, self.state.global_step) * on_experts
        return (loss, {}) if return_outputs else loss

    def _expert_weights(self) -> Tensor | None:
        """The router's expert weights of all trait-levels, P x N; None where there are no experts."""
        if not self.method.has_experts:
            return None
        weights: Tensor = self.accelerator.unwrap_model(self.model).base_model.router_weights()
        return weights

    def get_train_dataloader(self) -> DataLoader[dict[str, Any]]:
        """The micro-batches of `steps`, which shares them among processes by itself."""
        return DataLoader(
            self.steps,
            collate_fn=itemgetter(0),
            pin_memory=self.args.dataloader_pin_memory,
            generator=torch.Generator(),  # a loader without one draws from the generator of dropout
        )

    def _add_to_log(self, lm_loss: Tensor, on_experts: Tensor, inputs: dict[str, Tensor]) -> None:
        if not self.parts:
            self.parts_since = self.state.global_step  # not 0 where a run is resumed
        tokens = torch.tensor(float(inputs["input_ids"].numel()), device=lm_loss.device)
        for name, value in (("lm_loss", lm_loss), ("expert_loss", on_experts), ("tokens", tokens)):
            self.parts[name] = self.parts.get(name, 0.0) + value.detach()

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        """Add the parts of the loss, a step each, to what Trainer logs."""
        steps = self.state.global_step - self.parts_since
        if "loss" in logs and steps > 0:
            shares = torch.stack([self.parts["lm_loss"].double(), self.parts["tokens"].double()])
            lm_loss, tokens = self.processes.total(shares).tolist()
            logs["lm_loss"] = lm_loss / steps
            logs["expert_loss"] = float(self.parts["expert_loss"]) / steps
            logs["tokens"] = tokens
            if self.optimizer is not None and len(self.optimizer.param_groups) > 1:
                logs["router_learning_rate"] = self.optimizer.param_groups[1]["lr"]
            self.parts = {}
        self._check_finite(logs)
        super().log(logs, start_time)

    def _check_finite(self, logs: dict[str, float]) -> None:
        step = self.state.global_step
        # A step's loss is that of the weights before it, a validation's that of the weights after it.
        for name, what, bad_since in (
            ("loss", "loss", step - 1),
            ("grad_norm", "gradient", step),
            ("validation_loss", "validation loss", step),
        ):
            if not math.isfinite(logs.get(name, 0.0)):
                raise self._diverged(f"the {what} is {logs[name]}", bad_since)

    def check_weights(self) -> None:
        """Raise TrainingError where a trained weight is no number; a step's loss is that before the step."""
        if not all(p.isfinite().all() for p in self.model.parameters() if p.requires_grad):
            raise self._diverged("weights are no numbers", self.state.global_step)

    def _save_checkpoint(self, model: nn.Module, trial: Any) -> None:
        self.check_weights()
        super()._save_checkpoint(model, trial)

    def _diverged(self, what: str, bad_since: int) -> TrainingError:
        router = f" or --router-lr ({self.recipe.router_learning_rate:g})" if self.method.router else ""
        saved = last_checkpoint(Path(self.args.output_dir), before=bad_since)
        after = f"; the last good checkpoint is '{saved}'" if saved else ""
        return self.processes.failure(
            f"training diverged at step {self.state.global_step}: {what}; train a new run with a lower --lr"
            f" ({self.recipe.learning_rate:g}){router}, or a lower --max-grad-norm{after}"
        )

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

    def _move_model_to_device(self, model: nn.Module, device: torch.device) -> None:
        if not is_sharded(model):  # whose parts lie where they belong
            super()._move_model_to_device(model, device)

    def _sync_replicated_trainable_parameters(self, model: nn.Module) -> None:
        """Begin with the same adapter beside a sharded backbone, and average its gradients at each step.

        As Trainer does, but for processes on CPUs too, which cannot average by themselves.
        """

        def average_gradient(parameter: Tensor) -> None:
            if self.accelerator.sync_gradients and parameter.grad is not None:
                distributed.all_reduce(parameter.grad)
                parameter.grad /= self.processes.size

        for parameter in model.parameters():
            if parameter.requires_grad and not isinstance(parameter.data, DTensor):
                distributed.broadcast(parameter.data, src=0)
                parameter.register_post_accumulate_grad_hook(average_gradient)  # type: ignore[no-untyped-call]


class _NewOrder(TrainerCallback):  # type: ignore[misc]
    """Gives each epoch its order of dialogues, the same one after a resume."""

    def __init__(self, steps: Steps) -> None:
        self.steps = steps

    def on_epoch_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """The steps taken tell which epoch begins."""
        self.steps.set_epoch(state.global_step // self.steps.per_epoch)


def make_trainer(
    config: TrainConfig,
    folder: Path,
    model: Any,
    examples: Sequence[Example],
    pad_id: int,
    *,
    checkpoints: bool = True,
    processes: Processes | None = None,
) -> PreactTrainer:
    """A trainer for this adapted model; with `checkpoints` it leaves some in `folder` for a resume."""
    recipe, method = config.recipe, METHODS[config.method]
    processes = processes or Processes()
    shares = use_packed_rows(model.get_base_model(), recipe.packing)
    steps = Steps(
        examples,
        Collator(pad_id, packed=recipe.packing, trait_ids=method.has_experts, share_prefix=shares),
        batch_size=recipe.batch_size,
        micro_batch=recipe.micro_batch,
        seed=config.seed,
        by_length=recipe.length_grouping,
        processes=processes,
    )
    trainer = PreactTrainer(
        model=model,
        args=_arguments(config, folder, steps, checkpoints),
        data_collator=steps.collator,
        method=method,
        recipe=recipe,
        steps=steps,
        processes=processes,
    )
    trainer.remove_callback(PrinterCallback)
    return trainer


def _arguments(config: TrainConfig, folder: Path, steps: Steps, checkpoints: bool) -> TrainingArguments:
    recipe = config.recipe
    total = config.max_steps or steps.per_epoch * recipe.epochs
    arguments = TrainingArguments(
        output_dir=str(folder),
        per_device_train_batch_size=steps.micro_batch,
        gradient_accumulation_steps=steps.accumulated,
        num_train_epochs=recipe.epochs,
        max_steps=config.max_steps or -1,
        learning_rate=recipe.learning_rate,
        lr_scheduler_type=recipe.schedule,
        warmup_steps=math.ceil(recipe.warmup * total),
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
        ddp_find_unused_parameters=False,
        dataloader_pin_memory=torch.cuda.is_available(),
        disable_tqdm=True,
        log_level="error",
        log_level_replica="error",
    )
    # Left alone, one process that sees several GPUs would copy the model to each at every step, and threads
    # would share one gate.
    arguments._n_gpu = min(arguments.n_gpu, 1)
    return arguments


def last_checkpoint(folder: Path, *, before: int | None = None) -> str | None:
    """The newest complete checkpoint, or the newest `before` a step; one that was cut short is passed over.

    An older one, or the beginning, comes to the same result; without the optimizer's state it would not.
    """
    by_step = {}
    for path in folder.glob("checkpoint-*"):
        try:
            state = json.loads((path / "trainer_state.json").read_text(encoding="utf-8"))
            if not isinstance(state, dict) or not isinstance(state.get("global_step"), int):
                continue
            if not _is_complete(path):
                continue
            step = int(path.name.rpartition("-")[2])
        except (OSError, ValueError):
            continue
        if before is None or step < before:
            by_step[step] = path
    return str(by_step[max(by_step)]) if by_step else None


def _is_complete(checkpoint: Path) -> bool:
    """Whether all that a resume reads is whole."""
    generators = list(checkpoint.glob("rng_state*.pth"))
    try:
        with safe_open(checkpoint / "adapter_model.safetensors", framework="pt"):
            return (
                _holds(checkpoint / "optimizer.pt", "state", "param_groups")
                and _holds(checkpoint / "scheduler.pt", "last_epoch", "lr_lambdas")
                and all(_holds(path, "python", "numpy", "cpu") for path in generators)
                and len(generators) > 0
            )
    except (OSError, SafetensorError, zipfile.BadZipFile, RuntimeError, pickle.UnpicklingError):
        return False


def _holds(archive: Path, *names: str) -> bool:
    """Whether it is whole and a dictionary with these entries."""
    if not _is_whole(archive):
        return False
    with safe_globals():  # what the states of random generators are made of
        held = torch.load(archive, map_location="cpu", mmap=True, weights_only=True)
    return isinstance(held, dict) and all(name in held for name in names)


def _is_whole(archive: Path) -> bool:
    """Whether every part has the checksum that torch wrote with it, which torch does not check."""
    with zipfile.ZipFile(archive) as opened:
        return opened.testzip() is None
