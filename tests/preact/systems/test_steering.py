"""Steering: that exactly the vector is added, at one block, at every position, and only within its scope."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from oceanchat.errors import EvaluationError
from preact.systems.steering import decoder_blocks, last_residuals, steering, token_ids
from tests.preact.tiny_models import tiny_backbone


def residuals(block: int) -> Tensor:
    """The block's output for a short text, (T, hidden)."""
    outputs: list[Tensor] = []
    backbone = tiny_backbone()
    handle = decoder_blocks(backbone.model)[block].register_forward_hook(
        lambda module, inputs, output: outputs.append(output[0] if output.dim() == 3 else output)
    )
    with torch.inference_mode():
        backbone.model(input_ids=token_ids(backbone, "I like long walks."))
    handle.remove()
    return outputs[0]


def test_the_vector_is_added_once_at_every_position_of_its_block() -> None:
    backbone = tiny_backbone()
    vector = torch.arange(32.0)
    before = residuals(1)
    with steering(backbone.model, 1, vector):
        steered = residuals(1)
    assert torch.allclose(steered - before, vector.expand_as(before), atol=1e-5)
    assert torch.equal(residuals(1), before)


def test_earlier_blocks_see_nothing_and_later_ones_do() -> None:
    backbone = tiny_backbone()
    first, last = residuals(0), residuals(2)
    with steering(backbone.model, 1, torch.full((32,), 3.0)):
        assert torch.equal(residuals(0), first) and not torch.allclose(residuals(2), last)


def test_blocks_that_hand_on_a_tuple_are_steered_alike() -> None:
    class Block(nn.Module):
        def forward(self, hidden: Tensor) -> tuple[Tensor, str]:
            return hidden, "cache"

    class Older(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layers = nn.ModuleList([Block()])

        def forward(self, hidden: Tensor) -> Any:
            return self.layers[0](hidden)

    model = Older()
    with steering(model, 0, torch.tensor([1.0, -2.0])):
        out, cache = model(torch.zeros(1, 3, 2))
    assert torch.equal(out, torch.tensor([1.0, -2.0]).expand(1, 3, 2)) and cache == "cache"


def test_the_last_token_is_read_at_each_block() -> None:
    recorded = last_residuals(tiny_backbone(), ["I like long walks."], [0, 2])
    assert torch.allclose(recorded[2][0], residuals(2)[-1]) and recorded[0].shape == (1, 32)


def test_a_model_without_blocks_is_refused() -> None:
    with pytest.raises(EvaluationError, match="no list of decoder blocks"):
        decoder_blocks(nn.Linear(2, 2))
