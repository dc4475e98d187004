"""A pilot says how often shared calls answer otherwise than calls about one thing."""

from collections.abc import Callable
from pathlib import Path

import pytest

from oceanchat.llm.endpoint.openai_endpoint import OpenAIEndpoint
from oceanchat.llm.settings import CallSettings
from oceanchat.pipeline.build import build, prepare
from oceanchat.pipeline.config import BuildConfig
from oceanchat.pipeline.estimate import estimate_build
from oceanchat.pipeline.one_by_one import PilotComparison, compare
from oceanchat.progress import Silence
from oceanchat.store.database import Store
from oceanchat.traits import Level, Trait, TraitLevel
from tests.broken_endpoint import BrokenEndpoint


async def piloted(store: Store, url: str, **options: int) -> PilotComparison:
    """A pilot, and what it says of shared calls."""
    config = BuildConfig(
        trait_levels=(TraitLevel(Trait.N, Level.HIGH),),
        count=4,
        **dict.fromkeys(("labeler", "writer", "checker"), "good"),
        **options,
        calls=CallSettings(base_url=url),
    )
    prepared = prepare(config)
    await build(prepared, store, Silence(), OpenAIEndpoint)
    before = estimate_build(config, store)
    comparison = await compare(prepared, store, OpenAIEndpoint)
    assert comparison is not None
    assert estimate_build(config, store) == before, "the forecast does not count these calls"
    return comparison


async def test_a_model_that_says_the_same_has_no_difference(
    store: Store, serve_broken: Callable[..., BrokenEndpoint]
) -> None:
    endpoint = serve_broken()
    comparison = await piloted(store, endpoint.url)
    assert comparison[:2] == ((0, 20), (0, 2)) and comparison.usage.answered == 22
    assert endpoint.calls()["label"] == 20


async def test_a_model_that_says_otherwise_when_asked_one_by_one_is_told(
    store: Store, serve_broken: Callable[..., BrokenEndpoint]
) -> None:
    labels, _, _ = await piloted(store, serve_broken(label="neutral").url)
    assert 0 < labels.different < labels.total == 20
    assert labels.as_json()["share"]["low"] > 0


@pytest.mark.parametrize("left", [-0.001, 0.001])
async def test_a_cap_holds_for_a_pilot_and_what_it_asks_again_together(
    store: Store, serve_broken: Callable[..., BrokenEndpoint], tmp_path: Path, left: float
) -> None:
    """Of the 22 calls at $1 a million tokens about one fits into a tenth of a cent."""
    endpoint, prices = serve_broken(), tmp_path / "prices.toml"
    prices.write_text(
        'unit = "USD per million tokens"\ndate = "2026-01-01"\nsource = "a test"\n'
        '[[price]]\nmodels = ["good"]\ninput = 1\noutput = 1\n'
    )
    config = BuildConfig(
        trait_levels=(TraitLevel(Trait.N, Level.HIGH),),
        count=4,
        **dict.fromkeys(("labeler", "writer", "checker"), "good"),
        calls=CallSettings(base_url=endpoint.url, prices=prices),
    )
    report = await build(prepare(config), store, Silence(), OpenAIEndpoint)
    before, cap = sum(endpoint.calls().values()), float(report.usage.usd) + left
    capped = config.model_copy(update={"calls": config.calls.model_copy(update={"max_usd": cap})})
    assert await compare(prepare(capped), store, OpenAIEndpoint, report.usage) is None
    assert sum(endpoint.calls().values()) <= before + 2 * (left > 0)


async def test_what_was_asked_one_by_one_is_not_asked_again(
    store: Store, serve_broken: Callable[..., BrokenEndpoint]
) -> None:
    endpoint = serve_broken()
    comparison = await piloted(store, endpoint.url, sentences_per_call=1, dialogues_per_check=1)
    assert comparison[:2] == ((0, 0), (0, 0)) and comparison.labels.share.value is None
