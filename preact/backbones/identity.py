"""Record what a backbone is.

The file or repository it came from, hashes of its config and weights, parameters, number format, quantization
and the device it is for; and whether another one is the same. It knows nothing of adapters or runs.
"""

from typing import Any

import torch
from pydantic import BaseModel, ConfigDict

from oceanchat.errors import TrainingError
from preact.backbones.four_bit import layers_in_4_bits, weights_of
from preact.backbones.sources import hashes, locate


class BackboneUsed(BaseModel):
    """What a run was trained on, or what answered."""

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())

    source: str
    """The folder, .gguf file or Hub id that was read."""
    revision: str = ""
    """The Hub's commit; empty for files of this machine."""
    architecture: str
    """transformers' class."""
    config_sha256: str = ""
    """Of config.json; empty for a .gguf file, whose hash covers its config."""
    weights_sha256: str = ""
    """Of the file of weights, or over the lines 'name sha256' of several."""
    parameters: int
    """Tied ones once."""
    dtype: str
    """The number format of the weights in memory."""
    quantisation: str
    """'none', '4bit', '8bit', or 'dequantized .gguf' for weights that were rounded before they came here."""
    device: str
    """Where it is used: 'cpu', or the accelerator's name."""


def identify_backbone(name: str, model: Any, quantise: str) -> BackboneUsed:
    """What `backbone.load` has just returned for this name, with `quantise` as it was asked for."""
    source = locate(name)
    revision = None if source.is_folder else getattr(model.config, "_commit_hash", None)
    files = hashes(source, revision)
    return BackboneUsed(
        source=source.text,
        revision=revision or "",
        architecture=type(model).__name__,
        config_sha256=files.config,
        weights_sha256=files.weights,
        parameters=count_parameters(model),
        dtype=str(model.dtype).removeprefix("torch."),
        quantisation="dequantized .gguf" if source.gguf else quantise,
        device=device_name(),
    )


def check_same(before: BackboneUsed | None, now: BackboneUsed, run: str) -> None:
    """Raises TrainingError when the weights are not those of the run's record (None: it has no record)."""
    if before is not None and before.weights_sha256 and before.weights_sha256 != now.weights_sha256:
        raise TrainingError(
            f"backbone '{now.source}' is not the one that run '{run}' was trained on (sha256 of the weights"
            f" {before.weights_sha256[:12]} then, {now.weights_sha256[:12]} now); put it back"
        )


def count_parameters(model: Any) -> int:
    """The number of parameters, tied ones once; of 4-bit weights those they stand for."""
    packed = {layer.weight: weights_of(layer) for layer in layers_in_4_bits(model)}
    return sum(packed.get(parameter, parameter.numel()) for parameter in model.parameters())


def device_name() -> str:
    """The accelerator that torch would use, or 'cpu'."""
    if torch.cuda.is_available():
        return torch.cuda.get_device_name()
    accelerator = torch.accelerator.current_accelerator() if torch.accelerator.is_available() else None
    return str(accelerator) if accelerator else "cpu"
