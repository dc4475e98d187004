"""Each method adds the adapter of its row; saved adapters are loaded frozen."""

from pathlib import Path

import pytest
from peft import LoraConfig

from oceanchat.errors import TrainingError
from preact.backbones.modules import find_targets
from preact.config import TINY_RECIPE, TrainConfig
from preact.methods import METHODS, MethodName
from preact.mixture.model import PreactConfig
from preact.training.adapters import adapt, load_adapters
from tests.preact.architectures import tiny
from tests.preact.conftest import micro_llama


@pytest.mark.parametrize("name", METHODS)
def test_a_method_adds_the_adapter_of_its_row(name: MethodName) -> None:
    config = TrainConfig(release="r", output="o", method=name, recipe=TINY_RECIPE)
    peft_config = adapt(micro_llama(), config).peft_config["default"]
    assert type(peft_config) is (PreactConfig if METHODS[name].has_experts else LoraConfig)
    assert getattr(peft_config, "router", None) == METHODS[name].router


def test_saved_adapters_are_loaded_frozen_and_the_first_is_active(tmp_path: Path) -> None:
    config = TrainConfig(release="r", output="o", recipe=TINY_RECIPE)
    for name in ("O+", "N-"):
        adapt(micro_llama(), config).save_pretrained(tmp_path / name)
    model = load_adapters(micro_llama(), {name: tmp_path / name for name in ("O+", "N-")})
    assert model.active_adapter == "O+" and set(model.peft_config) == {"O+", "N-"}
    assert not model.training and not any(p.requires_grad for p in model.parameters())


def test_a_damaged_adapter_is_one_line(tmp_path: Path) -> None:
    adapt(micro_llama(), TrainConfig(release="r", output="o", recipe=TINY_RECIPE)).save_pretrained(tmp_path)
    path = tmp_path / "adapter_model.safetensors"
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(TrainingError, match=r"adapter '.*' cannot be loaded"):
        load_adapters(micro_llama(), {"default": tmp_path})


@pytest.mark.parametrize("architecture", ["phi3", "gpt-neox", "gpt2", "mixtral"])
def test_modules_are_chosen_by_the_architecture_and_named(architecture: str) -> None:
    config = TrainConfig(release="r", output="o", recipe=TINY_RECIPE)
    model = tiny(architecture)
    named = find_targets(model, ()).counts
    assert named and set(adapt(model, config).peft_config["default"].target_modules) == set(named)


def test_pickled_adapters_are_not_read(tmp_path: Path) -> None:
    adapt(micro_llama(), TrainConfig(release="r", output="o", recipe=TINY_RECIPE)).save_pretrained(
        tmp_path, safe_serialization=False
    )
    (tmp_path / "adapter_model.safetensors").unlink(missing_ok=True)
    with pytest.raises(TrainingError, match="pickled weights are not read"):
        load_adapters(micro_llama(), {"default": tmp_path})
