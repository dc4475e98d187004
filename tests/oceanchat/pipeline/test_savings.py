"""What options would save, off an estimate by a real model's prices."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from oceanchat.llm.settings import CallSettings
from oceanchat.pipeline.config import BuildConfig
from oceanchat.pipeline.estimate import estimate_build
from oceanchat.pipeline.savings import savings_of
from oceanchat.store.database import Store, open_store
from oceanchat.traits import TRAIT_LEVELS

MINI = dict.fromkeys(("labeler", "writer", "checker"), "gpt-4o-mini")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = open_store(tmp_path / "s.db")
    yield opened
    opened.close()


def config(sentences_per_call: int, **calls: object) -> BuildConfig:
    return BuildConfig(
        trait_levels=TRAIT_LEVELS,
        count=100,
        sentences_per_call=sentences_per_call,
        calls=CallSettings.model_validate(calls),
        **MINI,
    )


def test_savings_are_the_difference_between_two_estimates(store: Store) -> None:
    one, ten = (estimate_build(config(number), store) for number in (1, 10))
    assert one.rough and one.total.usd is not None and ten.total.usd is not None
    savings = dict(savings_of(one))
    assert savings["--batch"] == pytest.approx(one.total.usd.value / 2)
    assert savings["--sentences-per-call 10"] == pytest.approx(
        one.total.usd.value - ten.total.usd.value, rel=0.1
    )
    back = dict(savings_of(ten))
    assert back["--sentences-per-call 1"] < 0 < back["--sentences-per-call 20"]


def test_a_batch_saves_nothing_twice_and_unknown_prices_nothing(store: Store) -> None:
    assert "--batch" not in dict(savings_of(estimate_build(config(1, batch=True), store)))
    own = estimate_build(config(1, base_url="http://127.0.0.1:9/v1"), store)
    assert own.total.usd is None and savings_of(own) == ()
