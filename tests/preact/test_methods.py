"""The table of methods agrees with itself."""

from typing import get_args

from preact.methods import METHODS, MethodName


def test_every_method_has_a_row_and_a_title_of_its_own() -> None:
    assert tuple(METHODS) == get_args(MethodName)
    assert len({method.title for method in METHODS.values()}) == len(METHODS)


def test_every_method_tells_trait_levels_apart_in_one_way() -> None:
    for method in METHODS.values():
        assert [method.has_experts, method.prompted, method.adapters == "ten"].count(True) == 1
        assert method.has_experts or method.expert_loss is None
