"""The help of `preact train`: every option under a heading, with the recipe's own words."""

import click
from click.testing import CliRunner

from preact.cli.main import preact
from preact.cli.training import train
from preact.cli.training_options import SECTIONS
from preact.config import Recipe, flags_of


def test_every_number_of_the_recipe_has_an_option_with_help() -> None:
    options = {option.name: option for option in train.params}
    assert set(Recipe.model_fields) <= set(options)
    for name in Recipe.model_fields:
        option = options[name]
        assert isinstance(option, click.Option) and option.help and flags_of(name)[0] in option.opts


def test_every_option_stands_under_a_heading() -> None:
    names = [name for section in SECTIONS.values() for name in section.split()]
    assert sorted(names) == sorted(o.name or "" for o in train.params if isinstance(o, click.Option))
    text = CliRunner().invoke(preact, ["train", "--help"]).stdout
    headings = [line.removesuffix(":") for line in text.splitlines() if line.endswith(":")]
    assert headings[1:] == [*SECTIONS, "Other"] or headings == [*SECTIONS, "Other"]
