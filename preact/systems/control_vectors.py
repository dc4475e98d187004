"""Build ControlLM's vectors, one per trait.

Statements are answered Yes and No under one prompt; a trait's vector is the mean difference, at the answer's
last token, between the answer that matches the trait and the opposite one (contrastive activation addition).
Adding gamma times the vector to the stream of one block plays the high level, subtracting it the low one. It
knows backbones and nothing of interviews.
"""

import hashlib
from collections.abc import Callable, Sequence

from torch import Tensor

from oceanchat.counting import counted
from oceanchat.traits import TRAITS, Level
from preact.backbones.backbone import Backbone
from preact.dialogues.conversation import ensure_template
from preact.systems.statements import Statement, split_statements, statements, without_overlap
from preact.systems.steering import last_residuals
from preact.systems.steering_sweep import (
    STRENGTHS,
    TRIED_BLOCKS,
    Reading,
    answered,
    choose,
    chosen_blocks,
    sweep,
)
from preact.systems.steering_vectors import SteeringRecord, SteeringVectors, factor


def build(
    backbone: Backbone,
    name: str,
    *,
    questions: Sequence[str] = (),
    blocks: Sequence[int] = (),
    tried: int = TRIED_BLOCKS,
    strengths: Sequence[float] = STRENGTHS,
    say: Callable[[str], None] = lambda line: None,
) -> SteeringVectors:
    """Build the vectors of these blocks, or of so many `tried`, and choose the best by a sweep.

    The sweep measures on held-out statements. `questions` are an inventory's: statements that overlap them
    are left out. Raises EvaluationError for a block the backbone does not have.
    """
    ensure_template(backbone.tokenizer)
    everything = statements()
    usable = without_overlap(everything, questions)
    split = split_statements(usable)
    chosen = chosen_blocks(backbone, blocks, tried)
    say(f"reading {2 * len(split.build)} answers at {counted(len(chosen), 'block')}")
    readings = _readings(backbone, split.build, chosen)
    trials = sweep(backbone, split.measure, readings, strengths, say)
    best = choose(trials)
    reading = readings[best.block]
    record = SteeringRecord(
        method="controllm",
        backbone=name,
        block=best.block,
        strength=best.strength,
        factors={key: factor(v, best.strength, reading.norm) for key, v in reading.vectors.items()},
        residual_norm=reading.norm,
        answers=2 * len(split.build),
        held_out=len(split.measure),
        excluded=len(everything) - len(usable),
        sources_sha256=hashlib.sha256("\n".join(s.text for s in usable).encode()).hexdigest(),
        sweep=tuple(trials),
    )
    return SteeringVectors(record, reading.vectors)


def _readings(backbone: Backbone, usable: Sequence[Statement], blocks: Sequence[int]) -> dict[int, Reading]:
    """For each block a vector a trait, and the mean norm of the residual stream."""
    vectors: dict[int, dict[str, Tensor]] = {block: {} for block in blocks}
    norms: dict[int, list[float]] = {block: [] for block in blocks}
    for trait in TRAITS:
        own = [statement for statement in usable if statement.trait is trait]
        matching = _residuals(backbone, own, True, blocks)
        opposite = _residuals(backbone, own, False, blocks)
        for block in blocks:
            vectors[block][trait.value] = matching[block].mean(dim=0) - opposite[block].mean(dim=0)
            norms[block] += [*matching[block].norm(dim=-1).tolist(), *opposite[block].norm(dim=-1).tolist()]
    return {
        block: Reading(
            own_vectors,
            sum(norms[block]) / len(norms[block]),
            {t: {Level.HIGH: own_vectors[t.value], Level.LOW: -own_vectors[t.value]} for t in TRAITS},
        )
        for block, own_vectors in vectors.items()
    }


def _residuals(
    backbone: Backbone, own: Sequence[Statement], matching: bool, blocks: Sequence[int]
) -> dict[int, Tensor]:
    texts = [answered(backbone, statement, matching) for statement in own]
    return last_residuals(backbone, [text.prompt + text.answer for text in texts], blocks)
