"""N experts as one gated LoRA.

The product that every adapted layer computes, and the gate it reads:

    sum_j w_ij B_j A_j h = B diag(repeat(w_i, r/N)) A h

because the expert weights depend on the trait-level and not on the token (equation 2). The gate is folded
into B's product, so nothing is saved for the backward pass that LoRA does not save. This module knows nothing
of routers, configs or where the weights come from.
"""

from collections.abc import Hashable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import torch
from peft.tuners.lora.layer import LoraVariant
from torch import Tensor, nn

from oceanchat.errors import TrainingError


class Gate:
    """The expert weights in force, by adapter: plain attributes, which torch.compile traces through."""

    def __init__(self) -> None:
        self.weights: dict[str, Tensor] = {}
        self.repeats = False
        """Whether a batch may be a multiple of the gate's, as in beam search and with several answers."""
        self._channels: dict[Hashable, Tensor] = {}
        """What all layers of one shape multiply by, kept as long as the weights are in force."""

    def __deepcopy__(self, memo: dict[int, Any]) -> "Gate":
        return Gate()

    def __reduce__(self) -> tuple[type["Gate"], tuple[()]]:
        # Expert weights in force belong to one forward pass: a copy or a pickle starts without any.
        return Gate, ()

    @contextmanager
    def open(self, weights: dict[str, Tensor], *, repeats: bool = False) -> Iterator[None]:
        """Put these weights in force for a while: (N,) for all, (B, N) a sequence, or (B, T, N) a token."""
        before = self.weights, self.repeats, self._channels
        self.weights, self.repeats, self._channels = weights, repeats, {}
        try:
            yield
        finally:
            self.weights, self.repeats, self._channels = before

    def checkpoint_contexts(self) -> tuple[AbstractContextManager[None], AbstractContextManager[None]]:
        """Contexts for activation checkpointing: the recomputation sees the gate of its own forward pass.

        The recomputation runs in the backward pass, when the scope of the forward pass has ended.
        """
        return self.open(self.weights, repeats=self.repeats), self.open(self.weights, repeats=self.repeats)

    def channels(self, adapter: str, hidden: Tensor, scale: float, *, flat: bool) -> Tensor:
        """The scaled weight of each channel of `hidden` (B, T, r), made once for all layers; no gradients."""
        key = (adapter, scale, flat, hidden.shape, hidden.dtype, hidden.device)
        if key not in self._channels:
            self._channels[key] = _by_channel(
                _scaled(self.of(adapter, hidden, flat=flat), hidden, scale), hidden
            )
        return self._channels[key]

    def of(self, adapter: str, hidden: Tensor, *, flat: bool = False) -> Tensor:
        """The weights for this adapter, shaped (B, 1, N) or (B, T, N) to fit `hidden` (B, T, r).

        `flat` is for layers that lay all tokens of a batch end to end: `hidden` is (B * T, 1, r) there.

        Raises TrainingError when no trait-level is in force: guessing one would let every expert run at
        weight 1.
        """
        weights = self.weights.get(adapter)
        if weights is None:
            raise TrainingError(
                f"adapter '{adapter}' got no trait-level; pass trait_ids or expert_weights to the model's"
                " forward or generate"
            )
        batch = hidden.shape[0]
        if weights.dim() == 1:
            return weights.expand(batch, 1, -1)
        if flat and weights.dim() == 3:
            weights = weights.flatten(0, 1)
        if (self.repeats or flat) and weights.shape[0] != batch and batch % weights.shape[0] == 0:
            weights = weights.repeat_interleave(batch // weights.shape[0], dim=0)
        if weights.shape[0] != batch or (weights.dim() == 3 and weights.shape[1] != hidden.shape[1]):
            raise TrainingError(
                f"the expert weights have shape {tuple(weights.shape)}, which does not fit a batch of"
                f" {tuple(hidden.shape[:-1])}; pass one trait id per sequence, or one per token"
            )
        return weights.unsqueeze(1) if weights.dim() == 2 else weights


class GatedProduct(torch.autograd.Function):
    """y = base + B (g * z), with g the expert weights repeated over their r/N channels.

    base (M, d_out), z (B, T, r), g (B, 1 or T, N), B (d_out, r) give (M, d_out) with M = B*T. Only z, g and B
    are kept for the backward pass, which computes g * z again (cheap, and r is small beside d_out).
    """

    @staticmethod
    def forward(ctx: Any, base: Tensor, z: Tensor, g: Tensor, b: Tensor) -> Tensor:
        ctx.save_for_backward(z, g, b)
        return torch.addmm(base, (z * _by_channel(g, z)).flatten(0, 1), b.t())

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, Tensor, Tensor | None, Tensor]:
        z, g, b = ctx.saved_tensors
        dy = grads[0]
        du = (dy @ b).view(z.shape)
        dg = None
        if ctx.needs_input_grad[2]:
            dg = (du * z).view(*z.shape[:-1], g.shape[-1], -1).sum(-1)
            dg = dg.sum(1, keepdim=True) if g.shape[1] == 1 else dg
        gate = _by_channel(g, z)
        return dy, du * gate, dg, dy.t() @ (z * gate).flatten(0, 1)


def _scaled(weights: Tensor, z: Tensor, scale: float) -> Tensor:
    """The weights times LoRA's scale, multiplied in the more precise type of the two, in z's type."""
    precise = torch.promote_types(weights.dtype, z.dtype)
    return (weights.to(z.device, precise) * scale).to(z.dtype)


def _by_channel(g: Tensor, z: Tensor) -> Tensor:
    """The weight of each of z's r channels: g (B, 1 or T, N) with every expert's weight r/N times over.

    Written out, because CPUs are several times slower at multiplying by a weight that is repeated on the fly.
    """
    return g.repeat_interleave(z.shape[-1] // g.shape[-1], dim=-1)


class GatedLora(LoraVariant):  # type: ignore[misc]
    """What peft's LoRA layers call instead of their own sum, however the base layer is quantized."""

    def __init__(self, gate: Gate) -> None:
        self.gate = gate

    def supports_lora_conversion(self) -> bool:
        return False

    @staticmethod
    def init(module: nn.Module, adapter_name: str, **kwargs: Any) -> None:
        """Nothing to add: A and B are LoRA's own."""

    def forward(
        self, module: Any, *, active_adapter: str, x: Tensor, result: Tensor, **kwargs: Any
    ) -> Tensor:
        """`result` plus the experts' output for `x` (B, T, d_in), weighted by the gate in force."""
        z = module.lora_A[active_adapter](module.lora_dropout[active_adapter](x))
        flat = z.dim() == 2
        z = z.unsqueeze(1) if flat else z
        b = module.lora_B[active_adapter].weight.to(z.dtype)
        scale = module.scaling[active_adapter]
        base = result.reshape(-1, result.shape[-1])
        same = base.dtype == z.dtype
        start = base if same else torch.zeros((), dtype=z.dtype, device=z.device).expand(base.shape)
        out: Tensor
        if (
            torch.is_grad_enabled()
            or torch.compiler.is_compiling()
            or torch.is_autocast_enabled(z.device.type)
        ):
            g = _scaled(self.gate.of(active_adapter, z, flat=flat), z, scale)
            with torch.autocast(z.device.type, enabled=False):
                out = GatedProduct.apply(start, z, g, b)  # type: ignore[no-untyped-call]
        else:
            channels = self.gate.channels(active_adapter, z, scale, flat=flat)
            out = torch.addmm(start, (z * channels).flatten(0, 1), b.t())
        return out.view(result.shape) if same else result + out.view(result.shape).to(result.dtype)

    def _weight(self, module: Any, adapter: str) -> Tensor:
        weights = self.gate.weights.get(adapter)
        if weights is None or weights.dim() != 1:
            raise TrainingError(
                f"adapter '{adapter}' holds all trait-levels and cannot be merged as one; merge it for a"
                " trait-level or persona, or use `preact export`"
            )
        a, b = module.lora_A[adapter].weight, module.lora_B[adapter].weight
        gate = weights.to(b.dtype).repeat_interleave(b.shape[1] // weights.shape[0])
        delta: Tensor = (b * (gate * module.scaling[adapter])) @ a
        return delta.T if getattr(module, "fan_in_fan_out", False) else delta

    def merge_safe(self, module: Any, active_adapter: str, orig_weight: Tensor) -> Tensor:
        """The base weight with the one trait-level in force folded in; TrainingError when none is."""
        return orig_weight + self._weight(module, active_adapter).to(orig_weight.dtype)

    def merge_unsafe(self, module: Any, active_adapter: str, orig_weight: Tensor) -> None:
        """The same, in place."""
        orig_weight.data += self._weight(module, active_adapter).to(orig_weight.dtype)

    def unmerge(self, module: Any, active_adapter: str, orig_weight: Tensor) -> Tensor:
        """The base weight without the trait-level in force."""
        return orig_weight - self._weight(module, active_adapter).to(orig_weight.dtype)
