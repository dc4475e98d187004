"""Persona vectors against their definition, and what they are asked with."""

from typing import Any

import pytest
import torch

from oceanchat.errors import EvaluationError
from oceanchat.prompts import Message
from oceanchat.traits import CODES, TRAIT_LEVELS
from preact.dialogues.conversation import prompt_ids
from preact.systems.generation import generate_ids
from preact.systems.persona_vectors import build, everyday_questions, instructions
from preact.systems.statements import TOO_CLOSE
from preact.systems.steering import recording
from preact.systems.steering_vectors import SteeringVectors
from preact.systems.system import Sampling
from tests.preact.tiny_models import tiny_backbone

SHORT = Sampling(temperature=1.0, top_p=1.0, max_tokens=6)


@pytest.fixture(scope="module")
def persona() -> SteeringVectors:
    return build(tiny_backbone(), "tiny", blocks=[1], strengths=[0.5], sampling=SHORT)


def test_a_vector_is_the_difference_of_mean_activations_over_answers(persona: SteeringVectors) -> None:
    backbone, number = tiny_backbone(), CODES.index("N-")
    eos = backbone.tokenizer.eos_token_id
    means = []
    for side in (1, 2):
        prompts = [
            prompt_ids(backbone.tokenizer, [Message("user", question)], context=10**6, system=str(pair[side]))
            for pair in instructions()
            if pair.trait_level.code == "N-"
            for question in everyday_questions()
        ]
        own = []
        for prompt, drawn in zip(prompts, generate_ids(*backbone, prompts, SHORT, number), strict=True):
            # Each answer read again, alone; a whole one up to its end, one cut short but for its last token.
            ids = drawn.tolist()
            answer = ids[: ids.index(eos)] if eos in ids else ids[:-1]
            if answer:
                with recording(backbone.model, [1]) as outputs, torch.inference_mode():
                    backbone.model(torch.tensor([[*prompt, *answer]]))
                own.append(outputs[1][0][0, len(prompt) :].mean(dim=0))
        means.append(torch.stack(own).mean(dim=0))
    assert torch.allclose(persona.vectors["N-"], means[0] - means[1], atol=1e-4)


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
