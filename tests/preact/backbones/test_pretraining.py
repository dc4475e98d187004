"""A pre-training that was stopped goes on to the very weights it would have had."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor

from preact.backbones.pretraining import Checkpoint, pretrain
from tests.preact.conftest import MICRO, micro_llama

STREAM = torch.arange(600) * 7 % 97


class Stopped(Exception):
    """The process ends here."""


def weights(checkpoint: Checkpoint | None, steps: list[int], stop: int = 0, seed: int = 3) -> list[Tensor]:
    def progress(step: int, of: int, loss: float) -> None:
        steps.append(step)
        if step == stop:
            raise Stopped

    model = micro_llama()
    pretrain(model, STREAM, MICRO, seed, progress, checkpoint=checkpoint)
    return [parameter.detach() for parameter in model.parameters()]


# 9 is among the longer rows, 1 within the warm-up.
@pytest.mark.parametrize("stop", [1, 5, 9])
def test_a_stopped_one_goes_on_to_the_same_bits(tmp_path: Path, stop: int) -> None:
    whole, checkpoint = weights(None, []), Checkpoint(tmp_path / "backbone.pt", seconds=0)
    with pytest.raises(Stopped):
        weights(checkpoint, [], stop)
    steps: list[int] = []
    resumed = weights(checkpoint, steps)
    assert steps == list(range(stop + 1, MICRO.steps + 1))
    assert all(a.equal(b) for a, b in zip(whole, resumed, strict=True))


@pytest.mark.parametrize("spoil", [lambda file: file.write_bytes(file.read_bytes()[:900]), lambda file: None])
def test_a_torn_checkpoint_or_one_of_another_seed_is_passed_over(
    tmp_path: Path, spoil: Callable[[Path], None]
) -> None:
    file = tmp_path / "backbone.pt"
    with pytest.raises(Stopped):
        weights(Checkpoint(file, 0), [], 5, seed=4)
    spoil(file)
    steps: list[int] = []
    resumed = weights(Checkpoint(file), steps)
    assert steps == list(range(1, MICRO.steps + 1))
    assert all(a.equal(b) for a, b in zip(weights(None, []), resumed, strict=True))
