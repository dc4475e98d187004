"""GGUF adapters read back as the tensors, names and scale that llama.cpp expects."""

from pathlib import Path
from types import SimpleNamespace

import gguf
import numpy
import pytest
import torch
from transformers.modeling_gguf_pytorch_utils import LlamaTensorProcessor

from oceanchat.errors import TrainingError
from preact.export.adapter import ExportOptions, export_adapter
from preact.export.folding import fold
from preact.export.gguf_adapter import read_gguf, write_gguf
from preact.persona import parse_persona
from preact.systems.trained import open_run
from tests.preact.conftest import Run

PERSONA = parse_persona("N+")


def test_a_gguf_adapter_holds_the_export(preact_run: Run, tmp_path: Path) -> None:
    done = export_adapter(preact_run.folder, PERSONA, tmp_path / "n high", ExportOptions(gguf=True))
    path = done.folder / "n-high.gguf"
    fields = gguf.GGUFReader(path).fields
    texts = {name: bytes(f.parts[f.data[0]]).decode() for name, f in fields.items() if name.endswith("type")}
    assert texts == {"general.type": "adapter", "adapter.type": "lora"}
    alpha, tensors = read_gguf(path)
    folded = fold(open_run(preact_run.folder), PERSONA)
    assert alpha == folded.config.lora_alpha and len(tensors) == len(folded.tensors)
    for side in "ab":
        own = folded.tensors[f"base_model.model.model.layers.1.mlp.down_proj.lora_{side.upper()}.weight"]
        assert numpy.array_equal(tensors[f"blk.1.ffn_down.weight.lora_{side}"], own.numpy())
    guide = (done.folder / "serve.md").read_text()
    assert "--lora n-high.gguf" in guide and "ADAPTER ./n-high.gguf" in guide
    assert "convert_lora_to_gguf" not in guide


@pytest.mark.parametrize(("module", "name"), [("q_proj", "attn_q"), ("k_proj", "attn_k")])
def test_rows_of_queries_and_keys_lie_as_transformers_reads_them(
    module: str, name: str, preact_run: Run, tmp_path: Path
) -> None:
    trained = open_run(preact_run.folder)
    folded = fold(trained, PERSONA)
    write_gguf(tmp_path / "n.gguf", folded, trained.model.config)
    tensors = read_gguf(tmp_path / "n.gguf")[1]
    a, b = (tensors[f"blk.0.{name}.weight.lora_{side}"] for side in "ab")
    # What transformers does to such a weight of a .gguf backbone, written by others than us.
    read = LlamaTensorProcessor({})._reverse_permute_weights(b @ a, 2, 2)
    stem = f"base_model.model.model.layers.0.self_attn.{module}"
    own = folded.tensors[f"{stem}.lora_B.weight"] @ folded.tensors[f"{stem}.lora_A.weight"]
    assert torch.allclose(torch.from_numpy(read.copy()), own, atol=1e-6) and own.abs().max() > 1e-4


def test_an_architecture_of_unknown_layout_is_refused(preact_run: Run, tmp_path: Path) -> None:
    folded = fold(open_run(preact_run.folder), PERSONA)
    with pytest.raises(TrainingError, match="does not know architecture 'bloom'"):
        write_gguf(tmp_path / "x.gguf", folded, SimpleNamespace(model_type="bloom"))
    assert list(tmp_path.iterdir()) == []
