"""Rough estimates: calls by the assumptions, dollars by the prices, wide rather than narrow."""

from decimal import Decimal

import pytest

from oceanchat.llm.prices import Price
from oceanchat.pipeline.rehearsal import CallSize
from oceanchat.pipeline.rough_estimate import (
    PROMPT_TOKENS,
    REPLY_TOKENS,
    SENTENCES,
    WRITTEN,
    assumptions,
    rough_task,
)

PRICE = Price(Decimal(10), Decimal(20))


def test_labels_go_by_sentences_and_the_rest_by_dialogues() -> None:
    label = rough_task("label_many", "m", CallSize(0.1, 400, 90), 1000, PRICE)
    assert label.calls == SENTENCES.scaled(100)
    check = rough_task("check", "m", CallSize(0.25, 900, 40), 1000, PRICE)
    assert check.calls == WRITTEN.scaled(250)
    assert check.usd is not None
    tokens = (900 * PROMPT_TOKENS.high, 40 * REPLY_TOKENS.high)
    assert check.usd.high == pytest.approx(WRITTEN.high * 250 * (tokens[0] * 10 + tokens[1] * 20) / 1e6)
    assert check.usd.low < check.usd.value < check.usd.high


def test_what_the_ledger_holds_is_taken_off_except_in_the_worst_case() -> None:
    size = CallSize(1, 400, 90)
    whole, rest = (rough_task("label", "m", size, 100, PRICE, known) for known in (0, 2000))
    assert rest.calls.value == whole.calls.value - 2000
    assert (rest.calls.low, rest.calls.high) == (0, whole.calls.high)


def test_without_a_price_the_cost_is_unknown() -> None:
    assert rough_task("label", "m", CallSize(1, 400, 90), 100, None).usd is None


def test_the_assumptions_are_said_as_they_are() -> None:
    words = "; ".join(assumptions())
    for figure in (SENTENCES.low, SENTENCES.high, WRITTEN.low, PROMPT_TOKENS.high):
        assert f"{figure:g}" in words
