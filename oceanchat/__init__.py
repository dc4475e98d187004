"""The dataset half, from essays to releases.

The names below are the interface for Python, described in docs/python.md. They are loaded when they are first
used, so that `import oceanchat` costs nothing.
"""

from typing import TYPE_CHECKING, Any

from oceanchat.errors import OceanChatError
from oceanchat.extras import load_optional

if TYPE_CHECKING:
    from oceanchat.notebook.agreeing import agreement
    from oceanchat.notebook.building import build
    from oceanchat.notebook.releases import load_release
    from oceanchat.notebook.tables import open
else:

    def __getattr__(name: str) -> Any:
        if name not in _HOMES:
            raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
        return getattr(load_optional(*_HOMES[name]), name)


__all__ = ["OceanChatError", "agreement", "build", "load_release", "open"]
_HOMES = {
    "agreement": ("oceanchat.notebook.agreeing", "notebook"),
    "build": ("oceanchat.notebook.building", "notebook"),
    "load_release": ("oceanchat.notebook.releases", "release"),
    "open": ("oceanchat.notebook.tables", "notebook"),
}
"""Name -> its module, and the extra that installs what the module needs."""


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
