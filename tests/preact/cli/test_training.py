"""`preact train` and `info` from the command line."""

import json
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

from oceanchat.errors import ConfigError
from preact.cli import training
from preact.cli.main import preact
from preact.config import TINY_RECIPE, Recipe, flags_of
from tests.preact.conftest import Run


def call(*arguments: Any) -> Any:
    return CliRunner().invoke(preact, [str(a) for a in arguments], catch_exceptions=True)


def test_info_says_what_a_run_is(preact_run: Run) -> None:
    text = call("info", preact_run.folder).stdout
    assert "method       preact" in text and "experts" in text and text.count("\n  ") == 10
    facts = json.loads(call("info", preact_run.folder, "--json").stdout)
    assert len(facts["expert_weights"]) == 10 and facts["release"]["dialogues"] == 40


def test_every_number_of_the_recipe_has_an_option_with_help() -> None:
    options = {option.name: option for option in training.train.params}
    assert set(Recipe.model_fields) <= set(options)
    for name in Recipe.model_fields:
        option = options[name]
        assert isinstance(option, click.Option) and option.help and flags_of(name)[0] in option.opts


@pytest.mark.parametrize(
    ("british", "american"),
    [
        (("--quantise", "4bit"), ("--quantize", "4bit")),
        (("--optimiser", "adamw-8bit"), ("--optimizer", "adamw-8bit")),
        (("--psl-normalised",), ("--psl-normalized",)),
    ],
)
def test_both_spellings_of_an_option_are_accepted(british: tuple[str], american: tuple[str]) -> None:
    def values(*flags: str) -> dict[str, Any]:
        return training.train.make_context("train", ["r", "--output", "x", *flags]).params

    assert values(*british) == values(*american) != values()


def test_what_is_given_on_the_command_line_reaches_the_config() -> None:
    flags = ("--lr", "1e-3", "--target-modules", "q_proj,v_proj", "--no-packing", "--schedule", "linear")
    values = training.train.make_context("train", ["r", "--output", "x", *flags]).params
    config = training._config(
        Path("x"), {k: v for k, v in values.items() if k not in ("output", "resume", "like")}
    )
    recipe = config.recipe
    assert (recipe.learning_rate, recipe.packing, recipe.schedule) == (1e-3, False, "linear")
    assert recipe.target_modules == ("q_proj", "v_proj") and recipe.rank == TINY_RECIPE.rank


def test_train_goes_from_the_command_line_to_a_run(release_folder: Path, tmp_path: Path) -> None:
    short = ("--max-steps", 1, "--pretrain-steps", 1, "--rank", 16, "--threads", 1, "--batch-size", 2)
    done = call("train", release_folder, "--output", tmp_path / "run", "--method", "auxiliary", *short)
    assert done.exit_code == 0, done.output
    assert "1 steps" in done.stdout and "method auxiliary: rank 16" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("train", "--output", "x"), "no release is named"),
        (("train", "r", "--output", "x", "--method", "magic"), "method 'magic'"),
        (("train", "r", "--output", "x", "--rank", "30"), "--rank 30"),
        (("train", "r", "--output", "x", "--backbone", "a/b", "--pretrain-steps", "5"), "--pretrain-text"),
    ],
)
def test_contradictions_are_named_by_their_flags(arguments: tuple[str, ...], named: str) -> None:
    done = call(*arguments)
    assert isinstance(done.exception, ConfigError) and named in str(done.exception)


def test_resume_takes_nothing_but_the_folder(preact_run: Run) -> None:
    done = call("train", "--resume", "--output", preact_run.folder, "--rank", "32")
    assert isinstance(done.exception, ConfigError) and "leave out --rank" in str(done.exception)
