"""ControlLM's vectors against their definition."""

import pytest
import torch

from oceanchat.errors import EvaluationError
from oceanchat.prompts import Message
from oceanchat.traits import Level, Trait
from preact.dialogues.conversation import render
from preact.systems.control_vectors import build
from preact.systems.statements import split_statements, statements
from preact.systems.steering import last_residuals
from preact.systems.steering_vectors import SteeringVectors
from tests.preact.tiny_models import tiny_backbone


@pytest.fixture(scope="module")
def control() -> SteeringVectors:
    return build(tiny_backbone(), "tiny", blocks=[1, 2], strengths=[0.5, 1.0])


def test_a_vector_is_the_mean_difference_of_matching_and_opposite_answers(control: SteeringVectors) -> None:
    backbone, block = tiny_backbone(), control.record.block
    differences = []
    for statement in split_statements(statements()).build:
        if statement.trait is Trait.N:
            question = f"{statement.text} Is that true of you? Answer Yes or No."
            prompt = render(backbone.tokenizer, [Message("user", question)], reply_next=True)
            yes, no = last_residuals(backbone, [prompt + "Yes", prompt + "No"], [block])[block]
            differences.append(yes - no if statement.level is Level.HIGH else no - yes)
    assert torch.allclose(control.vectors["N"], torch.stack(differences).mean(dim=0), atol=1e-5)


def test_the_record_says_what_the_vectors_come_from(control: SteeringVectors) -> None:
    record = control.record
    assert (record.method, record.answers, record.held_out, record.excluded) == ("controllm", 120, 20, 0)
    assert set(control.vectors) == set("OCEAN") == set(record.factors) and len(record.sources_sha256) == 64


def test_a_block_that_is_not_there_is_refused() -> None:
    with pytest.raises(EvaluationError, match="block '7' is not one of the backbone's 3"):
        build(tiny_backbone(), "tiny", blocks=[7])
