"""A persona as a plain LoRA adapter.

A trait-level of a run, or a mixture, that any server loads. The expert weights are folded into B's columns
and the router is dropped: B diag(g) A is an ordinary LoRA. What is written is loaded back by plain peft and
compared with the run before it counts. It knows nothing of the terminal.
"""

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import safetensors.torch
import torch
from peft import LoraConfig
from peft.tuners.lora.layer import LoraLayer
from torch import Tensor

from oceanchat.errors import TrainingError
from preact.backbones.sources import published_name
from preact.dialogues.batches import Example
from preact.dialogues.encoding import encode_all
from preact.dialogues.release import read_release
from preact.export.card import card
from preact.export.checking import check_adapter
from preact.export.checking import merge as merge_in
from preact.persona import Persona
from preact.systems.scoring import example_losses
from preact.systems.trained import TrainedModel, open_run
from preact.training.runs import backbone_name

VLLM_RANKS = (1, 8, 16, 32, 64, 128, 256, 320, 512)
"""The ranks vLLM accepts as --max-lora-rank; others must be rounded up to one of these when serving."""


class Exported(NamedTuple):
    """What an export turned out to be."""

    folder: Path
    rank: int
    difference: float
    """Largest difference of logits from the run on the check's questions; see `Checked`."""
    effect: float
    """Largest difference of logits from the backbone on the same questions; 0: no effect."""
    quantization: float | None
    """What a whole model leaves behind of a run on a quantized backbone; None where nothing was."""
    cost: float | None
    """Nats a token that --top-experts costs on the validation split; None where nothing was cut."""
    notes: tuple[str, ...]


class Folded(NamedTuple):
    """An adapter as plain LoRA."""

    tensors: dict[str, Tensor]
    config: LoraConfig
    weights: Tensor | None
    """The expert weights that were folded in, zeros for experts cut; None for methods without experts."""


def export_adapter(
    folder: Path,
    persona: Persona,
    output: Path,
    *,
    merge: bool = False,
    top_experts: int | None = None,
    say: Callable[[str], None] = lambda line: None,
) -> Exported:
    """Write the persona's adapter (or, with `merge`, the whole model) to a new folder, once it is checked.

    Raises TrainingError for a folder that exists, a method that cannot, or an export that differs from the
    run or changes nothing.
    """
    if output.exists():
        raise TrainingError(f"folder '{output}' exists; name another --output")
    trained = open_run(folder)
    folded = fold(trained, persona, top_experts)
    cost = cutting_cost(trained, persona, folded) if top_experts else None
    draft = output.with_name(output.name + ".partial")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    _write(draft, trained, folded)
    say("checking the export with plain peft")
    try:
        checked = (merge_in if merge else check_adapter)(draft, trained, persona, folded.weights)
    except TrainingError:
        shutil.rmtree(draft)
        raise
    exported = Exported(output, int(folded.config.r), *checked, cost, _notes(trained, folded, merge, persona))
    (draft / "README.md").write_text(
        card(trained.record, persona, exported._asdict(), merge), encoding="utf-8"
    )
    os.replace(draft, output)
    return exported


def fold(trained: TrainedModel, persona: Persona, top_experts: int | None = None) -> Folded:
    """The persona's adapter as plain LoRA tensors and config; chooses the adapter where there are ten.

    With `top_experts` only the strongest experts' channels stay, which lowers the rank. Raises
    TrainingError for a number of experts the run does not have, and for weights that are no numbers.
    """
    weights: Tensor | None = None
    with trained.portraying(persona) as portrayal:
        weights = portrayal.arguments.get("expert_weights")
        name = trained.model.active_adapter
    recipe = trained.record.config.recipe
    channels = torch.arange(recipe.rank)
    if weights is None and top_experts:
        raise TrainingError(
            f"method '{trained.record.config.method}' has no experts; leave --top-experts out"
        )
    if weights is not None and top_experts:
        if not 1 <= top_experts <= recipe.experts:
            raise TrainingError(
                f"--top-experts {top_experts} is outside 1 to {recipe.experts}, the run's experts"
            )
        strongest = weights.topk(top_experts).indices.sort().values
        cut = torch.zeros_like(weights)
        cut[strongest] = weights[strongest]
        weights, share = cut, recipe.rank // recipe.experts
        channels = (strongest.cpu().unsqueeze(1) * share + torch.arange(share)).flatten()
    tensors: dict[str, Tensor] = {}
    for key, module in trained.model.named_modules():
        if isinstance(module, LoraLayer) and name in module.lora_A:
            a, b = module.lora_A[name].weight.detach().cpu(), module.lora_B[name].weight.detach().cpu()
            if weights is not None:
                b = b * weights.cpu().to(b.dtype).repeat_interleave(recipe.rank // recipe.experts)
            tensors[f"{key}.lora_A.weight"] = a[channels].contiguous()
            tensors[f"{key}.lora_B.weight"] = b[:, channels].contiguous()
    if not all(bool(tensor.isfinite().all()) for tensor in tensors.values()):
        raise TrainingError(
            f"the adapter of run '{trained.folder}' holds values that are no numbers (NaN or infinite): its"
            " training diverged; train again with a lower --lr"
        )
    return Folded(tensors, _plain_config(trained, len(channels)), weights)


def _plain_config(trained: TrainedModel, rank: int) -> LoraConfig:
    recipe = trained.record.config.recipe
    backbone = backbone_name(trained.folder, trained.record)
    # alpha shrinks with the rank, so that the scale alpha / r stays; servers want whole numbers where there
    # are any.
    alpha = recipe.alpha * rank / recipe.rank
    return LoraConfig(
        task_type="CAUSAL_LM",
        r=rank,
        lora_alpha=int(alpha) if alpha == int(alpha) else alpha,
        target_modules=sorted(trained.record.adapted),
        base_model_name_or_path=published_name(backbone),
        inference_mode=True,
    )


def cutting_cost(trained: TrainedModel, persona: Persona, folded: Folded) -> float | None:
    """Nats a token that cutting experts costs on the persona's validation dialogues; None without any."""
    release = read_release(trained.record.config.release)
    validation = [d for d in release.dialogues if d.split == "validation" and d.trait_level in persona]
    if not validation or folded.weights is None:
        return None
    config = trained.record.config
    examples: list[Example] = encode_all(trained.tokenizer, validation, config.method, config.recipe).examples
    with trained.portraying(persona) as portrayal:
        whole = example_losses(trained, examples, portrayal.arguments)
    return float((example_losses(trained, examples, {"expert_weights": folded.weights}) - whole).mean())


def _write(draft: Path, trained: TrainedModel, folded: Folded) -> None:
    safetensors.torch.save_file(
        folded.tensors, draft / "adapter_model.safetensors", metadata={"format": "pt"}
    )
    folded.config.save_pretrained(draft)
    trained.tokenizer.save_pretrained(draft)


def _notes(trained: TrainedModel, folded: Folded, merged: bool, persona: Persona) -> tuple[str, ...]:
    notes = []
    rank = int(folded.config.r)
    if rank not in VLLM_RANKS:
        larger = [str(r) for r in VLLM_RANKS if r >= rank]
        advice = f"serve it with --max-lora-rank {larger[0]}" if larger else "it is above what vLLM serves"
        notes.append(f"rank {rank} is not one of the ranks that vLLM allows; {advice}")
    if trained.method.prompted:
        notes.append(
            "the adapter switches trait-levels by prompt: serve it with the system prompt in its card"
        )
    quantise = trained.record.config.recipe.quantise
    if quantise != "none" and not merged:
        notes.append(
            f"trained on the backbone in {quantise}: serve it on the backbone quantized the same way"
        )
    missing = [t.code for t in persona if t.code in trained.record.release.missing]
    if missing:
        notes.append(
            f"trained without any dialogue of {', '.join(missing)}: what it answers as that is left to chance"
        )
    if trained.record.release.scripted:
        notes.append("trained on dialogues of the scripted model: good for trying things out only")
    return tuple(notes)
