"""An adapter as a GGUF file for llama.cpp.

Tensors under llama.cpp's names, alpha beside them, as its own converter of LoRA adapters writes them. What is
written is read back with the `gguf` package; the tests load it in llama.cpp. It knows nothing of runs.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import gguf
import numpy
from numpy.typing import NDArray
from torch import Tensor

from oceanchat.errors import TrainingError
from preact.export.folding import Folded

Array = NDArray[numpy.float32]

ARCHITECTURES: Mapping[str, str] = {
    "llama": "llama",
    "mistral": "llama",
    "qwen2": "qwen2",
    "qwen3": "qwen3",
    "gemma2": "gemma2",
    "gemma3_text": "gemma3",
}
"""llama.cpp's name of an architecture by the model type in a backbone's config."""


def write_gguf(path: Path, folded: Folded, config: Any) -> None:
    """Write an adapter of a backbone with this config (transformers') as float32.

    Raises TrainingError for an architecture or a module whose layout in llama.cpp is not known here, and when
    the file reads back differently.
    """
    architecture = ARCHITECTURES.get(config.model_type)
    if architecture is None:
        raise TrainingError(
            f"--format gguf does not know architecture '{config.model_type}'; it knows"
            f" {', '.join(ARCHITECTURES)}: export without it and convert with llama.cpp's own script"
        )
    tensors = gguf_tensors(folded.tensors, architecture, config)
    alpha = float(folded.config.lora_alpha)
    _write(path, architecture, alpha, tensors)
    read_alpha, read = read_gguf(path)
    same = read.keys() == tensors.keys() and all(numpy.array_equal(read[n], tensors[n]) for n in tensors)
    if read_alpha != numpy.float32(alpha) or not same:
        path.unlink()
        raise TrainingError(f"file '{path}' reads back differently from what was written; write it again")


def gguf_tensors(tensors: Mapping[str, Tensor], architecture: str, config: Any) -> dict[str, Array]:
    """LoRA tensors in float32 under llama.cpp's names, `blk.0.attn_q.weight.lora_a` (r x d_in) and so on."""
    number = next(n for n, name in gguf.MODEL_ARCH_NAMES.items() if name == architecture)
    names = gguf.get_tensor_name_map(number, config.num_hidden_layers)
    converted: dict[str, Array] = {}
    for key, tensor in tensors.items():
        module, _, side = key.removeprefix("base_model.model.").rpartition(".lora_")
        name = names.get_name(f"{module}.weight", try_suffixes=(".weight",))
        if name is None:
            raise TrainingError(
                f"--format gguf finds no tensor of llama.cpp's {architecture} for module '{module}'; train"
                " on other --target-modules, or export without it"
            )
        array = tensor.float().numpy()
        if architecture == "llama" and side == "B.weight" and module.endswith(("q_proj", "k_proj")):
            keys = module.endswith("k_proj")
            array = _interleave(array, config.num_key_value_heads if keys else config.num_attention_heads)
        converted[f"{name}.lora_{side[0].lower()}"] = array
    return converted


def read_gguf(path: Path) -> tuple[float, dict[str, Array]]:
    """The alpha and the tensors of a GGUF adapter, in the shapes of `gguf_tensors`."""
    reader = gguf.GGUFReader(path)
    field = reader.fields[gguf.Keys.Adapter.LORA_ALPHA]
    return float(field.parts[field.data[0]][0]), {t.name: numpy.array(t.data) for t in reader.tensors}


def _interleave(rows: Array, heads: int) -> Array:
    """The rows of each head as llama.cpp's rotary embedding takes them: pairs side by side, not in halves."""
    halves = rows.reshape(heads, 2, -1, rows.shape[1])
    return numpy.ascontiguousarray(halves.transpose(0, 2, 1, 3).reshape(rows.shape))


def _write(path: Path, architecture: str, alpha: float, tensors: Mapping[str, Array]) -> None:
    writer = gguf.GGUFWriter(path, architecture)
    writer.add_type(gguf.GGUFType.ADAPTER)
    writer.add_string(gguf.Keys.Adapter.TYPE, "lora")
    writer.add_float32(gguf.Keys.Adapter.LORA_ALPHA, alpha)
    for name, array in tensors.items():
        writer.add_tensor(name, array)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
