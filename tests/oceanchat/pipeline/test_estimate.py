"""Forecasts from a pilot: right on average, with intervals that hold what comes."""

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oceanchat.llm.forecast import Moments, Pilot, TaskForecast, add_up, calls_needed, forecast
from oceanchat.llm.prices import load_prices
from oceanchat.llm.settings import OPENAI_URL


def moments(values: list[float]) -> Moments:
    return Moments(len(values), sum(values), sum(value * value for value in values))


def pilot(calls: int, dialogues: int, tokens: list[float] | None = None, model: str = "gpt-4-0613") -> Pilot:
    counted = moments(tokens if tokens is not None else [100.0] * calls)
    return Pilot("label", model, OPENAI_URL, calls, dialogues, counted, counted)


def test_calls_scale_with_the_pilots_yield() -> None:
    span = calls_needed(pilot(120, 10), 200)
    assert span.value == 2400
    assert span.low < 2400 < span.high


def test_several_dialogues_a_call_scale_too() -> None:
    span = calls_needed(pilot(5, 20), 200)
    assert span.value == 50 and span.low < 50 < span.high


def test_cost_is_calls_times_tokens_times_price() -> None:
    told = forecast(pilot(100, 10), 10, load_prices(), batch=False)
    assert told.usd is not None and told.tokens is not None
    assert told.tokens.value == 100 * 200
    assert told.usd.value == pytest.approx(100 * (100 * 30 + 100 * 60) / 1e6)
    halved = forecast(pilot(100, 10), 10, load_prices(), batch=True)
    assert halved.usd is not None and halved.usd.value == pytest.approx(told.usd.value / 2)


def test_an_unknown_price_leaves_the_cost_unknown_and_the_tokens_told() -> None:
    told = forecast(pilot(100, 10, model="my-own"), 10, load_prices(), batch=False)
    assert told.usd is None and told.tokens is not None
    known = forecast(pilot(100, 10), 10, load_prices(), batch=False)
    assert add_up([told, known]).usd is None
    assert add_up([told, known]).calls.value == 200


def test_without_token_counts_only_the_calls_are_told() -> None:
    told = forecast(pilot(100, 10, tokens=[]), 10, load_prices(), batch=False)
    assert (told.tokens, told.usd, told.calls.value) == (None, None, 100)


def test_without_a_dialogue_only_the_least_is_known() -> None:
    span = calls_needed(pilot(30, 0), 10)
    assert math.isnan(span.value) and (span.low, span.high) == (10, math.inf)


@given(st.integers(1, 300), st.integers(1, 300), st.integers(0, 500))
def test_the_value_lies_in_its_interval(calls: int, dialogues: int, more: int) -> None:
    span = calls_needed(pilot(calls, dialogues), more)
    assert 0 <= span.low <= span.value <= span.high


def test_the_interval_holds_what_comes_in_nearly_all_builds() -> None:
    dice = random.Random(7)
    held = 0
    rounds = 400
    for _ in range(rounds):
        small = [dice.gauss(300, 60) for _ in range(60)]
        yielded = max(1, sum(dice.random() < 0.2 for _ in small))
        told = forecast(pilot(60, yielded, small), 100, load_prices(), batch=False)
        passed, spent = 0, 0.0
        while passed < 100:
            spent += 2 * dice.gauss(300, 60)
            passed += dice.random() < 0.2
        assert told.tokens is not None
        held += told.tokens.low <= spent <= told.tokens.high
    assert held / rounds >= 0.9


def test_figures_go_into_json() -> None:
    told = forecast(pilot(100, 10), 10, load_prices(), batch=False).as_json()
    assert told["calls"]["value"] == 100 and told["task"] == "label"
    assert TaskForecast("check", "m", calls_needed(pilot(1, 1), 1), None, None).as_json()["usd"] is None
