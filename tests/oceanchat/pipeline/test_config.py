"""What decides a result enters its recipe; what must not be told is never saved."""

import pytest
from pydantic import SecretStr, ValidationError

from oceanchat.llm.settings import CallSettings
from oceanchat.pipeline.config import BuildConfig
from oceanchat.traits import TRAIT_LEVELS, Level, Trait, TraitLevel

CONFIG = BuildConfig(trait_levels=(TraitLevel(Trait.O, Level.HIGH),))


def recipe(config: BuildConfig) -> str:
    return config.recipe("corpus", {"label": "abc"})


@pytest.mark.parametrize(
    "change",
    [
        {"count": 300},
        {"trait_levels": TRAIT_LEVELS},
        {"calls": CallSettings(concurrency=1)},
        {"calls": CallSettings(max_usd=1.0, offline=True)},
    ],
    ids=str,
)
def test_how_much_and_how_fast_do_not_enter_the_recipe(change: dict[str, object]) -> None:
    assert recipe(CONFIG.model_copy(update=change)) == recipe(CONFIG)


@pytest.mark.parametrize(
    "change",
    [
        {"seed": 1},
        {"mode": "dual"},
        {"check": "paper"},
        {"exchanges": 4},
        {"writer": "other"},
        {"seeds_per_essay": 2},
        {"calls": CallSettings(max_attempts=1)},
        {"calls": CallSettings(extra_body='{"seed": 1}')},
    ],
    ids=str,
)
def test_what_decides_the_result_enters_the_recipe(change: dict[str, object]) -> None:
    assert recipe(CONFIG.model_copy(update=change)) != recipe(CONFIG)


def test_corpus_and_prompts_enter_the_recipe() -> None:
    assert (
        CONFIG.recipe("other", {"label": "abc"}) != recipe(CONFIG) != CONFIG.recipe("corpus", {"label": "x"})
    )


def test_keys_and_credentials_are_never_saved() -> None:
    calls = CallSettings(
        base_url="https://me:planted-word@host/v1?k=planted-word", api_key=SecretStr("planted-key")
    )
    config = CONFIG.model_copy(update={"calls": calls, "writer": "m"})
    assert "planted" not in str(config.saved()) and config.saved()["endpoint"] == "https://host/v1"
    assert "planted-key" not in config.model_dump_json()


def test_a_config_cannot_be_changed_or_hold_the_unknown() -> None:
    with pytest.raises(ValidationError):
        BuildConfig(trait_levels=(TraitLevel(Trait.O, Level.HIGH),), speed="fast")  # type: ignore[call-arg]
    with pytest.raises(ValidationError):
        CONFIG.count = 7  # type: ignore[misc]
