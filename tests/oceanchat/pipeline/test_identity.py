"""Nobody loses a build to a typo: what may change under one name, and what makes another build."""

from typing import Any

import pytest

from oceanchat.errors import ConfigError
from oceanchat.llm.settings import CallSettings
from oceanchat.pipeline.config import BuildConfig
from oceanchat.pipeline.identity import check_identity, rehearsed
from oceanchat.store.builds import StoredBuild
from oceanchat.traits import Level, Trait, TraitLevel

REAL = {"labeler": "m", "writer": "m", "checker": "m"}


def config(**options: Any) -> BuildConfig:
    return BuildConfig(trait_levels=(TraitLevel(Trait.O, Level.HIGH),), **options)


def stored(earlier: BuildConfig, prompts: str = "old", corpus: str = "corpus") -> StoredBuild:
    recipe = earlier.recipe(corpus, {"label": prompts})
    return StoredBuild(earlier.build_name, "O+", corpus, recipe, earlier.count, earlier.saved(), 1.0)


def check(wanted: BuildConfig, before: StoredBuild, prompts: str = "old", corpus: str = "corpus") -> None:
    check_identity(wanted, corpus, wanted.recipe(corpus, {"label": prompts}), [before])


@pytest.mark.parametrize(
    ("models", "name"),
    [
        ({}, "scripted"),
        (REAL, "m"),
        (REAL | {"checker": "org/c"}, "m/m/org/c"),
        (REAL | {"build": "mine"}, "mine"),
        (REAL | {"calls": CallSettings(endpoint_name="lab")}, "m@lab"),
    ],
)
def test_a_build_is_named_after_its_models(models: dict[str, Any], name: str) -> None:
    assert config(**models).build_name == name


@pytest.mark.parametrize(
    "change",
    [
        {"count": 50},
        {"count": 5},
        {"trait_levels": (TraitLevel(Trait.N, Level.HIGH),)},
        {"calls": CallSettings(concurrency=1, timeout_seconds=9, max_usd=1, rpm=3)},
        {"calls": CallSettings(base_url="http://elsewhere:1234/v1")},
    ],
    ids=str,
)
def test_how_much_and_how_fast_and_where_goes_on_with_a_build(change: dict[str, Any]) -> None:
    before = config(**REAL)
    check(before.model_copy(update=change), stored(before))


def test_a_build_from_before_there_were_lengths_goes_on_with_free_ones() -> None:
    before = config(**REAL, answer_words="free")
    assert "answer_words" not in before.saved()
    check(before, stored(before))
    with pytest.raises(ConfigError, match=r"made with --answer-words 'free', not '8-40'; keep both"):
        check(config(**REAL), stored(before))
    with pytest.raises(ConfigError, match=r"made with --answer-words '8-40', not '8-40,E=10-60'"):
        check(config(**REAL, answer_words="E=10-60"), stored(config(**REAL)))


def test_changed_prompts_go_on_but_for_less() -> None:
    before = config(**REAL)
    check(before, stored(before), prompts="new")
    with pytest.raises(ConfigError, match="--count '5' would drop some"):
        check(before.model_copy(update={"count": 5}), stored(before), prompts="new")


@pytest.mark.parametrize(
    ("change", "flag"),
    [
        ({"mode": "dual"}, "--mode"),
        ({"check": "paper"}, "--check"),
        ({"seed": 1}, "--seed"),
        ({"seeds_per_essay": 9}, "--seeds-per-essay"),
        ({"label_tokens": 900}, "without --label-tokens"),
        ({"writer": "other", "build": "m"}, "--writer"),
        ({"calls": CallSettings(extra_body='{"top_k": 5}')}, "--extra-body"),
    ],
    ids=str,
)
def test_other_options_stop_and_name_both_ways_out(change: dict[str, Any], flag: str) -> None:
    before = config(**REAL)
    wanted = before.model_copy(update=change)
    with pytest.raises(ConfigError, match=f"build 'm' was made .*{flag}.*--build NAME.*--replace"):
        check(wanted, stored(before))
    check(wanted.model_copy(update={"replace": True}), stored(before))


def test_other_essays_stop_too() -> None:
    before = config(**REAL)
    with pytest.raises(ConfigError, match="from other essays"):
        check(before, stored(before), corpus="another")


@pytest.mark.parametrize("replace", [False, True])
@pytest.mark.parametrize("real", [REAL, REAL | {"labeler": "scripted", "checker": "scripted"}])
def test_scripted_never_replaces_real(replace: bool, real: dict[str, Any]) -> None:
    before = config(build="mine", **real)
    with pytest.raises(ConfigError, match="never replaces"):
        check(config(build="mine", replace=replace), stored(before))


def test_real_may_replace_scripted_when_asked_to() -> None:
    check(config(build="mine", replace=True, **REAL), stored(config(build="mine")))


def test_answers_of_a_rehearsal_on_this_machine_are_not_taken_for_a_provider_s_unsaid() -> None:
    here = config(**REAL, calls=CallSettings(base_url="http://127.0.0.1:8808/v1"))
    note = rehearsed(config(**REAL), [stored(here)])
    assert note is not None and "127.0.0.1:8808" in note and "--store" in note
    assert rehearsed(here, [stored(here)]) is None
    assert rehearsed(config(**REAL), [stored(config(**REAL))]) is None
    assert rehearsed(config(), [stored(here)]) is None
