"""A lower rank is the closest one, and is chosen by what it costs."""

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from oceanchat.errors import TrainingError
from preact.export.adapter import ExportOptions, export_adapter
from preact.export.folding import fold
from preact.export.truncation import truncate
from preact.persona import parse_persona
from preact.systems.trained import open_run
from tests.preact.conftest import Run

PERSONA = parse_persona("O+")


def test_a_cut_adapter_is_the_closest_of_its_rank(preact_run: Run) -> None:
    folded = fold(open_run(preact_run.folder), PERSONA)
    lower = truncate(folded, 8)
    assert lower.config.r == 8 and lower.config.lora_alpha / 8 == folded.config.lora_alpha / folded.config.r
    for name in (name for name in folded.tensors if "lora_A" in name):
        other = name.replace("lora_A", "lora_B")
        product = folded.tensors[other].double() @ folded.tensors[name].double()
        lost = product - lower.tensors[other].double() @ lower.tensors[name].double()
        rest = torch.linalg.svdvals(product)[8:]
        assert float(lost.norm()) == pytest.approx(float(rest.norm()), rel=1e-3, abs=1e-6)
        assert lower.tensors[name].shape[0] == 8 == lower.tensors[other].shape[1]


def test_the_lowest_rank_that_loses_little_is_taken(preact_run: Run, tmp_path: Path) -> None:
    lines: list[str] = []
    options = ExportOptions(rank="auto", max_loss=10.0)
    done = export_adapter(preact_run.folder, PERSONA, tmp_path / "any", options, lines.append)
    assert done.rank == 8 and done.lost is not None and done.difference <= 1e-5
    assert [line for line in lines if line.startswith("rank   8: loss ")]
    tensors = load_file(done.folder / "adapter_model.safetensors")
    assert all(8 in tensor.shape for tensor in tensors.values())
    assert json.loads((done.folder / "adapter_config.json").read_text())["r"] == 8
    assert "Cut to rank 8 after the check" in (done.folder / "README.md").read_text()
    assert "--max-lora-rank 8 " in (done.folder / "serve.md").read_text()
    none = export_adapter(
        preact_run.folder, PERSONA, tmp_path / "none", ExportOptions(rank="auto", max_loss=0.0)
    )
    assert none.lost is not None and none.lost <= 0.0


def test_a_rank_that_was_named_is_taken_and_measured(preact_run: Run, tmp_path: Path) -> None:
    done = export_adapter(preact_run.folder, PERSONA, tmp_path / "four", ExportOptions(rank=4))
    assert done.rank == 4 and done.lost is not None
    with pytest.raises(TrainingError, match="--rank 33 is above 32"):
        export_adapter(preact_run.folder, PERSONA, tmp_path / "more", ExportOptions(rank=33))
    assert not (tmp_path / "more").exists()
