"""Read each process's part of a backbone.

Weight by weight, from files mapped into memory: of a backbone that several processes share, none ever holds
more than its parts and one weight. Weights to be quantized are quantized here, each whole, as bitsandbytes
would. It knows nothing of training.
"""

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn
from torch.distributed.tensor import DTensor

from oceanchat.errors import TrainingError
from preact.backbones.four_bit import layers_in_4_bits
from preact.backbones.tensor_files import saved_tensors


def fill(model: Any, files: Mapping[str, Path], dtype: torch.dtype) -> None:
    """Give a shared model on the meta device its weights: `files` has the file of each, by its name.

    `dtype` is the number format that an unshared backbone would be held in; every weight is rounded to it.
    Raises TrainingError for a file that can be read no longer.
    """
    device = torch.accelerator.current_accelerator() if torch.accelerator.is_available() else None
    tensors = list(saved_tensors(model))
    columns = {id(layer.weight): layer for layer in layers_in_4_bits(model)}
    for path in sorted(set(files.values())):
        # A file at a time: what is mapped of one counts as this process's memory until it is closed.
        with _readable(path) as opened:
            for names, tensor in tensors:
                name = next((name for name in names if files.get(name) == path), None)
                if name is None:
                    continue
                layer = columns.get(id(tensor))
                if layer is not None:
                    value = _packed(layer, opened.get_tensor(name).to(dtype), device)
                else:
                    value = _part(opened.get_slice(name), tensor, dtype)
                _put(model, names, tensor, value.to(device or "cpu"))
    for module in model.modules():
        for name in module._non_persistent_buffers_set:
            if module._buffers[name] is not None:
                module._buffers[name] = module._buffers[name].to(device or "cpu")


@contextmanager
def _readable(path: Path) -> Iterator[Any]:
    try:
        with safe_open(path, framework="pt") as opened:
            yield opened
    except (OSError, SafetensorError) as error:
        raise TrainingError(
            f"file '{path}' of the backbone cannot be read ({error}); copy or download it again"
        ) from None


def _rows(tensor: DTensor) -> slice:
    """The rows of a shared tensor that are this process's: as torch.chunk shares them."""
    mesh = tensor.device_mesh
    each = math.ceil(tensor.shape[0] / mesh.size())
    start = min(tensor.shape[0], each * mesh.get_local_rank())
    return slice(start, min(tensor.shape[0], start + each))


def _part(stored: Any, tensor: Tensor, dtype: torch.dtype) -> Tensor:
    """This process's rows of a weight in a file, in the number format of the model."""
    rows = _rows(tensor) if isinstance(tensor, DTensor) else slice(None)
    value: Tensor = stored[rows] if tensor.dim() else stored[...]
    if not value.is_floating_point():
        return value.clone()
    rounded = value.to(dtype)
    # Never the rows themselves: what is mapped goes with its file.
    return rounded.to(tensor.dtype, copy=rounded is value)


def _packed(layer: Any, weight: Tensor, device: torch.device | None) -> Tensor:
    """This process's rows of the column of a layer's weights in 4 bits; the layer gets what scales them."""
    quantized = layer.weight.pack(weight).to(device or "cpu")  # which packs it
    layer.quant_state = quantized.quant_state
    column: Tensor = quantized.as_subclass(torch.Tensor).detach()
    return column[_rows(layer.weight)].clone()


def _put(model: Any, names: list[str], tensor: Tensor, value: Tensor) -> None:
    """Set it under all its names, so that tied weights stay one."""
    new: Any = value
    if isinstance(tensor, DTensor):
        new = DTensor.from_local(
            value,
            tensor.device_mesh,
            tensor.placements,
            run_check=False,
            shape=tensor.shape,
            stride=tensor.stride(),
        )
    if isinstance(tensor, nn.Parameter):
        new = nn.Parameter(new, requires_grad=tensor.requires_grad)
        vars(new).update(vars(tensor))
    for name in names:
        prefix, _, own = name.rpartition(".")
        setattr(model.get_submodule(prefix), own, new)
