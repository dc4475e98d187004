"""Build persona vectors, one per trait-level.

The backbone answers everyday questions under an instruction to be a certain way and under its opposite; a
trait-level's vector is the difference of the mean activations over the tokens of its own answers (Chen et
al. 2025, arXiv 2507.21509). Their judge, which keeps only answers that show the trait, is left out: the
sweep over block and strength is by held-out statements, as ControlLM's is. It knows nothing of interviews.
"""

import csv
import hashlib
import time
from collections.abc import Callable, Mapping, Sequence
from importlib.resources import files
from typing import NamedTuple

import torch
from torch import Tensor

from oceanchat.counting import counted
from oceanchat.errors import EvaluationError
from oceanchat.near_duplicates import NearDuplicates
from oceanchat.prompts import Message
from oceanchat.traits import TRAIT_LEVELS, TRAITS, Level, Trait, TraitLevel
from preact.backbones.backbone import Backbone
from preact.dialogues.conversation import ensure_template, prompt_ids
from preact.systems.generation import generate_ids, stop_ids
from preact.systems.statements import TOO_CLOSE, split_statements, statements, without_overlap
from preact.systems.steering import recording
from preact.systems.steering_sweep import STRENGTHS, TRIED_BLOCKS, Reading, choose, chosen_blocks, sweep
from preact.systems.steering_vectors import SteeringRecord, SteeringVectors, factor
from preact.systems.system import Sampling
from preact.training.progress import clock

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
    tried: int = TRIED_BLOCKS,
    strengths: Sequence[float] = STRENGTHS,
    sampling: Sampling = ANSWERS,
    seed: int = 0,
    say: Callable[[str], None] = lambda line: None,
) -> SteeringVectors:
    """Build the vectors of these blocks, or of so many `tried`, and choose the best by a sweep.

    `questions` are an inventory's: what overlaps them is left out. Raises EvaluationError for a block the
    backbone does not have, or when it answers nothing under an instruction.
    """
    ensure_template(backbone.tokenizer)
    asked = _unlike(everyday_questions(), questions)
    pairs = instructions()
    measure = split_statements(without_overlap(statements(), questions)).measure
    chosen = chosen_blocks(backbone, blocks, tried)
    say(f"asking {counted(len(asked), 'question')} under {2 * len(pairs)} instructions")
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
    answers, began = 0, time.monotonic()
    for number, trait_level in enumerate(TRAIT_LEVELS):
        own = [pair for pair in pairs if pair.trait_level == trait_level]
        shown_by, opposite_by = (
            _means(backbone, systems, asked, blocks, sampling, seed + number)
            for systems in ([pair.instruction for pair in own], [pair.opposite for pair in own])
        )
        answers += len(shown_by[blocks[0]]) + len(opposite_by[blocks[0]])
        left = (time.monotonic() - began) / (number + 1) * (len(TRAIT_LEVELS) - number - 1)
        say(
            f"{trait_level.code}: {counted(answers, 'answer')} read"
            + (f", {clock(left)} more" if left else "")
        )
        for block in blocks:
            shown, opposite = shown_by[block], opposite_by[block]
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
    """Block -> (answers, hidden): the mean over each answer's tokens, under these system texts.

    It is read while the answers are drawn; of one cut at its longest the last token is not, which no forward
    takes in.
    """
    prompts = [
        prompt_ids(backbone.tokenizer, [Message("user", question)], context=10**6, system=system)
        for system in systems
        for question in asked
    ]
    with recording(backbone.model, blocks) as outputs:
        answers = generate_ids(*backbone, prompts, sampling, seed)
    stops = torch.tensor(stop_ids(*backbone), device=answers.device)
    spoken = (~torch.isin(answers, stops)).cumprod(dim=1)[:, :-1]
    lengths = spoken.sum(dim=1)
    if not lengths.any():
        raise EvaluationError(
            "the backbone answers nothing under an instruction; choose a chat model as backbone"
        )
    # The first forward reads the prompts; each one after it reads the token drawn before.
    means = {}
    for block, (_, *read) in outputs.items():
        states = torch.stack([output[:, -1].float() for output in read], dim=1)
        sums = (states * spoken[..., None]).sum(dim=1)
        means[block] = (sums[lengths > 0] / lengths[lengths > 0, None]).cpu()
    return means
