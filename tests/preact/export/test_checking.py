"""Exports of quantized runs by bitsandbytes on the CPU, and checks that numbers cannot slip through."""

import json
import shutil
from pathlib import Path

import pytest
import torch
from peft import PeftModel
from safetensors.torch import load_file, save_file

from oceanchat.errors import TrainingError
from preact.backbones.backbone import load
from preact.backbones.tiny import build, save
from preact.config import TinyShape
from preact.export.adapter import Exported, ExportOptions, export_adapter
from preact.export.checking import largest_difference, logits, questions, run_logits
from preact.persona import parse_persona
from preact.systems.trained import open_run
from preact.training.runs import adapter_folder
from preact.training.train import train
from tests.preact.conftest import Run, micro_config

SHAPE = TinyShape(vocabulary=400, hidden=64, layers=1, feed_forward=128, heads=2, steps=2, batch=2, width=32)
"""Blocks of 4-bit weights are 64 wide."""
PERSONA = parse_persona("N+")


@pytest.fixture(scope="module")
def quantized_run(release_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of a few steps on a backbone in 4-bit."""
    folder = tmp_path_factory.mktemp("quantized")
    texts = ["A small text about weather and walks. " * 30]
    built = build(texts, [], shape=SHAPE, seed=1, progress=lambda *figures: None)
    save(built, folder / "backbone", SHAPE, 1)
    recipe = {"packing": False, "quantise": "4bit", "learning_rate": 0.02}
    options = {"backbone": str(folder / "backbone"), "recipe": recipe, "max_steps": 4}
    train(micro_config(release_folder, folder / "run", **options), lambda line: None)
    return folder / "run"


@pytest.fixture(scope="module")
def merged(quantized_run: Path) -> Exported:
    return export_adapter(quantized_run, PERSONA, quantized_run.parent / "merged", ExportOptions(merge=True))


def test_an_adapter_is_compared_on_the_backbone_as_it_was_trained(
    quantized_run: Path, tmp_path: Path
) -> None:
    done = export_adapter(quantized_run, PERSONA, tmp_path / "out")
    assert done.difference <= 1e-5 < done.effect and done.quantization is None
    assert "serve it on the backbone quantized the same way" in done.notes[-1]


def test_a_whole_model_that_rounding_hides_says_so(release_folder: Path, tmp_path: Path) -> None:
    recipe = {"precision": "bfloat16", "learning_rate": 1e-5}
    train(micro_config(release_folder, tmp_path / "run", recipe=recipe, max_steps=1), lambda line: None)
    with pytest.raises(TrainingError, match=r"cannot be told: .*bfloat16.* leave --merge out"):
        export_adapter(tmp_path / "run", PERSONA, tmp_path / "whole", ExportOptions(merge=True))
    assert not (tmp_path / "whole").exists()


def test_a_run_in_bfloat16_is_compared_without_its_rounding(release_folder: Path, tmp_path: Path) -> None:
    recipe = {"precision": "bfloat16", "learning_rate": 0.02}
    train(micro_config(release_folder, tmp_path / "run", recipe=recipe, max_steps=4), lambda line: None)
    done = export_adapter(tmp_path / "run", PERSONA, tmp_path / "out")
    assert done.difference <= 1e-5 < done.effect
    whole = export_adapter(tmp_path / "run", PERSONA, tmp_path / "whole", ExportOptions(merge=True))
    assert whole.difference <= 0.05 < whole.effect
    assert open_run(tmp_path / "run").model.dtype == torch.bfloat16


def test_a_whole_model_is_the_adapter_on_whole_weights(quantized_run: Path, merged: Exported) -> None:
    trained = open_run(quantized_run)
    ids = questions(trained, PERSONA)
    whole = load(str(merged.folder), precision="float32").model
    assert "quantization_config" not in json.loads((merged.folder / "config.json").read_text())
    export_adapter(quantized_run, PERSONA, merged.folder.parent / "adapter")
    backbone = load(trained.record.config.backbone, precision="float32").model
    plain = PeftModel.from_pretrained(backbone, str(merged.folder.parent / "adapter")).eval()
    assert largest_difference(logits(whole, ids), logits(plain, ids)) <= 1e-4


def test_the_share_of_quantization_is_measured_and_on_the_card(quantized_run: Path, merged: Exported) -> None:
    trained = open_run(quantized_run)
    with torch.no_grad():
        weights = trained.expert_weights()[4]
    whole = load(str(merged.folder), precision="float32").model
    apart = largest_difference(
        logits(whole, questions(trained, PERSONA)), run_logits(trained, PERSONA, weights)
    )
    assert merged.quantization == pytest.approx(apart, abs=1e-4) and apart > 1e-3
    card = (merged.folder / "README.md").read_text()
    assert f"{merged.quantization / merged.effect:.0%} of the adapter's effect" in card


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_an_adapter_without_numbers_is_refused(value: float, preact_run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    shutil.copytree(preact_run.folder, folder)
    path = adapter_folder(folder, "default") / "adapter_model.safetensors"
    tensors = load_file(path)
    name = next(name for name in tensors if name.endswith("lora_B.weight"))
    save_file({**tensors, name: tensors[name].clone().fill_(value)}, path)
    with pytest.raises(TrainingError, match="its training diverged"):
        export_adapter(folder, PERSONA, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_no_number_is_lost_in_a_largest_difference() -> None:
    zeros, nan = torch.zeros(2), torch.tensor([0.0, float("nan")])
    for others in ([zeros, nan], [nan, zeros]):
        difference = largest_difference([zeros, zeros], others)
        assert difference != difference
    assert largest_difference([zeros], [torch.tensor([0.5, -2.0])]) == 2.0
