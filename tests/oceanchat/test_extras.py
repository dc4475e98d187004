"""A package that is not installed ends in one line that names its extra."""

import pytest

from oceanchat.errors import ConfigError
from oceanchat.extras import load_optional


def test_an_installed_module_is_loaded() -> None:
    assert load_optional("json.decoder", "release").JSONDecoder


def test_a_missing_package_is_one_line_with_the_command_that_installs_it() -> None:
    with pytest.raises(ConfigError, match=r"'no_such_package'.* pip install 'ocean-chat\[release\]'"):
        load_optional("no_such_package.part", "release")
