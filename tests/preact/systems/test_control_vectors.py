"""ControlLM's vectors against their definition, the sweep's choice, and the files."""

from pathlib import Path

import pytest
import torch

from oceanchat.errors import EvaluationError
from oceanchat.prompts import Message
from oceanchat.traits import Level, Trait
from preact.dialogues.conversation import render
from preact.systems.control_vectors import VECTORS, ControlVectors, SteeringTrial, build, choose, load, save
from preact.systems.statements import split_statements, statements
from preact.systems.steering import last_residuals
from tests.preact.tiny_models import tiny_backbone


@pytest.fixture(scope="module")
def control() -> ControlVectors:
    return build(tiny_backbone(), "tiny", blocks=[1, 2], strengths=[0.5, 1.0])


def test_a_vector_is_the_mean_difference_of_matching_and_opposite_answers(control: ControlVectors) -> None:
    backbone, block = tiny_backbone(), control.record.block
    differences = []
    for statement in split_statements(statements()).build:
        if statement.trait is Trait.N:
            question = f"{statement.text} Is that true of you? Answer Yes or No."
            prompt = render(backbone.tokenizer, [Message("user", question)], reply_next=True)
            yes, no = last_residuals(backbone, [prompt + "Yes", prompt + "No"], [block])[block]
            differences.append(yes - no if statement.level is Level.HIGH else no - yes)
    assert torch.allclose(control.vectors[Trait.N], torch.stack(differences).mean(dim=0), atol=1e-5)


def test_strength_is_relative_to_the_norm_of_the_residual_stream(control: ControlVectors) -> None:
    for trait in Trait:
        added = float(control.addition(trait, Level.HIGH).norm())
        assert added == pytest.approx(control.record.strength * control.record.residual_norm, rel=1e-4)


def test_the_low_level_is_the_high_one_with_its_sign_turned(control: ControlVectors) -> None:
    high, low = (control.addition(Trait.E, level) for level in (Level.HIGH, Level.LOW))
    assert torch.equal(high, -low)


def test_the_sweep_measures_every_block_and_strength_on_held_out_statements(control: ControlVectors) -> None:
    record = control.record
    assert [(p.block, p.strength) for p in record.sweep] == [(1, 0.5), (1, 1.0), (2, 0.5), (2, 1.0)]
    assert (record.statements, record.held_out, record.excluded) == (60, 20, 0)


def test_the_widest_spread_that_does_little_harm_is_chosen() -> None:
    points = [
        SteeringTrial(block=0, strength=1.0, spread=1.0, harm=0.1),
        SteeringTrial(block=1, strength=1.0, spread=2.0, harm=0.4),
        SteeringTrial(block=2, strength=2.0, spread=9.0, harm=3.0),
    ]
    assert choose(points).block == 1
    assert choose([points[2], points[2].model_copy(update={"block": 5, "harm": 2.0})]).block == 5


def test_what_is_saved_is_what_is_loaded(control: ControlVectors, tmp_path: Path) -> None:
    save(control, tmp_path / "control")
    again = load(tmp_path / "control")
    assert again.record == control.record
    assert all(torch.equal(again.vectors[trait], control.vectors[trait]) for trait in Trait)


def test_a_missing_or_damaged_folder_is_refused(control: ControlVectors, tmp_path: Path) -> None:
    with pytest.raises(EvaluationError, match="preact control-vectors"):
        load(tmp_path)
    save(control, tmp_path / "control")
    (tmp_path / "control" / "control.json").write_text("{}")
    with pytest.raises(EvaluationError, match="make them again"):
        load(tmp_path / "control")
    save(control, tmp_path / "cut")
    vectors = tmp_path / "cut" / VECTORS
    vectors.write_bytes(vectors.read_bytes()[:-9])
    with pytest.raises(EvaluationError, match="make them again"):
        load(tmp_path / "cut")


def test_a_block_that_is_not_there_is_refused() -> None:
    with pytest.raises(EvaluationError, match="block '7' is not one of the backbone's 3"):
        build(tiny_backbone(), "tiny", blocks=[7])
