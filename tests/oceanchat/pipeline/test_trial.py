"""A build that cannot succeed stops after a handful of calls, whichever role fails and however."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from oceanchat.errors import BuildStopped
from oceanchat.llm.endpoint.openai_endpoint import OpenAIEndpoint
from oceanchat.llm.settings import CallSettings
from oceanchat.pipeline.build import build, prepare
from oceanchat.pipeline.config import BuildConfig
from oceanchat.pipeline.report import BuildReport
from oceanchat.progress import Silence
from oceanchat.store import builds as build_rows
from oceanchat.store.database import Store, open_store
from oceanchat.traits import Level, Trait, TraitLevel
from tests.broken_endpoint import BrokenEndpoint
from tests.endpoint import FAST_BATCHES

Serve = Callable[..., BrokenEndpoint]


async def run(store: Store, url: str, settings: dict[str, Any] | None = None, **options: Any) -> BuildReport:
    roles = dict.fromkeys(("labeler", "writer", "checker"), "good")
    config = BuildConfig(
        trait_levels=(TraitLevel(Trait.N, Level.HIGH),),
        **({"count": 30} | roles | options),
        calls=CallSettings(base_url=url, **(settings or {})),
    )
    return await build(prepare(config), store, Silence(), OpenAIEndpoint)


REFUSED = [
    ({"model:bad": "404"}, {"checker": "bad"}, "--checker", 30),
    ({"model:bad": "404"}, {"writer": "bad"}, "--writer", 30),
    ({"model:bad": "400"}, {"labeler": "bad"}, "--labeler", 30),
    ({"model:bad": "422"}, {"checker": "bad", "mode": "dual"}, "--checker", 99),
]
USELESS = [
    ({"label": "prose", "label_many": "prose"}, {}, "--labeler"),
    ({"label": "declines"}, {"sentences_per_call": 1}, "--labeler"),
    ({"label": "blank", "label_many": "blank"}, {"sentences_per_call": 5}, "--label-tokens"),
    ({"label": "length"}, {"sentences_per_call": 1}, "--label-tokens"),
    ({"write": "prose"}, {}, "--writer"),
    ({"write": "length"}, {}, "--dialogue-tokens"),
    ({"question": "length"}, {"mode": "dual"}, "--turn-tokens"),
    ({"disclose": "blank"}, {"mode": "dual"}, "--reasoning-effort"),
    ({"check": "prose"}, {}, "--checker"),
    ({"check": "length"}, {}, "--check-tokens"),
]


@pytest.mark.parametrize(("broken", "options", "way_out", "most"), REFUSED)
async def test_a_refused_role_costs_a_handful_of_calls(
    store: Store,
    serve_broken: Serve,
    broken: dict[str, str],
    options: dict[str, Any],
    way_out: str,
    most: int,
) -> None:
    endpoint = serve_broken(**broken)
    with pytest.raises(BuildStopped, match=f"'bad'.*is refused on purpose.*{way_out}") as stopped:
        await run(store, endpoint.url, **options)
    calls = endpoint.calls()
    assert calls.get("model:good", 0) <= most and calls["model:bad"] <= 16
    assert "add essays" not in str(stopped.value)


TOO_SHORT = [
    ({"write": "context"}, {}, "lower --dialogue-tokens", 40),
    # Single sentences still fit.
    ({"label_many": "context", "write": "context"}, {}, "lower --dialogue-tokens", 150),
    ({"disclose": "context"}, {"mode": "dual"}, "lower --turn-tokens", 40),
    ({"check": "context"}, {}, "lower --check-tokens", 40),
    ({"label_many": "context", "label": "context"}, {}, "`oceanchat retry`", 80),
]


@pytest.mark.parametrize(("broken", "options", "way_out", "most"), TOO_SHORT)
async def test_a_context_that_is_too_short_costs_a_handful_of_calls(
    store: Store,
    serve_broken: Serve,
    broken: dict[str, str],
    options: dict[str, Any],
    way_out: str,
    most: int,
) -> None:
    endpoint = serve_broken(**broken)
    with pytest.raises(BuildStopped, match=f"context length is 2048 .*--max-model-len.*{way_out}"):
        await run(store, endpoint.url, **options)
    assert endpoint.calls()["model:good"] <= most


@pytest.mark.parametrize(("broken", "options", "way_out"), USELESS)
async def test_useless_replies_stop_a_role_after_a_few_dozen_calls(
    store: Store, serve_broken: Serve, broken: dict[str, str], options: dict[str, Any], way_out: str
) -> None:
    endpoint = serve_broken(**broken)
    with pytest.raises(BuildStopped, match=way_out):
        await run(store, endpoint.url, **options)
    assert sum(endpoint.calls()[task] for task in broken) <= 60
    before = sum(endpoint.calls().values())
    with pytest.raises(BuildStopped, match=way_out):
        await run(store, endpoint.url, **options)
    assert sum(endpoint.calls().values()) <= before + 20, "the second run knows from the ledger"


@pytest.mark.parametrize(
    ("broken", "pattern", "most"),
    [
        (
            {"label": "neutral", "label_many": "prose"},
            "of 150 sentences labeled by 'good' none show a level",
            250,
        ),
        ({"write": "short"}, "of 20 dialogues by 'good' none pass the quality gates", 300),
        ({"check": "none"}, "of 40 dialogues checked by 'good' none pass", 650),
    ],
)
async def test_rows_that_all_end_at_one_step_stop_the_run(
    store: Store, serve_broken: Serve, broken: dict[str, str], pattern: str, most: int
) -> None:
    endpoint = serve_broken(**broken)
    with pytest.raises(BuildStopped, match=pattern):
        await run(store, endpoint.url, count=120)
    assert endpoint.calls()["model:good"] <= most


async def test_a_model_that_cannot_label_many_is_asked_one_by_one(store: Store, serve_broken: Serve) -> None:
    endpoint = serve_broken(label_many="prose")
    report = await run(store, endpoint.url, count=12)
    calls = endpoint.calls()
    assert report.outcomes[0].passed == 12 and not report.outcomes[0].funnel.candidates.get("failed")
    assert calls["label"] > 40 and calls["label_many"] <= calls["label"] / 9


async def test_with_unread_replies_too_the_result_does_not_depend_on_concurrency(
    tmp_path: Path, serve_broken: Serve
) -> None:
    endpoint = serve_broken(label_many="some-prose", label="some-prose", check="some-prose")
    results = []
    for concurrency in (1, 40):
        store = open_store(tmp_path / f"{concurrency}.db")
        await run(store, endpoint.url, {"concurrency": concurrency}, count=14)
        with store.reading() as connection:
            labels = list(build_rows.stored_candidates(connection))
            results.append((labels, list(build_rows.stored_dialogues(connection))))
        again = await run(store, endpoint.url, {"offline": True}, count=14)
        assert again.outcomes[0].passed == 14, "a replay needs no answer that is not there"
        store.close()
    assert results[0] == results[1]
    assert len({candidate.prompt for candidate in results[0][0]}) == 2, "some were asked one by one"


async def test_in_batches_too_the_first_topic_is_asked_live(store: Store, serve_broken: Serve) -> None:
    endpoint = serve_broken(check="prose")
    with pytest.raises(BuildStopped, match="--checker"):
        await run(store, endpoint.url, FAST_BATCHES)
    assert endpoint.calls()["model:good"] <= 80


async def test_the_trial_changes_nothing_in_what_a_build_ends_with(store: Store, serve_broken: Serve) -> None:
    endpoint = serve_broken()
    report = await run(store, endpoint.url, {"concurrency": 2}, count=4)
    assert report.outcomes[0].passed == 4
    with store.reading() as connection:
        ids = [d.id for d in build_rows.stored_dialogues(connection)]
    free = await run(store, endpoint.url, {"concurrency": 40}, count=4)
    assert free.usage.answered == 0
    scripted = BuildConfig(trait_levels=(TraitLevel(Trait.N, Level.HIGH),), count=4)
    await build(prepare(scripted), store, Silence())
    with store.reading() as connection:
        assert [d.id for d in build_rows.stored_dialogues(connection)] == ids
