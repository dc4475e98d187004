"""The threads a run asks for, and what the processor says it can do."""

import ctypes

import pytest
import torch

from preact.backbones.cpu import multiplies_in_bfloat16, prepare_cpu


def test_so_many_threads_are_used_and_0_changes_nothing() -> None:
    before = torch.get_num_threads()
    try:
        prepare_cpu(2)
        assert torch.get_num_threads() == 2
        prepare_cpu(0)
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


def test_a_system_without_glibc_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise OSError(f"no {name} here")

    monkeypatch.setattr(ctypes, "CDLL", missing)
    prepare_cpu(0)


def test_a_processor_without_matrix_units_multiplies_in_float32(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", dict, raising=False)
    assert not multiplies_in_bfloat16()
