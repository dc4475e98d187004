"""A package that is not installed ends in one line that names its extra."""

import re
import tomllib
from pathlib import Path

import pytest

from oceanchat.errors import ConfigError
from oceanchat.extras import EXTRAS, load_optional, smallest_extra

PROJECT = tomllib.loads(Path(__file__).parents[2].joinpath("pyproject.toml").read_text())["project"]
DECLARED: dict[str, list[str]] = PROJECT["optional-dependencies"]


def packages_of(extra: str) -> set[str]:
    """What an extra installs, those of the extras it names included."""
    packages: set[str] = set()
    for line in DECLARED[extra]:
        name = re.match(r"[A-Za-z0-9_.-]+", line)
        assert name is not None
        if name[0] == "ocean-chat":
            packages |= set().union(*map(packages_of, line.partition("[")[2].rstrip("]").split(",")))
        else:
            packages.add(name[0])
    return packages


def test_the_table_of_extras_is_that_of_the_project() -> None:
    declared = {extra: packages_of(extra) for extra in DECLARED if extra not in ("all", "dev")}
    assert {extra: set(packages) for extra, packages in EXTRAS.items()} == declared


def test_the_smallest_extra_is_named() -> None:
    assert smallest_extra("numpy") == "agreement" and smallest_extra("openpyxl.cell") == "excel"
    assert smallest_extra("sklearn") == "release" and smallest_extra("uvicorn") == "serve"
    assert smallest_extra("json") is None


def test_an_installed_module_is_loaded() -> None:
    assert load_optional("json.decoder", "release").JSONDecoder


def test_a_missing_package_is_one_line_with_the_command_that_installs_it() -> None:
    with pytest.raises(ConfigError, match=r"'no_such_package'.*pip install 'ocean-chat\[release\]'"):
        load_optional("no_such_package.part", "release")
