"""The table of methods agrees with itself and with what is trained."""

from typing import get_args

import pytest
from peft import LoraConfig

from preact.config import TINY_RECIPE, TrainConfig
from preact.methods import METHODS, MethodName
from preact.mixture.model import PreactConfig
from preact.training.adapters import adapt
from tests.preact.conftest import micro_llama


def test_every_method_has_a_row_and_a_title_of_its_own() -> None:
    assert tuple(METHODS) == get_args(MethodName)
    assert len({method.title for method in METHODS.values()}) == len(METHODS)


def test_every_method_tells_trait_levels_apart_in_one_way() -> None:
    for method in METHODS.values():
        assert [method.has_experts, method.prompted, method.adapters == "ten"].count(True) == 1
        assert method.has_experts or method.expert_loss is None


@pytest.mark.parametrize("name", METHODS)
def test_a_method_adds_the_adapter_of_its_row(name: MethodName) -> None:
    config = TrainConfig(release="r", output="o", method=name, recipe=TINY_RECIPE)
    peft_config = adapt(micro_llama(), config).peft_config["default"]
    assert type(peft_config) is (PreactConfig if METHODS[name].has_experts else LoraConfig)
    assert getattr(peft_config, "router", None) == METHODS[name].router
