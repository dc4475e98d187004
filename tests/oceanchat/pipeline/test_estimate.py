"""Forecasts from a pilot: right on average, with intervals that hold what comes."""

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oceanchat.llm.prices import load_prices
from oceanchat.llm.settings import OPENAI_URL, SCRIPTED
from oceanchat.pipeline.build import build, prepare
from oceanchat.pipeline.config import BuildConfig
from oceanchat.pipeline.estimate import (
    Moments,
    PilotUsage,
    calls_needed,
    estimate_build,
    estimate_task,
    sentences_needed,
)
from oceanchat.pipeline.filling import Filling
from oceanchat.pipeline.ranges import TaskEstimate, add_up
from oceanchat.progress import Silence
from oceanchat.store.database import Store
from oceanchat.store.ledger_sums import pilot_sums
from oceanchat.traits import TraitLevel


def moments(values: list[float]) -> Moments:
    return Moments(len(values), sum(values), sum(value * value for value in values))


def pilot(
    calls: int, dialogues: int, tokens: list[float] | None = None, model: str = "gpt-4-0613"
) -> PilotUsage:
    counted = moments(tokens if tokens is not None else [100.0] * calls)
    return PilotUsage("label", model, OPENAI_URL, calls, dialogues, counted, counted)


def test_calls_scale_with_the_pilots_yield() -> None:
    calls = calls_needed(pilot(120, 10), 200)
    assert calls.value == 2400
    assert calls.low < 2400 < calls.high


def test_several_dialogues_a_call_scale_too() -> None:
    calls = calls_needed(pilot(5, 20), 200)
    assert calls.value == 50 and calls.low < 50 < calls.high


def test_calls_that_the_build_fills_are_fewer_and_larger() -> None:
    filling = Filling(calls=0.25, fewest=0.2, most=0.5, prompt=3, completion=4)
    fuller, alike = pilot(10, 10)._replace(filling=filling), pilot(10, 10)
    calls, as_before = calls_needed(fuller, 1000), calls_needed(alike, 1000)
    assert calls == (0.25 * as_before.value, 0.2 * as_before.low, 0.5 * as_before.high)
    estimate = estimate_task(fuller, 1000, load_prices(), batch=False)
    assert estimate.tokens is not None and estimate.tokens.value == 250 * (3 * 100 + 4 * 100)


@pytest.mark.parametrize("dialogues", [1, 3])
async def test_a_small_pilot_forecasts_about_the_calls_that_the_build_makes(
    store: Store, dialogues: int
) -> None:
    config = BuildConfig(trait_levels=(TraitLevel.parse("O+"),), count=30)
    small = config.model_copy(update={"count": dialogues})
    piloted = await build(prepare(small), store, Silence())
    tasks = {task.task: task.calls for task in estimate_build(config, store).tasks}
    built = await build(prepare(config), store, Silence())
    answered = built.usage.answered
    assert answered > piloted.usage.answered
    total = sum(calls.value for calls in tasks.values())
    assert total == pytest.approx(answered, rel=0.3)
    with store.reading() as connection:
        checks = sum(row["calls"] for row in pilot_sums(connection, SCRIPTED, "check")) - 1  # the pilot's
    assert tasks["check"].value == pytest.approx(checks, rel=0.4)


def test_cost_is_calls_times_tokens_times_price() -> None:
    estimate = estimate_task(pilot(100, 10), 10, load_prices(), batch=False)
    assert estimate.usd is not None and estimate.tokens is not None
    assert estimate.tokens.value == 100 * 200
    assert estimate.usd.value == pytest.approx(100 * (100 * 30 + 100 * 60) / 1e6)
    halved = estimate_task(pilot(100, 10), 10, load_prices(), batch=True)
    assert halved.usd is not None and halved.usd.value == pytest.approx(estimate.usd.value / 2)


def test_tokens_from_the_providers_cache_cost_what_the_price_file_says() -> None:
    whole = pilot(100, 10, [1000.0] * 100, model="gpt-4o")
    estimate = estimate_task(whole._replace(cached=600.0), 10, load_prices(), batch=False)
    assert estimate.usd is not None
    assert estimate.usd.value == pytest.approx(100 * (400 * 2.5 + 600 * 1.25 + 1000 * 10) / 1e6)
    in_batch = estimate_task(whole._replace(cached=600.0), 10, load_prices(), batch=True)
    assert in_batch.usd is not None  # no price is known for what a batch takes from the cache
    assert in_batch.usd.value == pytest.approx(100 * (1000 * 1.25 + 1000 * 5) / 1e6)


def test_an_unknown_price_leaves_the_cost_unknown_and_the_tokens_told() -> None:
    estimate = estimate_task(pilot(100, 10, model="my-own"), 10, load_prices(), batch=False)
    assert estimate.usd is None and estimate.tokens is not None
    known = estimate_task(pilot(100, 10), 10, load_prices(), batch=False)
    assert add_up([estimate, known]).usd is None
    assert add_up([estimate, known]).calls.value == 200


def test_without_token_counts_only_the_calls_are_told() -> None:
    estimate = estimate_task(pilot(100, 10, tokens=[]), 10, load_prices(), batch=False)
    assert (estimate.tokens, estimate.usd, estimate.calls.value) == (None, None, 100)


def test_without_a_dialogue_only_the_least_is_known() -> None:
    calls = calls_needed(pilot(30, 0), 10)
    assert math.isnan(calls.value) and (calls.low, calls.high) == (10, math.inf)


def test_the_corpus_must_hold_what_the_share_of_sentences_that_led_to_dialogues_says() -> None:
    need = sentences_needed(280, 5, 50)
    assert need.value == 2800 and 280 < need.low < 2800 < need.high < 7000
    assert sentences_needed(280, 5, 5) == (280, 280, 280)
    nothing = sentences_needed(280, 0, 50)
    assert math.isnan(nothing.value) and (nothing.low, nothing.high) == (280, math.inf)


@given(st.integers(1, 300), st.integers(1, 300), st.integers(0, 500))
def test_the_value_lies_in_its_interval(calls: int, dialogues: int, more: int) -> None:
    calls = calls_needed(pilot(calls, dialogues), more)
    assert 0 <= calls.low <= calls.value <= calls.high


def test_the_interval_holds_what_comes_in_nearly_all_builds() -> None:
    dice = random.Random(7)
    held = 0
    rounds = 400
    for _ in range(rounds):
        small = [dice.gauss(300, 60) for _ in range(60)]
        yielded = max(1, sum(dice.random() < 0.2 for _ in small))
        estimate = estimate_task(pilot(60, yielded, small), 100, load_prices(), batch=False)
        passed, spent = 0, 0.0
        while passed < 100:
            spent += 2 * dice.gauss(300, 60)
            passed += dice.random() < 0.2
        assert estimate.tokens is not None
        held += estimate.tokens.low <= spent <= estimate.tokens.high
    assert held / rounds >= 0.9


def test_figures_go_into_json() -> None:
    estimate = estimate_task(pilot(100, 10), 10, load_prices(), batch=False).as_json()
    assert estimate["calls"]["value"] == 100 and estimate["task"] == "label"
    assert TaskEstimate("check", "m", calls_needed(pilot(1, 1), 1), None, None).as_json()["usd"] is None
