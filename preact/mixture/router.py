"""Personality vectors and the router: a trait-level in, expert weights out (equation 3).

It also reads the mixtures of trait-levels that users write. It knows nothing of the adapted layers or of
training.
"""

import re

import torch
from torch import Tensor, nn

from oceanchat.errors import ConfigError, TrainingError
from oceanchat.traits import TRAIT_LEVELS, TraitLevel

_PART = re.compile(r"([OCEANoecan][+-])(?:=([0-9]*\.?[0-9]+))?")


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


def trait_id(trait_level: TraitLevel) -> int:
    """The row of a trait-level in the router: its place in the paper's order, 0 to 9."""
    return TRAIT_LEVELS.index(trait_level)


def parse_persona(text: str) -> dict[TraitLevel, float]:
    """Read 'N+', 'O+ N-' or 'O+=0.7 E-=0.3' as shares that sum to 1; without numbers the shares are equal.

    Raises ConfigError for unknown trait-levels, numbers given for some only, a trait-level named twice, or no
    weight.
    """
    words = text.replace(",", " ").split()
    found = [_PART.fullmatch(word) for word in words]
    if not words or any(match is None for match in found):
        raise ConfigError(f'persona \'{text}\' is not understood; write it like "O+ N-" or "O+=0.7 E-=0.3"')
    matches = [match for match in found if match is not None]
    numbers = [match.group(2) for match in matches]
    if any(number is None for number in numbers) and any(number is not None for number in numbers):
        raise ConfigError(
            f"persona '{text}' gives a share to some trait-levels only; give one to all or to none"
        )
    shares: dict[TraitLevel, float] = {}
    for match in matches:
        trait_level = TraitLevel.parse(match.group(1))
        if trait_level in shares:
            raise ConfigError(f"persona '{text}' names {trait_level.code} twice; name each trait-level once")
        shares[trait_level] = 1.0 if match.group(2) is None else float(match.group(2))
    total = sum(shares.values())
    if total <= 0:
        raise ConfigError(
            f"persona '{text}' gives no trait-level any weight; let the shares sum to more than 0"
        )
    return {trait_level: share / total for trait_level, share in shares.items()}


def mix(weights: Tensor, persona: dict[TraitLevel, float]) -> Tensor:
    """The expert weights of a persona (N,): the weighted mean of its rows of `weights` (P x N)."""
    rows = torch.tensor([trait_id(trait_level) for trait_level in persona], device=weights.device)
    shares = torch.tensor(list(persona.values()), device=weights.device, dtype=weights.dtype)
    return shares @ weights[rows]
