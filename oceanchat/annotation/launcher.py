"""Become the server of the annotation app.

The options that keep it on this machine and quiet are given explicitly, so they hold in any folder. It
locates the app and knows nothing of its pages.
"""

import importlib.util
import os
import signal
import socket
import sys
from pathlib import Path
from typing import NamedTuple, NoReturn

from oceanchat.errors import AnnotationError
from oceanchat.extras import missing_package
from oceanchat.termination import HELD

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
"""Calm colors with enough contrast; a test keeps them equal to annotation_app/.streamlit/config.toml."""


class Serving(NamedTuple):
    """What the app serves, and where."""

    store: str
    host: str = "127.0.0.1"
    port: int = 8501
    prompts: Path | None = None
    sample: int | None = None
    base_path: str = ""
    """The path below which a proxy passes requests on."""
    allowed_origins: tuple[str, ...] = ()
    """Addresses under which browsers know the app, where a proxy does not pass them on."""


def command(serving: Serving) -> list[str]:
    """The command line that starts the app; AnnotationError when the app is not installed."""
    spec = importlib.util.find_spec("annotation_app")
    if importlib.util.find_spec("streamlit") is None or spec is None or not spec.submodule_search_locations:
        raise AnnotationError(missing_package("streamlit", "app"))
    app = Path(next(iter(spec.submodule_search_locations))) / "app.py"
    options = {
        "server.address": serving.host,
        "server.port": str(serving.port),
        "server.baseUrlPath": serving.base_path.strip("/"),
        "server.headless": "true",
        "server.fileWatcherType": "none",
        "server.maxMessageSize": "20",
        "server.maxUploadSize": "1",
        "runner.postScriptGC": "false",
        "browser.gatherUsageStats": "false",
        "logger.hideWelcomeMessage": "true",
        "client.toolbarMode": "minimal",
        "client.showErrorDetails": "none",
        **THEME,
    }
    flags = [part for name, value in options.items() if value for part in (f"--{name}", value)]
    arguments = ["--store", serving.store]
    if serving.prompts is not None:
        arguments += ["--prompts", str(serving.prompts.absolute())]
    if serving.sample is not None:
        arguments += ["--sample", str(serving.sample)]
    arguments += [part for origin in serving.allowed_origins for part in ("--allowed-origin", origin)]
    return [sys.executable, "-m", "annotation_app.server", str(app), *flags, "--", *arguments]


def launch(serving: Serving) -> NoReturn:
    """Run the app in place of this process: whoever stops this process stops the app.

    Raises AnnotationError where it is not installed or its port is taken.
    """
    line = command(serving)
    _check_port(serving.host, serving.port)
    sys.stdout.flush()
    sys.stderr.flush()
    # Until the app can say that it was stopped; it lets them through itself.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, HELD)
    try:
        os.execv(line[0], line)
    finally:  # it could not be started
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _check_port(host: str, port: int) -> None:
    """Streamlit would say that the port is taken in a line of its log, without the way out."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        socket.create_server((host, port), family=family).close()
    except OSError as error:
        raise AnnotationError(
            f"'{host}:{port}' cannot be listened on: {error.strerror}; choose another with --port, or stop"
            " what runs there"
        ) from None
