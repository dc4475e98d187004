"""Persona vectors against their definition, and what they are asked with."""

from typing import Any

import pytest
import torch

from oceanchat.errors import EvaluationError
from oceanchat.prompts import Message
from oceanchat.traits import CODES, TRAIT_LEVELS
from preact.dialogues.conversation import prompt_ids
from preact.systems.generation import generate
from preact.systems.persona_vectors import build, everyday_questions, instructions
from preact.systems.statements import TOO_CLOSE
from preact.systems.steering import mean_residuals
from preact.systems.steering_vectors import SteeringVectors
from preact.systems.system import Sampling
from tests.preact.tiny_models import tiny_backbone

SHORT = Sampling(temperature=1.0, top_p=1.0, max_tokens=6)


@pytest.fixture(scope="module")
def persona() -> SteeringVectors:
    return build(tiny_backbone(), "tiny", blocks=[1], strengths=[0.5], sampling=SHORT)


def test_a_vector_is_the_difference_of_mean_activations_over_whole_answers(persona: SteeringVectors) -> None:
    backbone, number = tiny_backbone(), CODES.index("N-")
    means = []
    for side in (1, 2):
        own = []
        for pair in instructions():
            if pair.trait_level.code == "N-":
                messages = [[Message("user", question)] for question in everyday_questions()]
                prompts = [
                    prompt_ids(backbone.tokenizer, m, context=10**6, system=str(pair[side])) for m in messages
                ]
                for prompt, (text, _) in zip(
                    prompts, generate(*backbone, prompts, SHORT, number), strict=True
                ):
                    ids = backbone.tokenizer(text, add_special_tokens=False)["input_ids"]
                    if ids:
                        own.append(mean_residuals(backbone, prompt, ids, [1])[1])
        means.append(torch.stack(own).mean(dim=0))
    assert torch.allclose(persona.vectors["N-"], means[0] - means[1], atol=1e-5)


def test_every_trait_level_has_a_vector_of_its_own(persona: SteeringVectors) -> None:
    assert tuple(persona.vectors) == CODES and persona.record.method == "persona"
    assert not torch.allclose(persona.vectors["O+"], -persona.vectors["O-"], atol=1e-3)
    expected = persona.record.strength * persona.record.residual_norm
    for trait_level in TRAIT_LEVELS:
        assert float(persona.addition({trait_level: 1.0}).norm()) == pytest.approx(expected, rel=1e-4)


def test_two_pairs_of_instructions_a_trait_level_and_questions_about_nothing_in_particular() -> None:
    levels = [pair.trait_level for pair in instructions()]
    assert {levels.count(trait_level) for trait_level in TRAIT_LEVELS} == {2} and len(levels) == 20
    assert len(set(everyday_questions())) == 8 and 0 < TOO_CLOSE < 1


def test_questions_of_the_inventory_are_not_asked() -> None:
    built = build(
        tiny_backbone(),
        "tiny",
        questions=everyday_questions()[:7],
        blocks=[0],
        strengths=[0.5],
        sampling=SHORT,
    )
    assert built.record.excluded == 7 and built.record.answers <= 40


def test_a_backbone_that_says_nothing_is_refused() -> None:
    def always_ends(module: Any, inputs: Any, output: torch.Tensor) -> torch.Tensor:
        return output.index_fill(-1, torch.tensor([tiny_backbone().tokenizer.eos_token_id]), 1e4)

    handle = tiny_backbone().model.lm_head.register_forward_hook(always_ends)
    try:
        with pytest.raises(EvaluationError, match="answers nothing"):
            build(tiny_backbone(), "tiny", blocks=[0], strengths=[0.5], sampling=SHORT)
    finally:
        handle.remove()
