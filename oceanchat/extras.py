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
        raise ConfigError(
            f"this needs the package '{error.name}', which is not installed;"
            f" run: pip install 'ocean-chat[{extra}]'"
        ) from None
