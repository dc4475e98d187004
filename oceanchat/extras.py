"""Load optional packages, or name their extra.

The project's only imports by name: packages of an extra are loaded when a command needs them, so that all
others start fast and a base install, which lacks them, ends in one clear line.
"""

from importlib import import_module
from typing import Any

from oceanchat.errors import ConfigError


def load_optional(module: str, extra: str) -> Any:
    """The module of a package that the extra `extra` installs.

    Raises ConfigError, with the command that installs it, when the package is missing.
    """
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        package = (error.name or module).partition(".")[0]
        raise ConfigError(missing_package(package, extra)) from None


def missing_package(package: str, extra: str) -> str:
    """The message about a package that is not installed and that `extra` installs."""
    return (
        f"this needs the package '{package}', which is not installed; run: pip install 'ocean-chat[{extra}]'"
    )
