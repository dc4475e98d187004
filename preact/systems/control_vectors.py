"""Build ControlLM's vectors, one per trait.

Statements are answered Yes and No under one prompt; a trait's vector is the mean difference, at the answer's
last token, between the answer that matches the trait and the opposite one (contrastive activation addition).
Adding gamma times the vector to the stream of one block plays the high level, subtracting it the low one. It
knows backbones and nothing of interviews.
"""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import torch
from pydantic import BaseModel, ConfigDict, ValidationError
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from oceanchat.errors import EvaluationError
from oceanchat.prompts import Message
from oceanchat.traits import TRAITS, Level, Trait
from preact.backbones.backbone import Backbone
from preact.dialogues.conversation import ensure_template, render
from preact.systems.statements import Statement, split_statements, statements, without_overlap
from preact.systems.steering import decoder_blocks, last_residuals, steering, token_ids

RECORD, VECTORS = "control.json", "vectors.safetensors"
STRENGTHS = (0.25, 0.5, 1.0, 2.0)
"""Strengths that the sweep tries, as shares of the residual stream's norm."""
MAX_HARM = 0.5
"""Nats a token by which steering may raise the loss on held-out statements."""


class SteeringTrial(BaseModel):
    """One layer and strength, measured on held-out statements."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    block: int
    strength: float
    """Norm of what is added, as a share of the residual stream's mean norm at that block."""
    spread: float
    """Log-odds of the matching answer when steered up less when steered down, mean over traits, in nats."""
    harm: float
    """Rise of the loss on the statements' own tokens, mean over traits and directions, in nats per token."""


class ControlRecord(BaseModel):
    """How control vectors were built."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    backbone: str
    block: int
    """The decoder block after which the vector is added, from 0."""
    strength: float
    """Relative to the residual norm."""
    gammas: dict[str, float]
    """Trait -> the factor gamma by which its vector is multiplied."""
    residual_norm: float
    """Mean L2 norm of the block's output at the last token."""
    statements: int
    """Statements the vectors come from."""
    held_out: int
    excluded: int
    """Statements left out because they overlap the inventory."""
    statements_sha256: str
    sweep: tuple[SteeringTrial, ...]


class ControlVectors(NamedTuple):
    """Vectors that are ready to steer with."""

    record: ControlRecord
    vectors: dict[Trait, Tensor]
    """Trait -> (hidden,), not normalised."""

    def addition(self, trait: Trait, level: Level) -> Tensor:
        """The vector that plays the trait-level when added to the block's output, (hidden,)."""
        sign = 1.0 if level is Level.HIGH else -1.0
        return sign * self.record.gammas[trait.value] * self.vectors[trait]


def build(
    backbone: Backbone,
    name: str,
    *,
    questions: Sequence[str] = (),
    blocks: Sequence[int] = (),
    strengths: Sequence[float] = STRENGTHS,
    say: Callable[[str], None] = lambda line: None,
) -> ControlVectors:
    """Build the vectors of every block and choose the best by a sweep over blocks and strengths.

    The sweep measures on held-out statements. `questions` are an inventory's: statements that overlap them
    are left out. Raises EvaluationError for a block the backbone does not have.
    """
    ensure_template(backbone.tokenizer)
    everything = statements()
    usable = without_overlap(everything, questions)
    split = split_statements(usable)
    count = len(decoder_blocks(backbone.model))
    chosen = list(blocks) or list(range(count))
    for block in chosen:
        if not 0 <= block < count:
            raise EvaluationError(f"block '{block}' is not one of the backbone's {count}; count from 0")
    say(f"reading {2 * len(split.build)} answers at {len(chosen)} of {count} blocks")
    vectors, norms = _differences(backbone, split.build, chosen)
    sweep: list[SteeringTrial] = []
    for block in chosen:
        for strength in strengths:
            trial = _measured(backbone, split.measure, block, strength, vectors[block], norms[block])
            sweep.append(trial)
            say(f"block {block}, strength {strength:g}: spread {trial.spread:.3f}, harm {trial.harm:.3f}")
    best = choose(sweep)
    record = ControlRecord(
        backbone=name,
        block=best.block,
        strength=best.strength,
        gammas={t.value: _gamma(vectors[best.block][t], best.strength, norms[best.block]) for t in TRAITS},
        residual_norm=norms[best.block],
        statements=len(split.build),
        held_out=len(split.measure),
        excluded=len(everything) - len(usable),
        statements_sha256=hashlib.sha256("\n".join(s.text for s in usable).encode()).hexdigest(),
        sweep=tuple(sweep),
    )
    return ControlVectors(record, vectors[best.block])


def choose(sweep: Sequence[SteeringTrial]) -> SteeringTrial:
    """The widest spread among trials that do little harm; if all do much, the least harmful one."""
    mild = [trial for trial in sweep if trial.harm <= MAX_HARM]
    return max(mild, key=lambda p: p.spread) if mild else min(sweep, key=lambda p: p.harm)


def save(control: ControlVectors, folder: Path) -> None:
    """Write vectors.safetensors (one tensor a trait), then control.json, which marks the folder complete."""
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {trait.value: vector.contiguous() for trait, vector in control.vectors.items()}
    save_file(tensors, folder / VECTORS)
    text = json.dumps(control.record.model_dump(mode="json"), indent=2)
    (folder / RECORD).write_text(text + "\n", encoding="utf-8")


def load(folder: Path) -> ControlVectors:
    """Read them back. Raises EvaluationError when the folder holds none or the files do not match."""
    try:
        record = ControlRecord.model_validate_json((folder / RECORD).read_bytes())
        tensors = load_file(folder / VECTORS)
        return ControlVectors(record, {trait: tensors[trait.value] for trait in TRAITS})
    except FileNotFoundError as error:
        raise EvaluationError(
            f"'{folder}' holds no control vectors; write them with `preact control-vectors`"
        ) from error
    except (ValidationError, OSError, KeyError, ValueError, SafetensorError) as error:
        raise EvaluationError(f"control vectors '{folder}' cannot be read; make them again") from error


def _differences(
    backbone: Backbone, usable: Sequence[Statement], blocks: Sequence[int]
) -> tuple[dict[int, dict[Trait, Tensor]], dict[int, float]]:
    """For each block a vector a trait, and the mean norm of the residual stream."""
    vectors: dict[int, dict[Trait, Tensor]] = {block: {} for block in blocks}
    norms: dict[int, list[float]] = {block: [] for block in blocks}
    for trait in TRAITS:
        own = [statement for statement in usable if statement.trait is trait]
        matching = _residuals(backbone, own, True, blocks)
        opposite = _residuals(backbone, own, False, blocks)
        for block in blocks:
            vectors[block][trait] = matching[block].mean(dim=0) - opposite[block].mean(dim=0)
            norms[block] += [*matching[block].norm(dim=-1).tolist(), *opposite[block].norm(dim=-1).tolist()]
    return vectors, {block: sum(of_block) / len(of_block) for block, of_block in norms.items()}


def _residuals(
    backbone: Backbone, own: Sequence[Statement], matching: bool, blocks: Sequence[int]
) -> dict[int, Tensor]:
    answered = (_answered(backbone, statement, matching) for statement in own)
    return last_residuals(backbone, [text.prompt + text.answer for text in answered], blocks)


class _AnsweredStatement(NamedTuple):
    prompt: str
    answer: str


def _answered(backbone: Backbone, statement: Statement, matching: bool) -> _AnsweredStatement:
    """The statement answered so that it speaks for the high level (matching) or for the low one."""
    question = f"{statement.text} Is that true of you? Answer Yes or No."
    prompt = render(backbone.tokenizer, [Message("user", question)], reply_next=True)
    yes = matching == (statement.level is Level.HIGH)
    return _AnsweredStatement(prompt, "Yes" if yes else "No")


def _measured(
    backbone: Backbone,
    measure: Sequence[Statement],
    block: int,
    strength: float,
    vectors: Mapping[Trait, Tensor],
    norm: float,
) -> SteeringTrial:
    spreads, harms = [], []
    for trait in TRAITS:
        own = [statement for statement in measure if statement.trait is trait]
        plain = _odds_and_loss(backbone, own)
        addition = _gamma(vectors[trait], strength, norm) * vectors[trait]
        with steering(backbone.model, block, addition):
            up = _odds_and_loss(backbone, own)
        with steering(backbone.model, block, -addition):
            down = _odds_and_loss(backbone, own)
        spreads.append(up[0] - down[0])
        harms += [up[1] - plain[1], down[1] - plain[1]]
    return SteeringTrial(
        block=block,
        strength=strength,
        spread=sum(spreads) / len(spreads),
        harm=sum(harms) / len(harms),
    )


def _odds_and_loss(backbone: Backbone, own: Sequence[Statement]) -> tuple[float, float]:
    """Mean log-odds of the matching answer, and mean loss on the prompts' own tokens, in nats."""
    odds, losses = 0.0, 0.0
    for statement in own:
        matching, prompt_loss = _answer_log_prob(backbone, _answered(backbone, statement, True))
        opposite, _ = _answer_log_prob(backbone, _answered(backbone, statement, False))
        odds += matching - opposite
        losses += prompt_loss
    return odds / len(own), losses / len(own)


def _answer_log_prob(backbone: Backbone, text: _AnsweredStatement) -> tuple[float, float]:
    """Log probability of the answer's tokens, and the mean loss of the prompt's tokens."""
    ids = token_ids(backbone, text.prompt + text.answer)
    start = token_ids(backbone, text.prompt).shape[1]
    with torch.inference_mode():
        logits = backbone.model(input_ids=ids, use_cache=False).logits[0, :-1].float()
    log_probs = logits.log_softmax(-1).gather(1, ids[0, 1:, None])[:, 0]
    return float(log_probs[start - 1 :].sum()), -float(log_probs[: start - 1].mean())


def _gamma(vector: Tensor, strength: float, norm: float) -> float:
    """The factor that makes the vector `strength` times as long as the residual; 0 for a zero vector."""
    length = float(vector.norm())
    return strength * norm / length if length else 0.0
