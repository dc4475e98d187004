"""What `preact info` shows of a run.

Parameters, expert weights, use of the experts, provenance. It reads the run folder and the adapter's file; no
backbone is loaded.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

from oceanchat.counting import counted
from oceanchat.errors import TrainingError
from oceanchat.traits import TRAIT_LEVELS
from preact.backbones.modules import Targets
from preact.methods import METHODS
from preact.mixture.losses import expert_use
from preact.training.metrics import METRICS, read_metrics
from preact.training.runs import RunRecord, adapter_folder, read_record


def about(folder: Path) -> dict[str, Any]:
    """The run's record with its validation losses, its expert weights (10 x N) and their use.

    The last two are None without experts.
    """
    record = read_record(folder)
    facts: dict[str, Any] = {**record.model_dump(mode="json"), "recipe": record.config.summary}
    facts.update(expert_weights=None, experts=None, validation=_validation(folder))
    if record.state == "finished" and METHODS[record.config.method].has_experts:
        weights = _expert_weights(folder, record)
        facts["expert_weights"] = weights.tolist()
        facts["experts"] = expert_use(weights)._asdict()
    return facts


def _validation(folder: Path) -> list[dict[str, Any]]:
    """The validation loss after each epoch: adapter (empty for the only one), epoch, step, loss in nats."""
    return [
        {
            "adapter": line.get("stage", ""),
            "epoch": line.get("epoch"),
            "step": line["step"],
            "loss": line["validation_loss"],
        }
        for line in read_metrics(folder / METRICS)
        if "validation_loss" in line
    ]


def _training_lines(facts: dict[str, Any]) -> Iterator[str]:
    together = f", {facts['processes']} processes" if facts["processes"] > 1 else ""
    trained, steps = facts["trained_parameters"], facts["steps"]
    yield f"trained      {trained:,} parameters, {counted(steps, 'step')}, {facts['seconds']:.0f} s{together}"
    if facts["validation"] and facts["adapters"] == ["default"]:
        losses = ", ".join(f"{v['loss']:.4f} (epoch {v['epoch']:g})" for v in facts["validation"])
        yield f"validation   {losses}"
    elif "validation_loss" in facts["final"]:
        yield f"validation   {facts['final']['validation_loss']:.4f}, the mean of ten adapters"
    if facts["config"]["recipe"]["keep"] == "best" and facts["kept_steps"]:
        steps_kept = ", ".join(
            f"step {step}" if name == "default" else f"{name} step {step}"
            for name, step in facts["kept_steps"].items()
        )
        yield f"best         {steps_kept}"


def _release_lines(release: dict[str, Any]) -> Iterator[str]:
    scripted = ", written by the scripted model" if release["scripted"] else ""
    size, mark = release["dialogues"], release["fingerprint"][:16]
    yield f"release      {release['name']}, {counted(size, 'dialogue')}{scripted}, sha256 {mark}"
    if release["missing"]:
        yield f"missing      no dialogue of {', '.join(release['missing'])}, of which the run learned nothing"


def _expert_weights(folder: Path, record: RunRecord) -> torch.Tensor:
    recipe = record.config.recipe
    if METHODS[record.config.method].router == "uniform":
        return torch.full((len(TRAIT_LEVELS), recipe.experts), 1 / recipe.experts)
    path = adapter_folder(folder, "default") / "adapter_model.safetensors"
    try:
        tensors = load_file(path)
        personality = next(t for name, t in tensors.items() if name.endswith("preact_router.personality"))
        projection = next(t for name, t in tensors.items() if name.endswith("preact_router.projection"))
    except (OSError, StopIteration, ValueError, RuntimeError, SafetensorError):
        raise TrainingError(
            f"adapter file '{path}' cannot be read; restore the run, or train again"
        ) from None
    return torch.softmax(personality @ projection, dim=-1)


def _backbone_lines(backbone: dict[str, Any]) -> Iterator[str]:
    quantized = "" if backbone["quantisation"] == "none" else f", {backbone['quantisation']}"
    form = f"{backbone['architecture']} in {backbone['dtype']}{quantized}"
    yield f"loaded as    {form}, on {backbone['device']}"
    revision = f" at {backbone['revision'][:12]}" if backbone["revision"] else ""
    yield f"loaded from  {backbone['source']}{revision}, weights sha256 {backbone['weights_sha256'][:16]}"


def lines(facts: dict[str, Any]) -> Iterator[str]:
    """The same for people."""
    config, release = facts["config"], facts["release"]
    yield f"method       {config['method']}, seed {config['seed']}, {facts['state']}"
    yield f"backbone     {config['backbone']}, {facts['backbone_parameters']:,} parameters"
    if facts["backbone"]:
        yield from _backbone_lines(facts["backbone"])
    if facts["adapted"]:
        yield f"adapted      {Targets(facts['adapted'], facts['untouched']).text}"
    yield from _training_lines(facts)
    yield from _release_lines(release)
    yield f"recipe       {facts['recipe']}"
    yield "versions     " + ", ".join(f"{name} {version}" for name, version in facts["versions"].items())
    if facts["experts"]:
        use = facts["experts"]
        yield (
            f"experts      {use['effective']:.2f} effective, {use['dead']} dead,"
            f" similarity {use['similarity']:.3f}, PSL {use['psl']:.3f}"
        )
        for trait_level, row in zip(TRAIT_LEVELS, facts["expert_weights"], strict=True):
            # Without zeros before the points, the weights of 16 experts fit a terminal of 80 columns.
            yield f"  {trait_level.code}  " + " ".join(f"{w:.2f}".removeprefix("0") for w in row)
