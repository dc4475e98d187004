"""The losses on expert weights.

Personality specialization (PSL, equation 5), its options, and the Switch auxiliary loss. Pure functions of
tensors, pinned to hand-computed values. A row of `weights` is a trait-level (or a sequence), a column an
expert, and rows sum to 1. They know nothing of models, data or training.
"""

from typing import NamedTuple

import torch
from torch import Tensor


def personality_specialization(weights: Tensor, *, normalised: bool = False, hinge: float = 0.0) -> Tensor:
    """Equation 5: the sum of the off-diagonal similarities of the trait-levels' expert weights, a scalar.

    `weights` is |P| x N, the transpose of the paper's M_omega. Uniform weights give |P|(|P|-1)/N: 5.625 for
    ten trait-levels and 16 experts. Beyond the paper and off by default: `normalised` divides by the number
    of pairs, `hinge` ignores similarities up to that value.
    """
    similarity = weights @ weights.T
    off_diagonal = similarity - torch.diag(torch.diagonal(similarity))
    magnitudes = off_diagonal.abs()
    if hinge > 0:
        magnitudes = (magnitudes - hinge).clamp_min(0)
    total = magnitudes.sum()
    count = weights.shape[0] * (weights.shape[0] - 1)
    return total / count if normalised and count else total


def sequence_balance(weights: Tensor) -> Tensor:
    """The auxiliary loss of Switch Transformers with sequences in place of tokens, a scalar.

    Fedus et al. 2022, equation 4. `weights` is S x N, one row per sequence: N times the sum over experts of
    the share of sequences whose strongest expert it is, times its mean weight. 1 at perfect balance; only the
    mean weight carries a gradient.
    """
    experts = weights.shape[1]
    strongest = torch.nn.functional.one_hot(weights.argmax(dim=1), experts).to(weights.dtype)
    return experts * (strongest.mean(dim=0) * weights.mean(dim=0)).sum()


def entropy_shortfall(weights: Tensor, floor: float) -> Tensor:
    """How far rows of `weights` (S x N) fall short of `floor` nats of entropy, their mean, a scalar.

    Beyond the paper and off by default: added to the loss, it keeps trait-levels from collapsing to one
    expert.
    """
    return (floor - row_entropies(weights)).clamp_min(0).mean()


def row_entropies(weights: Tensor) -> Tensor:
    """The entropy of each row of `weights` (S x N -> S), in nats; 0 log 0 counts as 0."""
    entropies: Tensor = torch.special.entr(weights).sum(dim=1)
    return entropies


class ExpertUse(NamedTuple):
    """How the trait-levels share the experts."""

    effective: float
    """Mean over trait-levels of exp(entropy): 1 when each uses one expert, N when each uses all alike."""
    dead: int
    """Experts whose weight stays under 1 % for every trait-level."""
    similarity: float
    """Mean off-diagonal cosine of the trait-levels' expert weights: 0 when disjoint, 1 when equal."""
    psl: float
    """Equation 5 as printed."""


def expert_use(weights: Tensor) -> ExpertUse:
    """Describe the expert weights of all trait-levels (|P| x N)."""
    weights = weights.detach().double()
    unit = torch.nn.functional.normalize(weights, dim=1)
    return ExpertUse(
        effective=float(row_entropies(weights).exp().mean()),
        dead=int((weights.max(dim=0).values < 0.01).sum()),
        similarity=float(personality_specialization(unit, normalised=True)),
        psl=float(personality_specialization(weights)),
    )
