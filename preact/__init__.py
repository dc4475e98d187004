"""Train P-React, its baselines and ablations.

The names below are the interface for Python, described in docs/python.md. They are loaded when they are first
used, so that `import preact` costs nothing.
"""

from typing import TYPE_CHECKING, Any

from oceanchat.errors import OceanChatError
from oceanchat.extras import load_optional

if TYPE_CHECKING:
    from preact.notebook.loading import LoadedRun, load
    from preact.notebook.training import train
else:

    def __getattr__(name: str) -> Any:
        if name not in _HOMES:
            raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
        return getattr(load_optional(*_HOMES[name]), name)


__all__ = ["LoadedRun", "OceanChatError", "load", "train"]
_HOMES = {
    "LoadedRun": ("preact.notebook.loading", "train"),
    "load": ("preact.notebook.loading", "train"),
    "train": ("preact.notebook.training", "train"),
}
"""Name -> its module, and the extra that installs what the module needs."""


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
