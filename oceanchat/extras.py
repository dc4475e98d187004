"""Load optional packages, or name their extra.

The project's only imports by name: packages of an extra are loaded when a command needs them, so that all
others start fast and a base install, which lacks them, ends in one clear line.
"""

from collections.abc import Mapping
from importlib import import_module
from typing import Any

from oceanchat.errors import ConfigError
from oceanchat.invocation import install_command

_AGREEMENT = ("krippendorff", "numpy", "pandas")
EXTRAS: Mapping[str, tuple[str, ...]] = {
    "agreement": _AGREEMENT,
    "excel": (*_AGREEMENT, "openpyxl"),
    "app": ("Authlib", "altair", "anyio", *_AGREEMENT, "starlette", "streamlit"),
    "release": (
        *("datasets", "huggingface_hub", "matplotlib", *_AGREEMENT, "pyarrow", "pyyaml"),
        *("scikit-learn", "scipy"),
    ),
    "train": (
        *("accelerate", "datasets", "gguf", "huggingface_hub", "jinja2", "matplotlib", "numpy", "peft"),
        *(
            "pyarrow",
            "safetensors",
            "scikit-learn",
            "scipy",
            "threadpoolctl",
            "tokenizers",
            "torch",
            "tqdm",
            "transformers",
        ),
    ),
    "inspect": ("inspect_ai",),
    "serve": ("python-multipart", "starlette", "uvicorn"),
    "postgres": ("psycopg",),
    "ray": ("psycopg", "ray"),
    "notebook": (*_AGREEMENT, "tqdm"),
}
"""Extra -> the packages it installs, as pyproject.toml says."""

_PACKAGES = {
    "authlib": "Authlib",
    "multipart": "python-multipart",
    "python_multipart": "python-multipart",
    "sklearn": "scikit-learn",
    "yaml": "pyyaml",
}
"""Module -> its package, where the names differ."""


def smallest_extra(module: str) -> str | None:
    """The extra that installs the package of a module and the fewest others; None where none does."""
    top = module.partition(".")[0]
    package = _PACKAGES.get(top, top)
    fitting = [extra for extra, packages in EXTRAS.items() if package in packages]
    return min(fitting, key=lambda extra: len(EXTRAS[extra]), default=None)


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
    return f"this needs the package '{package}', which is not installed; run: {install_command(extra)}"
