"""The losses of batches, by hand, and lambda over the steps."""

from types import SimpleNamespace
from typing import Any

import pytest
import torch

from preact.config import Recipe
from preact.dialogues.conversation import IGNORED
from preact.methods import METHODS, MethodName
from preact.mixture.losses import entropy_shortfall, personality_specialization, sequence_balance
from preact.training.objective import batch_loss, dialogue_losses, expert_loss, loss_weight


def test_losses_by_hand() -> None:
    logits = torch.zeros(2, 3, 4)
    logits[0, 1, 2] = 5.0
    labels = torch.tensor([[IGNORED, IGNORED, 2], [IGNORED, 1, 3]])
    sure = float(torch.logsumexp(torch.tensor([0.0, 0, 5, 0]), 0)) - 5
    flat = float(torch.log(torch.tensor(4.0)))

    def model(**inputs: Any) -> Any:
        return SimpleNamespace(logits=logits)

    assert float(batch_loss(model, {}, labels)) == pytest.approx(sure + 2 * flat, rel=1e-4)
    assert dialogue_losses(model, {}, labels, 2).tolist() == pytest.approx([sure, flat], rel=1e-4)


@pytest.mark.parametrize("method", ["preact", "no-psl", "no-router"])
def test_experts_are_measured_by_psl_whether_or_not_it_is_trained(method: MethodName) -> None:
    weights, sequences = torch.rand(10, 16).softmax(dim=1), torch.tensor([3, 0])
    psl = personality_specialization(weights)
    assert torch.equal(expert_loss(weights, sequences, METHODS[method], Recipe()), psl)
    with_floor = expert_loss(weights, sequences, METHODS[method], Recipe(entropy_floor=2.9))
    assert torch.equal(with_floor, psl + entropy_shortfall(weights, 2.9)) and with_floor > psl


def test_the_auxiliary_loss_looks_at_the_batchs_sequences() -> None:
    weights = torch.rand(10, 16).softmax(dim=1)
    loss = expert_loss(weights, torch.tensor([3, 0, 3]), METHODS["auxiliary"], Recipe())
    assert torch.equal(loss, sequence_balance(weights[[3, 0, 3]]))


def test_lambda_rises_over_its_warm_up() -> None:
    recipe = Recipe(psl_warmup_steps=10, loss_weight=0.2)
    assert loss_weight(recipe, 5) == pytest.approx(0.1)
    assert loss_weight(recipe, 50) == loss_weight(Recipe(loss_weight=0.2), 0) == pytest.approx(0.2)
