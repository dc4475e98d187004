"""The losses on expert weights against values computed by hand."""

import math

import pytest
import torch

from preact.mixture.losses import entropy_shortfall, expert_use, personality_specialization, sequence_balance


def test_uniform_weights_of_the_paper_give_5_625() -> None:
    assert float(personality_specialization(torch.full((10, 16), 1 / 16))) == pytest.approx(5.625)


def test_psl_is_the_sum_over_ordered_pairs_by_hand() -> None:
    weights = torch.tensor([[1.0, 0.0], [0.5, 0.5], [0.25, 0.75]])
    # 1.2: 0.5, 1.3: 0.25, 2.3: 0.125 + 0.375 = 0.5; each pair counts twice
    assert float(personality_specialization(weights)) == pytest.approx(2 * (0.5 + 0.25 + 0.5))
    assert float(personality_specialization(weights, normalised=True)) == pytest.approx(2.5 / 6)
    assert float(personality_specialization(weights, hinge=0.4)) == pytest.approx(2 * (0.1 + 0.0 + 0.1))


def test_disjoint_experts_have_no_psl() -> None:
    assert float(personality_specialization(torch.eye(4))) == 0.0


def test_uniform_weights_are_a_stationary_point_of_psl_along_the_simplex() -> None:
    logits = torch.zeros(10, 16, requires_grad=True)
    personality_specialization(torch.softmax(logits, -1)).backward()
    assert logits.grad is not None and float(logits.grad.abs().max()) < 1e-7


def test_sequence_balance_by_hand() -> None:
    weights = torch.tensor([[0.9, 0.1], [0.8, 0.2], [0.3, 0.7]], requires_grad=True)
    # shares 2/3 and 1/3, means 2/3 and 1/3: 2 * (4/9 + 1/9)
    loss = sequence_balance(weights)
    assert float(loss.detach()) == pytest.approx(10 / 9)
    loss.backward()
    assert weights.grad is not None
    assert weights.grad[0].tolist() == pytest.approx([2 * (2 / 3) / 3, 2 * (1 / 3) / 3])


def test_balanced_sequences_give_1() -> None:
    assert float(sequence_balance(torch.eye(4))) == pytest.approx(1.0)


def test_entropy_shortfall_counts_only_rows_under_the_floor() -> None:
    weights = torch.tensor([[1.0, 0.0], [0.5, 0.5]])
    assert float(entropy_shortfall(weights, math.log(2))) == pytest.approx(math.log(2) / 2)


def test_expert_use_names_effective_and_dead_experts() -> None:
    weights = torch.zeros(10, 16)
    weights[range(10), range(10)] = 1.0
    use = expert_use(weights)
    assert (use.effective, use.dead, use.similarity, use.psl) == (1.0, 6, 0.0, 0.0)
    flat = expert_use(torch.full((10, 16), 1 / 16))
    assert flat.effective == pytest.approx(16) and flat.dead == 0 and flat.similarity == pytest.approx(1)
