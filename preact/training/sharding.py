"""Share a backbone's weights among processes.

FSDP2 of torch: each process keeps a part of every block's frozen weights and gathers the rest while the block
is at work. The adapter, which is small, is added afterwards and stays whole in every process, so adapters and
checkpoints are those of an unshared backbone. Weights in 4 bits are shared as they are packed (QLoRA); what
they are scaled by stays whole. It knows nothing of adapters or data.
"""

from collections.abc import Iterator
from functools import partial
from typing import Any

import torch
from peft import prepare_model_for_kbit_training
from torch import nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import FSDPModule, fully_shard
from torch.distributed.tensor import DTensor

from preact.backbones.four_bit import layers_in_4_bits, packed_length
from preact.training.processes import Processes


def shard(model: Any, processes: Processes) -> None:
    """Keep a part of the model's weights in each process, block by block; one process keeps them all."""
    if processes.size == 1:
        return
    if any(True for _ in layers_in_4_bits(model)):
        # Before they are shared: afterwards it would take packed weights for others, and make them float32.
        prepare_model_for_kbit_training(model, use_gradient_checkpointing=False)
    packing = {layer: _unwrap(layer) for layer in layers_in_4_bits(model)}
    accelerator = torch.accelerator.current_accelerator() if torch.accelerator.is_available() else None
    mesh = init_device_mesh(accelerator.type if accelerator else "cpu", (processes.size,))
    blocks = set(getattr(model, "_no_split_modules", None) or ())
    for module in list(model.modules()):
        if type(module).__name__ in blocks:
            fully_shard(module, mesh=mesh)
    # What stands outside the blocks too is let go after each forward pass: left whole, it would be let go by
    # saving, which the main process does alone, and the processes would no longer gather the same parts.
    fully_shard(model, mesh=mesh, reshard_after_forward=True)
    for layer, pack in packing.items():
        layer.weight.pack = pack
        for name in ("quant_type", "compress_statistics"):  # peft reads them from the weight
            setattr(layer.weight, name, pack.keywords[name])


def _unwrap(layer: Any) -> "partial[torch.Tensor]":
    """Make packed weights a plain column, which FSDP2 can share; return what wraps such weights.

    bitsandbytes wraps a gathered column again by itself, with the layer's own scales. Weights on the meta
    device, not packed yet, become a column as long as it will be.
    """
    weight = layer.weight
    names = ("blocksize", "compress_statistics", "quant_type", "quant_storage")
    options = {name: getattr(weight, name) for name in names}
    column = weight.as_subclass(torch.Tensor).detach()
    if not weight.bnb_quantized:
        column = torch.empty(packed_length(layer), 1, dtype=layer.quant_storage, device=weight.device)
    layer.quant_state = weight.quant_state
    layer.weight = nn.Parameter(column, requires_grad=False)
    wrapper: Any = type(weight)
    return partial(wrapper, requires_grad=False, **options)


def held_bytes(parameter: torch.Tensor) -> int:
    """Bytes of a weight that this process keeps."""
    local = parameter.to_local() if isinstance(parameter, DTensor) else parameter
    return local.numel() * local.element_size()


def gathered_bytes(model: torch.nn.Module) -> int:
    """Bytes that are whole in every process at a time.

    What stands outside the blocks, the block at work and the next one on its way; 0 where nothing is shared.
    """
    sizes = [sum(map(_whole_bytes, _own(part))) for part in model.modules() if isinstance(part, FSDPModule)]
    outside, blocks = sizes[:1], sizes[1:]
    return sum([*outside, *sorted(blocks)[-2:]])


def _own(part: torch.nn.Module) -> Iterator[DTensor]:
    """The shared weights that are gathered with this part, and not with one inside it."""
    yield from (p for p in part.parameters(recurse=False) if isinstance(p, DTensor))
    for child in part.children():
        if not isinstance(child, FSDPModule):
            yield from _own(child)


def _whole_bytes(parameter: DTensor) -> int:
    return parameter.numel() * parameter.element_size()


def is_sharded(model: torch.nn.Module) -> bool:
    """Whether any of its weights is shared among processes."""
    return any(isinstance(parameter, DTensor) for parameter in model.parameters())
