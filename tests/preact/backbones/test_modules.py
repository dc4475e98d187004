"""What is adapted by default, architecture by architecture, and names that match nothing."""

import pytest
from torch import nn

from oceanchat.errors import TrainingError
from preact.backbones.modules import find_targets, has_other_senses
from tests.preact.architectures import tiny
from tests.preact.conftest import micro_llama

SEPARATE = {"q_proj", "k_proj", "v_proj", "gate_proj", "up_proj", "down_proj"}
BY_NUMBER = {"q_proj", "k_proj", "v_proj", "fc1", "fc2"}
FUSED = {"query_key_value", "dense_h_to_4h", "dense_4h_to_h"}
BY_ARCHITECTURE = {
    **dict.fromkeys(("llama", "qwen2", "qwen3", "mistral-window", "gemma2", "gemma3"), SEPARATE),
    **dict.fromkeys(("gpt-neox", "falcon", "bloom"), FUSED),
    **dict.fromkeys(("phi", "opt"), BY_NUMBER),
    "phi3": {"qkv_proj", "gate_up_proj", "down_proj"},
    "gpt2": {"c_attn", "c_fc", "mlp.c_proj"},
    "mixtral": {"q_proj", "k_proj", "v_proj"},
}


@pytest.mark.parametrize("architecture", BY_ARCHITECTURE)
def test_query_key_value_and_feed_forward_are_adapted_in_every_layer(architecture: str) -> None:
    targets = find_targets(tiny(architecture), ())
    assert targets.counts == dict.fromkeys(BY_ARCHITECTURE[architecture], 2)
    assert "(2 each)" in targets.text and ("experts" in targets.text) is (architecture == "mixtral")


def test_experts_in_one_tensor_stay_as_they_are_and_that_is_said() -> None:
    targets = find_targets(tiny("mixtral"), ())
    assert targets.untouched == 2 * 4 * (96 * 32 + 32 * 48)
    assert targets.text == (
        "q_proj, k_proj, v_proj (2 each); the feed-forward experts (36,864 parameters) stay as they are"
    )


def test_every_name_given_must_match() -> None:
    assert find_targets(micro_llama(), ("q_proj", "mlp.up_proj")).counts == {"q_proj": 2, "mlp.up_proj": 2}
    with pytest.raises(
        TrainingError, match=r"target modules 'wq, proj' match nothing .* are down_proj, gate"
    ):
        find_targets(micro_llama(), ("q_proj", "wq", "proj"))


def test_an_architecture_with_other_names_asks_for_them() -> None:
    model = nn.ModuleDict({"mixer": nn.Linear(2, 2)})
    with pytest.raises(TrainingError, match=r"by default match nothing .* modules are mixer: name some"):
        find_targets(model, ())


def test_what_sees_is_left_alone() -> None:
    model = nn.ModuleDict({"vision_tower": nn.ModuleDict({"q_proj": nn.Linear(2, 2)})})
    assert has_other_senses(model) and not has_other_senses(micro_llama())
    model["decoder"] = nn.ModuleDict({"q_proj": nn.Linear(2, 2)})
    assert find_targets(model, ()).counts == {"q_proj": 1}
