"""The router's weights, its look-up by trait id, and mixtures."""

import pytest
import torch

from oceanchat.errors import TrainingError
from preact.mixture.losses import personality_specialization
from preact.mixture.router import Router, UniformRouter, mix, select
from preact.persona import parse_persona


def test_weights_are_the_softmax_of_vector_times_projection() -> None:
    router = Router(10, 8, 16)
    weights = router()
    expected = torch.softmax(router.personality[3] @ router.projection, -1)
    assert torch.allclose(weights[3], expected) and torch.allclose(weights.sum(1), torch.ones(10))


def test_the_start_leaves_the_plateau_of_uniform_weights() -> None:
    torch.manual_seed(0)

    def gradient(scale: float) -> float:
        router = Router(10, 64, 16, scale)
        personality_specialization(router()).backward()
        assert router.personality.grad is not None
        return float(router.personality.grad.norm())

    assert gradient(0.5) > 50 * gradient(0.005)


def test_the_uniform_router_has_nothing_to_train_and_nothing_to_save() -> None:
    router = UniformRouter(10, 16)
    assert not list(router.parameters()) and not router.state_dict()
    assert torch.equal(router(), torch.full((10, 16), 1 / 16))


def test_select_gives_rows_by_sequence_and_by_token() -> None:
    weights = torch.arange(20.0).view(10, 2)
    assert select(weights, torch.tensor([3, 0])).tolist() == [[6, 7], [0, 1]]
    assert select(weights, torch.tensor([[3, 0]])).shape == (1, 2, 2)


def test_gradients_of_many_tokens_are_the_same_every_time_on_two_threads() -> None:
    weights = torch.rand(10, 16, requires_grad=True)
    ids = torch.randint(0, 10, (1, 8000))
    upstream = torch.randn(1, 8000, 16)
    threads = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        gradients = [torch.autograd.grad(select(weights, ids), weights, upstream)[0] for _ in range(10)]
    finally:
        torch.set_num_threads(threads)
    assert all(torch.equal(gradients[0], other) for other in gradients)


@pytest.mark.parametrize(
    "ids", [torch.tensor([10]), torch.tensor([-1]), torch.tensor([0.0]), torch.tensor(3)]
)
def test_select_refuses_what_names_no_trait_level(ids: torch.Tensor) -> None:
    with pytest.raises(TrainingError, match="trait_ids"):
        select(torch.zeros(10, 2), ids)


def test_a_mixture_is_the_weighted_mean_of_rows() -> None:
    weights = torch.eye(10)
    mixed = mix(weights, parse_persona("O+=0.7 E-=0.3"))
    assert (
        mixed[0] == pytest.approx(0.7) and mixed[7] == pytest.approx(0.3) and mixed.sum() == pytest.approx(1)
    )
