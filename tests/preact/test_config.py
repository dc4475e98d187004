"""Defaults by backbone, companions of what is given, and contradictions."""

from typing import Any

import pytest

from oceanchat.errors import ConfigError
from preact.config import PAPER_RECIPE, TrainConfig, config_like, make_config

PLACES = {"release": "r", "output": "o"}


def test_defaults_of_real_backbones_are_the_papers() -> None:
    recipe = make_config(tiny=False, recipe={}, backbone="a/b", **PLACES).recipe
    assert (recipe.rank, recipe.experts, recipe.loss_weight) == (256, 16, 0.1)
    assert (recipe.epochs, recipe.batch_size, recipe.context, recipe.reply) == (3, 16, 512, 256)
    assert recipe.target_modules == ()  # query, key, value and feed-forward, by the architecture
    assert recipe == PAPER_RECIPE


def test_what_is_given_wins_and_brings_its_companions() -> None:
    recipe = make_config(tiny=True, recipe={"rank": 128, "batch_size": 4, "epochs": None}, **PLACES).recipe
    assert (recipe.rank, recipe.alpha, recipe.batch_size, recipe.micro_batch) == (128, 128, 4, 4)


def test_no_psl_is_lambda_0() -> None:
    assert make_config(tiny=True, recipe={}, method="no-psl", **PLACES).recipe.loss_weight == 0


@pytest.mark.parametrize(
    ("recipe", "method", "named"),
    [
        ({"rank": 65}, None, "--rank 65"),
        ({"batch_size": 16, "micro_batch": 5}, None, "--micro-batch"),
        ({"learning_rate": "fast"}, None, "--lr 'fast'"),
        ({"learning_rate": -1.0}, None, "--lr"),
        ({"learning_rate": float("nan")}, None, "--lr 'nan'"),
        ({"alpha": float("inf")}, None, "--alpha 'inf'"),
        ({"dropout": 1.5}, None, "--dropout '1.5'"),
        ({}, "magic", "method 'magic' is not known; write one of preact, lora"),
    ],
)
def test_contradictions_name_the_flag(recipe: dict[str, Any], method: str | None, named: str) -> None:
    with pytest.raises(ConfigError) as caught:
        make_config(tiny=True, recipe=recipe, method=method, **PLACES)
    assert named in str(caught.value)


def test_the_short_prompt_is_for_methods_under_a_prompt_and_does_not_pass_to_others() -> None:
    short = make_config(tiny=True, recipe={}, method="lora", prompt="short", **PLACES)
    assert short.prompt == "short" and "short prompt" in short.summary
    assert config_like(short, recipe={}, output="p").prompt == "short"
    assert config_like(short, recipe={}, output="p", method="preact").prompt == "full"
    with pytest.raises(ConfigError, match="--prompt short is for lora and no-moe, and preact has no prompt"):
        make_config(tiny=True, recipe={}, prompt="short", **PLACES)
    with pytest.raises(ConfigError, match="--fsdp shares no weights in 8 bits"):
        make_config(tiny=False, recipe={"quantise": "8bit"}, backbone="a/b", fsdp=True, **PLACES)
    with pytest.raises(ConfigError, match="--prompt short is for lora"):
        config_like(short, recipe={}, output="p", method="lora-sep", prompt="short")


def test_a_config_survives_its_file() -> None:
    config = make_config(tiny=True, recipe={"learning_rate": "2e-3"}, pretrain_texts=("a.txt",), **PLACES)
    assert TrainConfig.model_validate_json(config.model_dump_json()) == config
    assert config.recipe.learning_rate == pytest.approx(2e-3)


def test_methods_without_experts_take_any_rank() -> None:
    assert make_config(tiny=True, recipe={"rank": 8}, method="lora", **PLACES).recipe.rank == 8
    with pytest.raises(ConfigError, match="--rank 8 is not a multiple of --experts 16"):
        make_config(tiny=True, recipe={"rank": 8}, method="no-router", **PLACES)


def test_a_lambda_that_would_weigh_nothing_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"--lambda 0\.2 weighs a loss that no-psl"):
        make_config(tiny=True, recipe={"loss_weight": 0.2}, method="no-psl", **PLACES)
