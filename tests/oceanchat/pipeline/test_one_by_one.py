"""A pilot says how often shared calls answer otherwise than calls about one thing."""

from collections.abc import Callable

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
    assert estimate_build(config, store) == before, "the forecast does not count these calls"
    return comparison


async def test_a_model_that_says_the_same_has_no_difference(
    store: Store, serve_broken: Callable[..., BrokenEndpoint]
) -> None:
    endpoint = serve_broken()
    assert await piloted(store, endpoint.url) == ((0, 20), (0, 2))
    assert endpoint.calls()["label"] == 20


async def test_a_model_that_says_otherwise_when_asked_one_by_one_is_told(
    store: Store, serve_broken: Callable[..., BrokenEndpoint]
) -> None:
    labels, _ = await piloted(store, serve_broken(label="neutral").url)
    assert 0 < labels.different < labels.total == 20
    assert labels.as_json()["share"]["low"] > 0


async def test_what_was_asked_one_by_one_is_not_asked_again(
    store: Store, serve_broken: Callable[..., BrokenEndpoint]
) -> None:
    endpoint = serve_broken()
    comparison = await piloted(store, endpoint.url, sentences_per_call=1, dialogues_per_check=1)
    assert comparison == ((0, 0), (0, 0)) and comparison.labels.share.value is None
