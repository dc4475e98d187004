"""The choice of block and strength."""

import pytest
import torch

from oceanchat.errors import EvaluationError
from oceanchat.traits import TRAITS, Level
from preact.backbones.backbone import Backbone
from preact.systems import steering_sweep
from preact.systems.statements import Statement, split_statements, statements
from preact.systems.steering import token_ids
from preact.systems.steering_sweep import (
    AnsweredStatement,
    Reading,
    answered,
    choose,
    chosen_blocks,
    statement_odds,
    sweep,
)
from preact.systems.steering_vectors import SteeringTrial
from tests.preact.tiny_models import tiny_backbone


def test_every_block_and_strength_is_measured_and_told() -> None:
    direction = torch.arange(32.0)
    directions = {trait: {Level.HIGH: direction, Level.LOW: -direction} for trait in TRAITS}
    readings = {block: Reading({}, 2.0, directions) for block in (0, 2)}
    lines: list[str] = []
    trials = sweep(
        tiny_backbone(), split_statements(statements()).measure[:20], readings, [0.5, 1.0], lines.append
    )
    assert [(t.block, t.strength) for t in trials] == [(0, 0.5), (0, 1.0), (2, 0.5), (2, 1.0)]
    assert len(lines) == 5 and lines[0].startswith("trying 2 blocks at 2 strengths: at most ")
    assert lines[1].startswith("block 0, strength 0.5: spread")
    assert all(trial.harm != 0 for trial in trials)


@pytest.mark.parametrize(("bearable", "tried"), [(-1e9, [0.5]), (1e9, [0.5, 1.0])])
def test_no_strength_beyond_the_first_that_harms_is_tried(
    bearable: float, tried: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(steering_sweep, "MAX_HARM", bearable)
    directions = {trait: dict.fromkeys(Level, torch.arange(32.0)) for trait in TRAITS}
    own, readings = split_statements(statements()).measure, {1: Reading({}, 2.0, directions)}
    trials = sweep(tiny_backbone(), own, readings, [1.0, 0.5], lambda line: None)
    assert [trial.strength for trial in trials] == tried


@pytest.mark.parametrize("longer", ["", ", that is true"])
def test_the_odds_are_those_of_whole_answers(longer: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def answers(backbone: Backbone, statement: Statement, matching: bool) -> AnsweredStatement:
        text = answered(backbone, statement, matching)
        return text._replace(answer=text.answer + longer * matching)

    monkeypatch.setattr(steering_sweep, "answered", answers)
    backbone, statement = tiny_backbone(), statements()[0]
    sums = []
    for matching in (True, False):
        text = answers(backbone, statement, matching)
        ids = token_ids(backbone, text.prompt + text.answer)[0]
        with torch.inference_mode():
            own = backbone.model(ids[None]).logits[0, :-1].log_softmax(-1).gather(1, ids[1:, None])[:, 0]
        count = token_ids(backbone, text.prompt).shape[1] - 1
        sums.append((own[count:].sum(), -own[:count].mean()))
    odds, loss = statement_odds(backbone, statement)
    assert odds == pytest.approx(float(sums[0][0] - sums[1][0]), abs=1e-4)
    assert loss == pytest.approx(float(sums[0][1]), abs=1e-4)


def test_nothing_added_neither_spreads_nor_harms() -> None:
    still = {trait: dict.fromkeys(Level, torch.zeros(32)) for trait in TRAITS}
    own = split_statements(statements()).measure
    (trial,) = sweep(tiny_backbone(), own, {1: Reading({}, 2.0, still)}, [1.0], lambda line: None)
    assert trial.spread == pytest.approx(0, abs=1e-5) and trial.harm == pytest.approx(0, abs=1e-5)


def test_the_widest_spread_that_does_little_harm_is_chosen() -> None:
    points = [
        SteeringTrial(block=0, strength=1.0, spread=1.0, harm=0.1),
        SteeringTrial(block=1, strength=1.0, spread=2.0, harm=0.4),
        SteeringTrial(block=2, strength=2.0, spread=9.0, harm=3.0),
    ]
    assert choose(points).block == 1
    assert choose([points[2], points[2].model_copy(update={"block": 5, "harm": 2.0})]).block == 5


def test_blocks_are_spread_evenly_unless_some_are_named() -> None:
    assert chosen_blocks(tiny_backbone(), []) == [0, 1, 2] and chosen_blocks(tiny_backbone(), [2]) == [2]
    assert chosen_blocks(tiny_backbone(), [], 1) == [1] and chosen_blocks(tiny_backbone(), [], 2) == [0, 2]
    assert chosen_blocks(tiny_backbone(), [], 0) == [0, 1, 2]
    with pytest.raises(EvaluationError, match="block '3' is not one of the backbone's 3"):
        chosen_blocks(tiny_backbone(), [3])
