"""Fold a persona into plain LoRA tensors.

The expert weights go into B's columns and the router is dropped: B diag(g) A is an ordinary LoRA. It knows
nothing of files, checks or servers.
"""

import dataclasses
from pathlib import Path
from typing import Any, NamedTuple

import safetensors.torch
import torch
from peft import LoraConfig
from peft.tuners.lora.layer import LoraLayer
from torch import Tensor

from oceanchat.errors import TrainingError
from preact.backbones.sources import published_name
from preact.persona import Persona
from preact.systems.trained import TrainedModel
from preact.training.runs import backbone_name


class Folded(NamedTuple):
    """An adapter as plain LoRA."""

    tensors: dict[str, Tensor]
    config: LoraConfig
    weights: Tensor | None
    """The expert weights that were folded in, zeros for experts cut; None for methods without experts."""

    def config_at(self, rank: int) -> LoraConfig:
        """The config of an adapter of another rank and the same scale."""
        scale = self.config.lora_alpha / self.config.r
        return dataclasses.replace(self.config, r=rank, lora_alpha=_whole(scale * rank))


def fold(
    trained: TrainedModel, persona: Persona, top_experts: int | None = None, strength: float = 1.0
) -> Folded:
    """The persona's adapter as plain LoRA tensors and config; chooses the adapter where there are ten.

    With `top_experts` only the strongest experts' channels stay, which lowers the rank; `strength` multiplies
    what the adapter adds (1: as trained). Raises TrainingError for a number of experts the run does not have,
    and for weights that are no numbers.
    """
    weights: Tensor | None = None
    with trained.portraying(persona) as portrayal:
        weights = portrayal.arguments.get("expert_weights")
        name = trained.model.active_adapter
    recipe = trained.record.config.recipe
    channels = torch.arange(recipe.rank)
    if top_experts:
        weights, channels = _strongest(trained, weights, top_experts)
    tensors: dict[str, Tensor] = {}
    for key, module in trained.model.named_modules():
        if isinstance(module, LoraLayer) and name in module.lora_A:
            a, b = module.lora_A[name].weight.detach().cpu(), module.lora_B[name].weight.detach().cpu()
            if weights is not None:
                b = b * weights.cpu().to(b.dtype).repeat_interleave(recipe.rank // recipe.experts)
            tensors[f"{key}.lora_A.weight"] = a[channels].contiguous()
            tensors[f"{key}.lora_B.weight"] = (strength * b[:, channels]).contiguous()
    if not all(bool(tensor.isfinite().all()) for tensor in tensors.values()):
        raise TrainingError(
            f"the adapter of run '{trained.folder}' holds values that are no numbers (NaN or infinite): its"
            " training diverged; train again with a lower --lr"
        )
    return Folded(tensors, _plain_config(trained, len(channels)), weights)


def _strongest(trained: TrainedModel, weights: Tensor | None, number: int) -> tuple[Tensor, Tensor]:
    """The weights with all but the strongest at zero (N,), and the channels of those (number * r / N,)."""
    recipe = trained.record.config.recipe
    if weights is None:
        raise TrainingError(
            f"method '{trained.record.config.method}' has no experts; leave --top-experts out"
        )
    if not 1 <= number <= recipe.experts:
        raise TrainingError(f"--top-experts {number} is outside 1 to {recipe.experts}, the run's experts")
    strongest = weights.topk(number).indices.sort().values
    cut = torch.zeros_like(weights)
    cut[strongest] = weights[strongest]
    share = recipe.rank // recipe.experts
    return cut, (strongest.cpu().unsqueeze(1) * share + torch.arange(share)).flatten()


def _plain_config(trained: TrainedModel, rank: int) -> LoraConfig:
    recipe = trained.record.config.recipe
    backbone = backbone_name(trained.folder, trained.record)
    # alpha shrinks with the rank, so that the scale alpha / r stays.
    return LoraConfig(
        task_type="CAUSAL_LM",
        r=rank,
        lora_alpha=_whole(recipe.alpha * rank / recipe.rank),
        target_modules=sorted(trained.record.adapted),
        base_model_name_or_path=published_name(backbone),
        inference_mode=True,
    )


def _whole(alpha: float) -> Any:
    """As a whole number where it is one, which servers want; peft's annotation knows no other."""
    return int(alpha) if alpha == int(alpha) else alpha


def write(folder: Path, trained: TrainedModel, folded: Folded) -> None:
    """Put an adapter's weights, config and tokenizer into a folder that exists."""
    tensors = folder / "adapter_model.safetensors"
    safetensors.torch.save_file(folded.tensors, tensors, metadata={"format": "pt"})
    folded.config.save_pretrained(folder)
    trained.tokenizer.save_pretrained(folder)
