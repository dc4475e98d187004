"""Fold a persona into plain LoRA tensors.

The expert weights go into B's columns and the router is dropped: B diag(g) A is an ordinary LoRA. Runs that
are open are folded, and runs that lie on disk without opening their backbone. It knows nothing of checks or
servers.
"""

import dataclasses
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import safetensors
import safetensors.torch
import torch
from peft import LoraConfig
from peft.tuners.lora.layer import LoraLayer
from torch import Tensor

from oceanchat.errors import TrainingError
from oceanchat.traits import TRAIT_LEVELS
from preact.backbones.sources import published_name
from preact.methods import METHODS
from preact.mixture.router import Router, UniformRouter, mix
from preact.persona import Persona
from preact.systems.trained import TrainedModel
from preact.training.runs import RunRecord, adapter_folder, backbone_name

_A, _B = ".lora_A.weight", ".lora_B.weight"
_ROUTER = "base_model.preact_router."
"""What the names of a saved run's tensors end or begin with."""


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
    channels = torch.arange(trained.recipe.rank)
    if top_experts:
        weights, channels = _strongest(trained, weights, top_experts)
    pairs = (
        (key, module.lora_A[name].weight.detach().cpu(), module.lora_B[name].weight.detach().cpu())
        for key, module in trained.model.named_modules()
        if isinstance(module, LoraLayer) and name in module.lora_A
    )
    return _folded(trained.folder, trained.record, pairs, weights, channels, strength)


def fold_saved(folder: Path, record: RunRecord, persona: Persona, strength: float = 1.0) -> Folded:
    """As `fold`, from the files of a finished run alone: no backbone is read.

    Raises TrainingError for a damaged adapter, for methods that portray by a prompt, which no adapter can
    say, and for mixtures of one with ten adapters.
    """
    method = METHODS[record.config.method]
    if method.prompted or (method.adapters == "ten" and len(persona) > 1):
        problem = (
            "portrays by a prompt" if method.prompted else "has one adapter per trait-level, no mixtures"
        )
        raise TrainingError(f"run '{folder}' {problem}; export a run of preact")
    own = adapter_folder(folder, next(iter(persona)).code if method.adapters == "ten" else "default")
    try:
        saved = safetensors.torch.load_file(own / "adapter_model.safetensors")
        weights = mix(_saved_router(saved, record)(), persona).detach() if method.has_experts else None
        pairs = [
            (key.removesuffix(_A), a, saved[key.removesuffix(_A) + _B])
            for key, a in saved.items()
            if key.endswith(_A)
        ]
    except (OSError, safetensors.SafetensorError, KeyError, RuntimeError) as error:
        raise TrainingError(f"adapter '{own}' cannot be read ({error}); restore it, or train again") from None
    return _folded(folder, record, pairs, weights, torch.arange(record.config.recipe.rank), strength)


def _saved_router(saved: dict[str, Tensor], record: RunRecord) -> torch.nn.Module:
    recipe = record.config.recipe
    if METHODS[record.config.method].router == "uniform":
        return UniformRouter(len(TRAIT_LEVELS), recipe.experts)
    router = Router(len(TRAIT_LEVELS), recipe.personality_size, recipe.experts)
    router.load_state_dict({name: saved[_ROUTER + name] for name in router.state_dict()})
    return router


def _folded(
    folder: Path,
    record: RunRecord,
    pairs: Iterable[tuple[str, Tensor, Tensor]],
    weights: Tensor | None,
    channels: Tensor,
    strength: float,
) -> Folded:
    """Each module's A (r x d_in) and B (d_out x r), the weights (N,) in B's columns, cut to the channels."""
    recipe = record.config.recipe
    tensors: dict[str, Tensor] = {}
    for key, a, b in pairs:
        if weights is not None:
            b = b * weights.cpu().to(b.dtype).repeat_interleave(recipe.rank // recipe.experts)
        tensors[key + _A] = a[channels].contiguous()
        tensors[key + _B] = (strength * b[:, channels]).contiguous()
    if not all(bool(tensor.isfinite().all()) for tensor in tensors.values()):
        raise TrainingError(
            f"the adapter of run '{folder}' holds values that are no numbers (NaN or infinite): its training"
            " diverged; train again with a lower --lr"
        )
    return Folded(tensors, _plain_config(folder, record, len(channels)), weights)


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


def _plain_config(folder: Path, record: RunRecord, rank: int) -> LoraConfig:
    recipe = record.config.recipe
    backbone = backbone_name(folder, record)
    # alpha shrinks with the rank, so that the scale alpha / r stays.
    return LoraConfig(
        task_type="CAUSAL_LM",
        r=rank,
        lora_alpha=_whole(recipe.alpha * rank / recipe.rank),
        target_modules=sorted(record.adapted),
        base_model_name_or_path=published_name(backbone),
        inference_mode=True,
    )


def _whole(alpha: float) -> Any:
    """As a whole number where it is one, which servers want; peft's annotation knows no other."""
    return int(alpha) if alpha == int(alpha) else alpha


def write(folder: Path, trained: TrainedModel, folded: Folded) -> None:
    """Put an adapter's weights, config and tokenizer into a folder that exists."""
    write_adapter(folder, folded)
    trained.tokenizer.save_pretrained(folder)


def write_adapter(folder: Path, folded: Folded) -> None:
    """Put an adapter's weights and config, all a server needs, into a folder that exists."""
    tensors = folder / "adapter_model.safetensors"
    safetensors.torch.save_file(folded.tensors, tensors, metadata={"format": "pt"})
    folded.config.save_pretrained(folder)
