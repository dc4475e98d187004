"""Folding changes neither names nor scale."""

import torch

from preact.export.folding import fold
from preact.persona import parse_persona
from preact.systems.trained import open_run
from tests.preact.conftest import Run


def test_cutting_experts_keeps_the_scale_and_their_channels(preact_run: Run) -> None:
    trained = open_run(preact_run.folder)
    whole, cut = (fold(trained, parse_persona("E+"), number) for number in (None, 4))
    assert whole.config.lora_alpha / whole.config.r == cut.config.lora_alpha / cut.config.r == 2
    assert whole.weights is not None and cut.weights is not None
    chosen = cut.weights.nonzero().flatten()
    share = whole.config.r // len(whole.weights)
    channels = (chosen.unsqueeze(1) * share + torch.arange(share)).flatten()
    for name, tensor in whole.tensors.items():
        own = tensor[:, channels] if "lora_B" in name else tensor[channels]
        assert torch.equal(cut.tensors[name], own)


def test_strength_is_in_lora_b_alone(preact_run: Run) -> None:
    trained = open_run(preact_run.folder)
    whole, strong = (fold(trained, parse_persona("E+"), None, strength) for strength in (1.0, 1.5))
    assert whole.config.lora_alpha == strong.config.lora_alpha
    for name, tensor in whole.tensors.items():
        assert torch.equal(strong.tensors[name], tensor * 1.5 if "lora_B" in name else tensor)
