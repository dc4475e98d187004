"""Real quantized backbones and the real 8-bit optimizer, by bitsandbytes on the CPU."""

from pathlib import Path
from typing import Any, Literal

import pytest
import torch
from safetensors.torch import load_file

from preact.backbones.backbone import load
from preact.backbones.packed_attention import check_packing
from preact.backbones.tiny import build, save
from preact.config import TinyShape, TrainConfig
from preact.evaluation.identification import identify
from preact.systems.trained import open_run
from preact.training.runs import adapter_folder
from preact.training.train import train
from tests.preact.conftest import RECIPE

pytestmark = pytest.mark.slow

SHAPE = TinyShape(vocabulary=400, hidden=64, layers=1, feed_forward=128, heads=2, steps=2, batch=2, width=32)
"""Blocks of 4-bit weights are 64 wide."""


@pytest.fixture(scope="module")
def backbone_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A saved backbone wide enough to quantize."""
    folder = tmp_path_factory.mktemp("backbone") / "model"
    texts = ["A small text about weather and walks. " * 30]
    save(build(texts, [], shape=SHAPE, seed=1, progress=lambda *figures: None), folder, SHAPE, 1)
    return folder


def config(release: Path, output: Path, backbone: Path, **recipe: Any) -> TrainConfig:
    return TrainConfig(
        release=str(release),
        output=str(output),
        backbone=str(backbone),
        recipe=RECIPE.model_copy(update={"packing": False, "learning_rate": 0.02, "epochs": 8.0, **recipe}),
        threads=1,
    )


@pytest.mark.parametrize("bits", ["4bit", "8bit"])
def test_a_run_on_a_quantized_backbone_trains_and_identifies(
    bits: Literal["4bit", "8bit"], release_folder: Path, backbone_folder: Path, tmp_path: Path
) -> None:
    losses: list[str] = []
    options = {"quantise": bits, "precision": "bfloat16"}
    record = train(config(release_folder, tmp_path / "run", backbone_folder, **options), losses.append)
    first = next(line for line in losses if line.startswith("step 1/"))
    assert record.final["lm_loss"] < 0.93 * float(first.split("LM ")[1].split()[0])
    kinds = {type(m).__name__ for m in open_run(tmp_path / "run").model.modules()}
    assert ("Linear4bit" if bits == "4bit" else "Linear8bitLt") in kinds
    assert identify(tmp_path / "run").named.ties == 0
    saved = load_file(adapter_folder(tmp_path / "run", "default") / "adapter_model.safetensors")
    assert all("lora_" in name or "preact_router" in name for name in saved)


@pytest.mark.parametrize("bits", ["4bit", "8bit"])
def test_quantizing_changes_the_weights_little(bits: Literal["4bit", "8bit"], backbone_folder: Path) -> None:
    ids = torch.arange(10, 30).unsqueeze(0)
    with torch.no_grad():
        whole = load(str(backbone_folder), precision="bfloat16").model(ids).logits
        coarse = load(str(backbone_folder), precision="bfloat16", quantise=bits).model(ids).logits
    assert not torch.equal(whole, coarse)
    assert torch.nn.functional.cosine_similarity(whole, coarse, dim=-1).min() > 0.98


@pytest.mark.parametrize("bits", ["4bit", "8bit"])
def test_packed_rows_of_a_quantized_backbone_are_the_padded_ones(
    bits: Literal["4bit", "8bit"], backbone_folder: Path
) -> None:
    model = load(str(backbone_folder), precision="float32", quantise=bits).model
    rows = [list(range(10, 30)), list(range(40, 55)), list(range(80, 98))]
    assert check_packing(model, rows, 0) < 1e-3


@pytest.mark.parametrize("bits", ["4bit", "8bit"])
def test_gradients_are_the_same_after_a_look_in_evaluation(
    bits: Literal["4bit", "8bit"], backbone_folder: Path
) -> None:
    model = load(str(backbone_folder), precision="float32", quantise=bits).model
    embedded = model.get_input_embeddings()(torch.arange(10, 30).unsqueeze(0)).detach()

    def gradient() -> torch.Tensor:
        read = embedded.clone().requires_grad_()
        model.train()
        (of_read,) = torch.autograd.grad(model(inputs_embeds=read).logits.logsumexp(-1).sum(), read)
        return of_read

    before = gradient()
    model.eval()
    with torch.no_grad():
        model(inputs_embeds=embedded)
    assert torch.allclose(gradient(), before, atol=1e-6) and before.abs().max() > 1e-3


def test_the_8_bit_optimizer_trains(release_folder: Path, backbone_folder: Path, tmp_path: Path) -> None:
    runs = {
        name: train(
            config(release_folder, tmp_path / name, backbone_folder, optimiser=name), lambda line: None
        )
        for name in ("adamw", "adamw-8bit")
    }
    assert runs["adamw-8bit"].final["lm_loss"] == pytest.approx(runs["adamw"].final["lm_loss"], rel=0.1)
