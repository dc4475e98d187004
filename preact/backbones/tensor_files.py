"""Which file holds each weight.

From the headers of safetensors files: no weight is read. It knows nothing of how a model is used.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from safetensors import safe_open


def files_of(model: Any, files: Mapping[str, Path]) -> dict[str, Path] | None:
    """The file of each weight and saved buffer, by its name; of tied weights one of their names.

    None where a weight is in none of the files, or has another shape there. Raises SafetensorError or OSError
    for a file that cannot be read.
    """
    shapes: dict[str, tuple[int, ...]] = {}
    holders: dict[str, Path] = {}
    for path in files.values():
        with safe_open(path, framework="pt") as opened:
            for name in opened.keys():  # noqa: SIM118  (no mapping)
                shapes[name] = tuple(opened.get_slice(name).get_shape())
                holders[name] = path
    chosen: dict[str, Path] = {}
    for names, tensor in saved_tensors(model):
        name = next((name for name in names if shapes.get(name) == tuple(tensor.shape)), None)
        if name is None:
            return None
        chosen[name] = holders[name]
    return chosen


def saved_tensors(model: Any) -> Iterable[tuple[list[str], Any]]:
    """Each parameter and saved buffer with all its names: tied ones have several."""
    names: dict[int, list[str]] = {}
    tensors: dict[int, Any] = {}
    unsaved = {
        f"{prefix}.{name}" if prefix else name
        for prefix, module in model.named_modules()
        for name in module._non_persistent_buffers_set
    }
    buffers = ((name, b) for name, b in model.named_buffers(remove_duplicate=False) if name not in unsaved)
    for name, tensor in (*model.named_parameters(remove_duplicate=False), *buffers):
        names.setdefault(id(tensor), []).append(name)
        tensors[id(tensor)] = tensor
    return [(names[key], tensors[key]) for key in names]
