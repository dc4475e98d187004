"""Vectors that steer, and their files.

One vector a trait, whose negative plays the low level, or one a trait-level; how long each is added, and how
block and strength were chosen. It knows nothing of how vectors come about.
"""

import json
from pathlib import Path
from typing import Literal, NamedTuple

import torch
from pydantic import BaseModel, ConfigDict, ValidationError
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from oceanchat.errors import EvaluationError
from oceanchat.traits import CODES, TRAITS, Level, TraitLevel
from preact.persona import Persona

RECORD, VECTORS = "control.json", "vectors.safetensors"

SteeringMethod = Literal["controllm", "persona"]
TITLES: dict[SteeringMethod, str] = {"controllm": "ControlLM", "persona": "Persona vectors"}
"""As tables call them."""
_KEYS: dict[SteeringMethod, tuple[str, ...]] = {
    "controllm": tuple(trait.value for trait in TRAITS),
    "persona": CODES,
}
"""What each method has a vector for: traits or trait-levels."""


class SteeringTrial(BaseModel):
    """One block and strength, measured on held-out statements."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    block: int
    strength: float
    """Norm of what is added, as a share of the residual stream's mean norm at that block."""
    spread: float
    """Log-odds of the matching answer when steered up less when steered down, mean over traits, in nats."""
    harm: float
    """Rise of the loss on the statements' own tokens, mean over traits and directions, in nats per token."""


class SteeringRecord(BaseModel):
    """How steering vectors were built."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    method: SteeringMethod
    backbone: str
    block: int
    """The decoder block after which the vector is added, from 0."""
    strength: float
    """Relative to the residual norm."""
    factors: dict[str, float]
    """Trait or trait-level -> what its vector is multiplied by: ControlLM's gamma."""
    residual_norm: float
    """Mean L2 norm of the block's output at the tokens the vectors were read at."""
    answers: int
    """Answers that the means are over, both sides together."""
    held_out: int
    """Statements that block and strength were chosen by."""
    excluded: int
    """Statements or questions left out because they overlap the inventory."""
    sources_sha256: str
    """Of the statements, or of the instructions and questions, that the answers belong to."""
    sweep: tuple[SteeringTrial, ...]


class SteeringVectors(NamedTuple):
    """Vectors that are ready to steer with."""

    record: SteeringRecord
    vectors: dict[str, Tensor]
    """Trait ('N') or trait-level ('N-') -> (hidden,), not normalised."""

    def addition(self, persona: Persona) -> Tensor:
        """What plays the persona when added to the block's output, (hidden,): the shares' weighted sum."""
        parts = [share * self._of(trait_level) for trait_level, share in persona.items()]
        return torch.stack(parts).sum(dim=0)

    def _of(self, trait_level: TraitLevel) -> Tensor:
        factors = self.record.factors
        if trait_level.code in self.vectors:
            return factors[trait_level.code] * self.vectors[trait_level.code]
        sign = 1.0 if trait_level.level is Level.HIGH else -1.0
        return sign * factors[trait_level.trait.value] * self.vectors[trait_level.trait.value]


def factor(vector: Tensor, strength: float, norm: float) -> float:
    """What makes the vector `strength` times as long as the residual; 0 for a zero vector."""
    length = float(vector.norm())
    return strength * norm / length if length else 0.0


def save(steering: SteeringVectors, folder: Path) -> None:
    """Write vectors.safetensors, then control.json, which marks the folder complete."""
    folder.mkdir(parents=True, exist_ok=True)
    save_file({key: vector.contiguous() for key, vector in steering.vectors.items()}, folder / VECTORS)
    text = json.dumps(steering.record.model_dump(mode="json"), indent=2)
    (folder / RECORD).write_text(text + "\n", encoding="utf-8")


def load(folder: Path) -> SteeringVectors:
    """Read them back. Raises EvaluationError when the folder holds none or the files do not match."""
    try:
        record = SteeringRecord.model_validate_json((folder / RECORD).read_bytes())
        tensors = load_file(folder / VECTORS)
        keys = _KEYS[record.method]
        factors = {key: record.factors[key] for key in keys}
        return SteeringVectors(
            record.model_copy(update={"factors": factors}), {key: tensors[key] for key in keys}
        )
    except FileNotFoundError as error:
        raise EvaluationError(
            f"'{folder}' holds no control vectors; write them with `preact control-vectors`"
        ) from error
    except (ValidationError, OSError, KeyError, ValueError, SafetensorError) as error:
        raise EvaluationError(f"control vectors '{folder}' cannot be read; make them again") from error
