"""The fused experts against a loop over experts, and the gate."""

import copy
import pickle
from typing import Any

import pytest
import torch
from peft import LoraConfig, get_peft_model
from peft.tuners.lora.layer import LoraLayer
from torch import Tensor, nn

from oceanchat.errors import TrainingError
from preact.mixture.layer import Gate
from preact.mixture.model import PreactConfig
from preact.mixture.router import select
from tests.preact.conftest import micro_llama

TARGETS = ["q_proj", "k_proj", "v_proj", "gate_proj", "up_proj", "down_proj"]


def adapted(dtype: torch.dtype = torch.float32, experts: int = 16, **options: Any) -> Any:
    """A micro P-React model whose B is not zero, so that it does something."""
    config = PreactConfig(
        task_type="CAUSAL_LM", r=32, lora_alpha=48, target_modules=TARGETS, num_experts=experts, **options
    )
    model = get_peft_model(micro_llama(dtype=dtype), config, autocast_adapter_dtype=False)
    torch.manual_seed(1)
    for name, parameter in model.named_parameters():
        if "lora_B" in name:
            nn.init.normal_(parameter, std=0.2)
    return model.to(dtype)


class ExpertLoop(nn.Module):
    """Equation 2 as printed: a loop over N separate experts with matrices of their own."""

    def __init__(self, layer: Any, experts: int, weights: list[Tensor]) -> None:
        super().__init__()
        self.base = layer.base_layer
        self.scale = layer.scaling["default"]
        self.a = nn.ParameterList(layer.lora_A["default"].weight.detach().chunk(experts, dim=0))
        self.b = nn.ParameterList(layer.lora_B["default"].weight.detach().chunk(experts, dim=1))
        self.weights = weights

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.base(x)
        for j, (a, b) in enumerate(zip(self.a, self.b, strict=True)):
            weight = self.weights[0][..., j]
            weight = weight[:, None, None] if weight.dim() == 1 else weight[..., None]
            out = out + self.scale * weight * (x @ a.T @ b.T)
        return out


def looped(model: Any, experts: int, weights: list[Tensor]) -> tuple[Any, dict[str, ExpertLoop]]:
    """The same model with every gated layer replaced by the loop."""
    base = copy.deepcopy(model.base_model.model)
    loops = {}
    for name, module in list(base.named_modules()):
        if isinstance(module, LoraLayer):
            loops[name] = ExpertLoop(module, experts, weights)
            base.set_submodule(name, loops[name])
    return base, loops


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-12), (torch.float32, 1e-5)])
@pytest.mark.parametrize("tokens", [False, True], ids=["sequence", "token"])
def test_fused_experts_equal_a_loop_over_16(dtype: torch.dtype, tolerance: float, tokens: bool) -> None:
    model = adapted(dtype)
    ids = torch.randint(3, 97, (4, 12), generator=torch.Generator().manual_seed(2))
    traits = torch.tensor([0, 3, 3, 9])
    traits = traits[:, None].repeat(1, 12).roll(1, 0) if tokens else traits
    out = model(input_ids=ids, trait_ids=traits, labels=ids)
    out.loss.backward()
    rows = model.base_model.router_weights().detach().requires_grad_()
    base, loops = looped(model, 16, [select(rows, traits)])
    expected = base(input_ids=ids, labels=ids)
    expected.loss.backward()

    def close(a: Tensor, b: Tensor) -> bool:
        return bool((a - b).abs().max() <= tolerance * b.abs().max())

    assert close(out.logits, expected.logits)
    for name, loop in loops.items():
        layer = model.base_model.model.get_submodule(name)
        assert close(layer.lora_A["default"].weight.grad, torch.cat([p.grad for p in loop.a], 0))
        assert close(layer.lora_B["default"].weight.grad, torch.cat([p.grad for p in loop.b], 1))
    router = model.base_model.preact_router["default"]
    assert close(router.personality.grad, torch.autograd.grad(router(), router.personality, rows.grad)[0])


def saved_bytes(run: Any, parameters: set[int]) -> int:
    """Bytes kept for the backward pass, storages counted once and parameters left out."""
    storages: dict[int, int] = {}

    def note(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in parameters:
            storages[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        out = run()
    size = sum(storages.values())
    del out
    return size


def test_the_gate_keeps_nothing_for_backward_that_lora_does_not() -> None:
    lora = get_peft_model(
        micro_llama(), LoraConfig(task_type="CAUSAL_LM", r=32, lora_alpha=48, target_modules=TARGETS)
    )
    model = adapted()
    ids = torch.randint(3, 97, (8, 48))
    traits = torch.arange(8)
    sizes = []
    for adapted_model, options in ((lora, {}), (model, {"trait_ids": traits})):
        parameters = {p.untyped_storage().data_ptr() for p in adapted_model.parameters()}
        sizes.append(
            saved_bytes(lambda m=adapted_model, o=options: m(input_ids=ids, **o).logits.sum(), parameters)
        )
    assert sizes[1] <= 1.02 * sizes[0]


def test_a_gate_needs_weights_that_fit() -> None:
    gate = Gate()
    hidden = torch.zeros(4, 5, 32)
    with pytest.raises(TrainingError, match="no trait-level"):
        gate.of("default", hidden)
    with gate.open({"default": torch.zeros(2, 16)}), pytest.raises(TrainingError, match="does not fit"):
        gate.of("default", hidden)
    with gate.open({"default": torch.zeros(4, 6, 16)}), pytest.raises(TrainingError, match="does not fit"):
        gate.of("default", hidden)
    with gate.open({"default": torch.zeros(2, 16)}, repeats=True):
        assert gate.of("default", hidden).shape == (4, 1, 16)
    assert gate.weights == {}


def test_copies_and_pickles_of_a_gate_start_empty() -> None:
    gate = Gate()
    with gate.open({"default": torch.zeros(2, 16, requires_grad=True) * 1}):
        assert copy.deepcopy(gate).weights == {} and pickle.loads(pickle.dumps(gate)).weights == {}


def test_without_gradients_the_weights_in_force_are_those_of_each_pass() -> None:
    model = adapted().eval()
    ids = torch.randint(3, 90, (2, 5), generator=torch.Generator().manual_seed(1))
    weights = [torch.rand(2, 16, generator=torch.Generator().manual_seed(seed)) for seed in (2, 3)]
    expected = [model(ids, expert_weights=w).logits.detach() for w in weights]
    with torch.no_grad():
        for index in (0, 1, 0):
            assert torch.allclose(
                model(ids, expert_weights=weights[index]).logits, expected[index], atol=1e-5
            )
        assert torch.allclose(model(ids[:1], expert_weights=weights[1][0]).logits, expected[1][:1], atol=1e-5)
    assert not torch.allclose(expected[0], expected[1], atol=1e-2)
