"""Steering vectors: what is added for a persona, and their files."""

import json
from pathlib import Path

import pytest
import torch

from oceanchat.errors import EvaluationError
from oceanchat.traits import CODES, TRAITS
from preact.persona import parse_persona
from preact.systems.steering_vectors import (
    RECORD,
    VECTORS,
    SteeringMethod,
    SteeringRecord,
    SteeringVectors,
    factor,
    load,
    save,
)


def vectors(method: SteeringMethod) -> SteeringVectors:
    """Random vectors, at half the length of a residual norm of 10."""
    keys = [trait.value for trait in TRAITS] if method == "controllm" else CODES
    torch.manual_seed(1)
    drawn = {key: torch.randn(8) for key in keys}
    record = SteeringRecord(
        method=method,
        backbone="bb",
        block=1,
        strength=0.5,
        factors={key: factor(vector, 0.5, 10.0) for key, vector in drawn.items()},
        residual_norm=10.0,
        answers=4,
        held_out=2,
        excluded=0,
        sources_sha256="0" * 64,
        sweep=(),
    )
    return SteeringVectors(record, drawn)


@pytest.mark.parametrize("method", ["controllm", "persona"])
def test_strength_is_relative_to_the_norm_of_the_residual_stream(method: SteeringMethod) -> None:
    for code in CODES:
        added = vectors(method).addition(parse_persona(code))
        assert float(added.norm()) == pytest.approx(5.0, rel=1e-5)
    assert factor(torch.zeros(3), 0.5, 10.0) == 0.0


def test_the_low_level_is_the_high_one_turned_unless_it_has_a_vector_of_its_own() -> None:
    for method, turned in (("controllm", True), ("persona", False)):
        high, low = (vectors(method).addition(parse_persona(code)) for code in ("E+", "E-"))
        assert torch.equal(high, -low) is turned


def test_a_mixture_is_the_sum_of_its_shares() -> None:
    steering = vectors("persona")
    mixed = steering.addition(parse_persona("O+=0.75 N-=0.25"))
    apart = [steering.addition(parse_persona(code)) for code in ("O+", "N-")]
    assert torch.allclose(mixed, 0.75 * apart[0] + 0.25 * apart[1])


@pytest.mark.parametrize("method", ["controllm", "persona"])
def test_what_is_saved_is_what_is_loaded(method: SteeringMethod, tmp_path: Path) -> None:
    control = vectors(method)
    save(control, tmp_path / "control")
    again = load(tmp_path / "control")
    assert again.record == control.record and list(again.vectors) == list(control.vectors)
    assert all(torch.equal(again.vectors[key], vector) for key, vector in control.vectors.items())


def test_a_missing_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(EvaluationError, match="preact control-vectors"):
        load(tmp_path)


@pytest.mark.parametrize("damage", ["empty", "other keys", "torn", "no vectors", "lost vector"])
def test_a_damaged_folder_is_one_line(damage: str, tmp_path: Path) -> None:
    save(vectors("controllm"), tmp_path)
    record, tensors = tmp_path / RECORD, tmp_path / VECTORS
    facts = json.loads(record.read_text())
    if damage == "empty":
        record.write_text("{}")
    elif damage == "other keys":
        record.write_text(json.dumps({**facts, "factors": {"O": 1.0}}))
    elif damage == "torn":
        tensors.write_bytes(tensors.read_bytes()[:50])
    elif damage == "no vectors":
        tensors.write_bytes(b"")
    else:
        record.write_text(json.dumps({**facts, "method": "persona"}))
    with pytest.raises(EvaluationError, match="make them again") as refusal:
        load(tmp_path)
    assert "\n" not in str(refusal.value)
