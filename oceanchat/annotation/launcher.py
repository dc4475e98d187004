"""Start the annotation app in its own process.

The options that keep it on this machine and quiet are given explicitly, so they hold in any folder. It
locates the app and knows nothing of its pages.
"""

import importlib.util
import subprocess
import sys
from pathlib import Path

from oceanchat.errors import AnnotationError

THEME = {
    "theme.light.primaryColor": "#1f6f78",
    "theme.light.backgroundColor": "#fcfbf8",
    "theme.light.secondaryBackgroundColor": "#f0eee7",
    "theme.light.textColor": "#20262e",
    "theme.dark.primaryColor": "#267a85",
    "theme.dark.backgroundColor": "#16191d",
    "theme.dark.secondaryBackgroundColor": "#22272d",
    "theme.dark.textColor": "#e4e6e8",
}
"""Calm colors with enough contrast; a test keeps them equal to .streamlit/config.toml."""


def command(store: str, address: str, port: int, prompts: Path | None) -> list[str]:
    """The command line that starts the app; AnnotationError when the app is not installed."""
    spec = importlib.util.find_spec("annotation_app")
    if importlib.util.find_spec("streamlit") is None or spec is None or not spec.submodule_search_locations:
        raise AnnotationError("the annotation app is not installed; run: pip install 'ocean-chat[app]'")
    app = Path(next(iter(spec.submodule_search_locations))) / "app.py"
    options = {
        "server.address": address,
        "server.port": str(port),
        "server.headless": "true",
        "server.fileWatcherType": "none",
        "runner.postScriptGC": "false",
        "browser.gatherUsageStats": "false",
        "client.toolbarMode": "minimal",
        "client.showErrorDetails": "none",
        **THEME,
    }
    flags = [part for name, value in options.items() for part in (f"--{name}", value)]
    arguments = ["--store", store] + ([] if prompts is None else ["--prompts", str(prompts.absolute())])
    return [sys.executable, "-m", "streamlit", "run", str(app), *flags, "--", *arguments]


def launch(store: str, address: str, port: int, prompts: Path | None) -> int:
    """Run the app until it is stopped; returns its exit code."""
    process = subprocess.Popen(command(store, address, port, prompts))
    try:
        return process.wait()
    except KeyboardInterrupt:
        process.wait()
        return 0
