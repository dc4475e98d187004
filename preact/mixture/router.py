"""Personality vectors and the router (equation 3).

A trait-level goes in, expert weights come out. It knows nothing of the adapted layers or of training.
"""

import torch
from torch import Tensor, nn

from oceanchat.errors import TrainingError
from oceanchat.traits import trait_id
from preact.persona import Persona


class Router(nn.Module):
    """One softmax over experts for each trait-level: omega_i = softmax(p_i G).

    `personality` is P x d_P and `projection` d_P x N, the paper's p_i and G. Logits start with a deviation of
    `init_scale`: large enough to leave the plateau around uniform weights, where the gradient of PSL
    vanishes.
    """

    def __init__(self, trait_levels: int, vector_size: int, experts: int, init_scale: float = 1.0) -> None:
        super().__init__()
        self.personality = nn.Parameter(torch.randn(trait_levels, vector_size) * init_scale)
        self.projection = nn.Parameter(torch.randn(vector_size, experts) / vector_size**0.5)

    def forward(self) -> Tensor:
        """The expert weights of all trait-levels, P x N, in float32 or better; rows sum to 1."""
        precise = torch.promote_types(self.personality.dtype, torch.float32)
        # Under autocast the product would be made in half precision, whatever it is given.
        with torch.autocast(self.personality.device.type, enabled=False):
            return torch.softmax(self.personality.to(precise) @ self.projection.to(precise), dim=-1)


class UniformRouter(nn.Module):
    """The ablation without a router: every expert weighs 1/N whatever the trait-level (section 6.2)."""

    weights: Tensor

    def __init__(self, trait_levels: int, experts: int) -> None:
        super().__init__()
        self.register_buffer("weights", torch.full((trait_levels, experts), 1.0 / experts), persistent=False)

    def forward(self) -> Tensor:
        """The same expert weights for all trait-levels, P x N."""
        return self.weights


def select(weights: Tensor, trait_ids: Tensor) -> Tensor:
    """Expert weights by trait id: P x N and a batch of ids, (B,) or (B, T), give (B, N) or (B, T, N).

    Raises TrainingError for an id outside the P trait-levels, and for ids that are no integers.
    """
    if trait_ids.dtype not in (torch.int64, torch.int32) or trait_ids.dim() not in (1, 2):
        raise TrainingError(
            f"trait_ids has shape {tuple(trait_ids.shape)} and type {trait_ids.dtype}; pass one integer for"
            " each sequence (B,) or one for each token (B, T)"
        )
    # On an accelerator the look-up itself checks the range; asking here would wait for the device at every
    # step.
    checkable = trait_ids.device.type == "cpu" and trait_ids.numel() and not torch.compiler.is_compiling()
    if checkable and not 0 <= int(trait_ids.min()) <= int(trait_ids.max()) < weights.shape[0]:
        raise TrainingError(
            f"trait_ids holds ids outside 0 to {weights.shape[0] - 1}; see oceanchat.traits.TRAIT_LEVELS"
        )
    # Not weights[trait_ids]: on a CPU its gradient adds up in an order that changes from run to run.
    return nn.functional.embedding(trait_ids.to(weights.device), weights)


def mix(weights: Tensor, persona: Persona) -> Tensor:
    """The expert weights of a persona (N,): the weighted mean of its rows of `weights` (P x N)."""
    rows = torch.tensor([trait_id(trait_level) for trait_level in persona], device=weights.device)
    shares = torch.tensor(list(persona.values()), device=weights.device, dtype=weights.dtype)
    return shares @ weights[rows]
