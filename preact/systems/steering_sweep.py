"""Choose the block and strength to steer at.

A sweep on held-out statements: how far apart steering up and down move the answers, and what it costs on
other words. It knows statements and vectors; it knows nothing of how vectors come about.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from oceanchat.counting import counted
from oceanchat.errors import EvaluationError
from oceanchat.prompts import Message
from oceanchat.traits import TRAITS, Level, Trait
from preact.backbones.backbone import Backbone
from preact.dialogues.conversation import render
from preact.systems.statements import Statement
from preact.systems.steering import decoder_blocks, steering, token_ids
from preact.systems.steering_vectors import SteeringTrial, factor
from preact.training.progress import clock

STRENGTHS = (0.25, 0.5, 1.0, 2.0)
"""Strengths that the sweep tries, as shares of the residual stream's norm."""
MAX_HARM = 0.5
"""Nats a token by which steering may raise the loss on held-out statements."""
TRIED_BLOCKS = 8
"""Blocks that are tried unless others are asked for: a sweep over all of a deep backbone takes an hour."""

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


def chosen_blocks(backbone: Backbone, blocks: Sequence[int], tried: int = TRIED_BLOCKS) -> list[int]:
    """These blocks, or so many spread evenly over the depth (0: all).

    Raises EvaluationError for a block the backbone does not have.
    """
    count = len(decoder_blocks(backbone.model))
    for block in blocks:
        if not 0 <= block < count:
            raise EvaluationError(f"block '{block}' is not one of the backbone's {count}; count from 0")
    share = count / min(tried or count, count)
    return list(blocks) or [int((number + 0.5) * share) for number in range(min(tried or count, count))]


def sweep(
    backbone: Backbone,
    measure: Sequence[Statement],
    readings: Mapping[int, Reading],
    strengths: Sequence[float],
    say: Callable[[str], None],
) -> list[SteeringTrial]:
    """Measure blocks and strengths on these statements; of a block none beyond the first that harms."""
    trials = []
    began = time.monotonic()
    plain = {trait: _odds_and_loss(backbone, _about(measure, trait)) for trait in TRAITS}
    most = 2 * len(readings) * len(strengths) * (time.monotonic() - began)
    say(
        f"trying {counted(len(readings), 'block')} at {counted(len(strengths), 'strength')}: at"
        f" most {clock(most)}"
    )
    for block, reading in readings.items():
        for strength in sorted(strengths):
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
            if trial.harm > MAX_HARM:
                break
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
        own_odds, prompt_loss = statement_odds(backbone, statement)
        odds += own_odds
        losses += prompt_loss
    return odds / len(own), losses / len(own)


def statement_odds(backbone: Backbone, statement: Statement) -> tuple[float, float]:
    """Log-odds of the matching answer, and the mean loss of the prompt's tokens."""
    texts = [answered(backbone, statement, matching) for matching in (True, False)]
    start = token_ids(backbone, texts[0].prompt).shape[1]
    matching, opposite = (token_ids(backbone, text.prompt + text.answer)[0] for text in texts)
    log_probs = _log_probs(backbone, matching)
    if torch.equal(matching[:-1], opposite[:-1]):
        # One token apart, so that one forward tells both.
        odds = log_probs[-1, matching[-1]] - log_probs[-1, opposite[-1]]
    else:
        odds = _of_own(log_probs, matching)[start - 1 :].sum()
        odds -= _of_own(_log_probs(backbone, opposite), opposite)[start - 1 :].sum()
    return float(odds), -float(_of_own(log_probs, matching)[: start - 1].mean())


def _log_probs(backbone: Backbone, ids: Tensor) -> Tensor:
    """What may follow each token but the last, (T - 1, vocabulary)."""
    with torch.inference_mode():
        logits: Tensor = backbone.model(input_ids=ids[None, :-1], use_cache=False).logits[0]
        return logits.float().log_softmax(-1)


def _of_own(log_probs: Tensor, ids: Tensor) -> Tensor:
    """Log probabilities of the tokens after the first, (T - 1,)."""
    return log_probs.gather(1, ids[1:, None])[:, 0]
