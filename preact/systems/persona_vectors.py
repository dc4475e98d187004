"""Build persona vectors, one per trait-level.

The backbone answers everyday questions under an instruction to be a certain way and under its opposite; a
trait-level's vector is the difference of the mean activations over the tokens of its own answers (Chen et
al. 2025, arXiv 2507.21509). Their judge, which keeps only answers that show the trait, is left out: the
sweep over block and strength is by held-out statements, as ControlLM's is. It knows nothing of interviews.
"""

import csv
import hashlib
from collections.abc import Callable, Mapping, Sequence
from importlib.resources import files
from typing import NamedTuple

import torch
from torch import Tensor

from oceanchat.errors import EvaluationError
from oceanchat.near_duplicates import NearDuplicates
from oceanchat.prompts import Message
from oceanchat.traits import TRAIT_LEVELS, TRAITS, Level, Trait, TraitLevel
from preact.backbones.backbone import Backbone
from preact.dialogues.conversation import ensure_template, prompt_ids
from preact.systems.generation import generate
from preact.systems.statements import TOO_CLOSE, split_statements, statements, without_overlap
from preact.systems.steering import mean_residuals
from preact.systems.steering_sweep import STRENGTHS, Reading, choose, chosen_blocks, sweep
from preact.systems.steering_vectors import SteeringRecord, SteeringVectors, factor
from preact.systems.system import Sampling

ANSWERS = Sampling(temperature=1.0, top_p=1.0, max_tokens=48)
"""How the answers are drawn that activations are read from."""


class Instruction(NamedTuple):
    """An instruction to be a certain way, and its opposite."""

    trait_level: TraitLevel
    instruction: str
    opposite: str


def instructions() -> list[Instruction]:
    """The pairs that ship, two a trait-level, written for this project."""
    with (files("preact") / "data" / "instructions.csv").open(encoding="utf-8") as file:
        return [
            Instruction(TraitLevel(Trait(r["trait"]), Level(r["level"])), r["instruction"], r["opposite"])
            for r in csv.DictReader(file)
        ]


def everyday_questions() -> list[str]:
    """The questions that ship, about nothing in particular, written for this project."""
    text = (files("preact") / "data" / "everyday_questions.txt").read_text(encoding="utf-8")
    return [line for line in text.splitlines() if line]


def build(
    backbone: Backbone,
    name: str,
    *,
    questions: Sequence[str] = (),
    blocks: Sequence[int] = (),
    strengths: Sequence[float] = STRENGTHS,
    sampling: Sampling = ANSWERS,
    seed: int = 0,
    say: Callable[[str], None] = lambda line: None,
) -> SteeringVectors:
    """Build the vectors of every block and choose the best by a sweep over blocks and strengths.

    `questions` are an inventory's: what overlaps them is left out. Raises EvaluationError for a block the
    backbone does not have, or when it answers nothing under an instruction.
    """
    ensure_template(backbone.tokenizer)
    asked = _unlike(everyday_questions(), questions)
    pairs = instructions()
    measure = split_statements(without_overlap(statements(), questions)).measure
    chosen = chosen_blocks(backbone, blocks)
    say(f"asking {len(asked)} questions under {2 * len(pairs)} instructions")
    readings, answers = _readings(backbone, pairs, asked, chosen, sampling, seed, say)
    trials = sweep(backbone, measure, readings, strengths, say)
    best = choose(trials)
    reading = readings[best.block]
    sources = "\n".join([*(text for pair in pairs for text in pair[1:]), *asked])
    record = SteeringRecord(
        method="persona",
        backbone=name,
        block=best.block,
        strength=best.strength,
        factors={key: factor(v, best.strength, reading.norm) for key, v in reading.vectors.items()},
        residual_norm=reading.norm,
        answers=answers,
        held_out=len(measure),
        excluded=len(everyday_questions()) - len(asked),
        sources_sha256=hashlib.sha256(sources.encode()).hexdigest(),
        sweep=tuple(trials),
    )
    return SteeringVectors(record, reading.vectors)


def _unlike(candidates: Sequence[str], questions: Sequence[str]) -> list[str]:
    known = NearDuplicates(3)
    for number, question in enumerate(questions):
        known.add(str(number), question)
    nearest = {text: known.closest(text) for text in candidates}
    return [text for text, near in nearest.items() if near is None or near.jaccard <= TOO_CLOSE]


def _readings(
    backbone: Backbone,
    pairs: Sequence[Instruction],
    asked: Sequence[str],
    blocks: Sequence[int],
    sampling: Sampling,
    seed: int,
    say: Callable[[str], None],
) -> tuple[dict[int, Reading], int]:
    """For each block a vector a trait-level and the mean norm, and how many answers were read."""
    vectors: dict[int, dict[str, Tensor]] = {block: {} for block in blocks}
    norms: dict[int, list[float]] = {block: [] for block in blocks}
    answers = 0
    for number, trait_level in enumerate(TRAIT_LEVELS):
        own = [pair for pair in pairs if pair.trait_level == trait_level]
        sides = []
        for systems in ([pair.instruction for pair in own], [pair.opposite for pair in own]):
            side = _means(backbone, systems, asked, blocks, sampling, seed + number)
            answers += len(side[blocks[0]])
            sides.append(side)
        say(f"{trait_level.code}: {answers} answers read")
        for block in blocks:
            shown, opposite = (side[block] for side in sides)
            vectors[block][trait_level.code] = shown.mean(dim=0) - opposite.mean(dim=0)
            norms[block] += torch.cat([shown, opposite]).norm(dim=-1).tolist()
    readings = {
        block: Reading(own, sum(norms[block]) / len(norms[block]), _directions(own))
        for block, own in vectors.items()
    }
    return readings, answers


def _directions(vectors: Mapping[str, Tensor]) -> dict[Trait, dict[Level, Tensor]]:
    return {trait: {level: vectors[TraitLevel(trait, level).code] for level in Level} for trait in TRAITS}


def _means(
    backbone: Backbone,
    systems: Sequence[str],
    asked: Sequence[str],
    blocks: Sequence[int],
    sampling: Sampling,
    seed: int,
) -> dict[int, Tensor]:
    """Block -> (answers, hidden): the mean over each answer's tokens, under these system texts."""
    means: dict[int, list[Tensor]] = {block: [] for block in blocks}
    for system in systems:
        prompts = [
            prompt_ids(backbone.tokenizer, [Message("user", question)], context=10**6, system=system)
            for question in asked
        ]
        answers = generate(*backbone, prompts, sampling, seed)
        for prompt, answer in zip(prompts, answers, strict=True):
            ids = backbone.tokenizer(answer.text, add_special_tokens=False)["input_ids"]
            if ids:
                for block, mean in mean_residuals(backbone, prompt, ids, blocks).items():
                    means[block].append(mean)
    if not means[blocks[0]]:
        raise EvaluationError(
            "the backbone answers nothing under an instruction; choose a chat model as backbone"
        )
    return {block: torch.stack(own) for block, own in means.items()}
