"""Choose the block and strength to steer at.

A sweep on held-out statements: how far apart steering up and down move the answers, and what it costs on
other words. It knows statements and vectors; it knows nothing of how vectors come about.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from oceanchat.errors import EvaluationError
from oceanchat.prompts import Message
from oceanchat.traits import TRAITS, Level, Trait
from preact.backbones.backbone import Backbone
from preact.dialogues.conversation import render
from preact.systems.statements import Statement
from preact.systems.steering import decoder_blocks, steering, token_ids
from preact.systems.steering_vectors import SteeringTrial, factor

STRENGTHS = (0.25, 0.5, 1.0, 2.0)
"""Strengths that the sweep tries, as shares of the residual stream's norm."""
MAX_HARM = 0.5
"""Nats a token by which steering may raise the loss on held-out statements."""

Directions = Mapping[Trait, Mapping[Level, Tensor]]
"""For each trait what plays its two levels, of any length, (hidden,)."""


class Reading(NamedTuple):
    """What was read at one block."""

    vectors: dict[str, Tensor]
    """Trait or trait-level -> (hidden,)."""
    norm: float
    """Mean L2 norm of the residual stream there."""
    directions: Directions


class AnsweredStatement(NamedTuple):
    """A statement under the question whether it is true, answered."""

    prompt: str
    answer: str


def chosen_blocks(backbone: Backbone, blocks: Sequence[int]) -> list[int]:
    """These blocks, or all of them. Raises EvaluationError for a block the backbone does not have."""
    count = len(decoder_blocks(backbone.model))
    for block in blocks:
        if not 0 <= block < count:
            raise EvaluationError(f"block '{block}' is not one of the backbone's {count}; count from 0")
    return list(blocks) or list(range(count))


def sweep(
    backbone: Backbone,
    measure: Sequence[Statement],
    readings: Mapping[int, Reading],
    strengths: Sequence[float],
    say: Callable[[str], None],
) -> list[SteeringTrial]:
    """Measure every block and strength on these statements."""
    trials = []
    plain = {trait: _odds_and_loss(backbone, _about(measure, trait)) for trait in TRAITS}
    for block, reading in readings.items():
        for strength in strengths:
            spreads, harms = [], []
            for trait in TRAITS:
                own = _about(measure, trait)
                up, down = (
                    _steered(backbone, own, block, strength, reading, reading.directions[trait][level])
                    for level in Level
                )
                spreads.append(up[0] - down[0])
                harms += [up[1] - plain[trait][1], down[1] - plain[trait][1]]
            trial = SteeringTrial(
                block=block,
                strength=strength,
                spread=sum(spreads) / len(spreads),
                harm=sum(harms) / len(harms),
            )
            say(f"block {block}, strength {strength:g}: spread {trial.spread:.3f}, harm {trial.harm:.3f}")
            trials.append(trial)
    return trials


def choose(trials: Sequence[SteeringTrial]) -> SteeringTrial:
    """The widest spread among trials that do little harm; if all do much, the least harmful one."""
    mild = [trial for trial in trials if trial.harm <= MAX_HARM]
    return max(mild, key=lambda p: p.spread) if mild else min(trials, key=lambda p: p.harm)


def answered(backbone: Backbone, statement: Statement, matching: bool) -> AnsweredStatement:
    """The statement answered so that it speaks for the high level (matching) or for the low one."""
    question = f"{statement.text} Is that true of you? Answer Yes or No."
    prompt = render(backbone.tokenizer, [Message("user", question)], reply_next=True)
    yes = matching == (statement.level is Level.HIGH)
    return AnsweredStatement(prompt, "Yes" if yes else "No")


def _about(statements: Sequence[Statement], trait: Trait) -> list[Statement]:
    return [statement for statement in statements if statement.trait is trait]


def _steered(
    backbone: Backbone,
    own: Sequence[Statement],
    block: int,
    strength: float,
    reading: Reading,
    direction: Tensor,
) -> tuple[float, float]:
    addition = factor(direction, strength, reading.norm) * direction
    with steering(backbone.model, block, addition):
        return _odds_and_loss(backbone, own)


def _odds_and_loss(backbone: Backbone, own: Sequence[Statement]) -> tuple[float, float]:
    """Mean log-odds of the matching answer, and mean loss on the prompts' own tokens, in nats."""
    odds, losses = 0.0, 0.0
    for statement in own:
        matching, prompt_loss = _answer_log_prob(backbone, answered(backbone, statement, True))
        opposite, _ = _answer_log_prob(backbone, answered(backbone, statement, False))
        odds += matching - opposite
        losses += prompt_loss
    return odds / len(own), losses / len(own)


def _answer_log_prob(backbone: Backbone, text: AnsweredStatement) -> tuple[float, float]:
    """Log probability of the answer's tokens, and the mean loss of the prompt's tokens."""
    ids = token_ids(backbone, text.prompt + text.answer)
    start = token_ids(backbone, text.prompt).shape[1]
    with torch.inference_mode():
        logits = backbone.model(input_ids=ids, use_cache=False).logits[0, :-1].float()
    log_probs = logits.log_softmax(-1).gather(1, ids[0, 1:, None])[:, 0]
    return float(log_probs[start - 1 :].sum()), -float(log_probs[: start - 1].mean())
