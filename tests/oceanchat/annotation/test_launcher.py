"""The launcher starts the app with the options that a plain `streamlit run` reads from the folder."""

import socket
import tomllib
from pathlib import Path

import pytest

from oceanchat.annotation.launcher import THEME, Serving, command, launch
from oceanchat.errors import AnnotationError

ROOT = Path(__file__).parents[3]


def test_the_launcher_says_what_the_folder_s_config_says() -> None:
    config = tomllib.loads(
        (ROOT / "annotation_app" / ".streamlit" / "config.toml").read_text(encoding="utf-8")
    )
    command_line = command(Serving("store.db"))
    given = dict(zip(command_line[4::2], command_line[5::2], strict=False))
    for section in ("server", "runner", "browser", "logger", "client"):
        for name, value in config[section].items():
            shown = str(value).lower() if isinstance(value, bool) else str(value)
            assert given[f"--{section}.{name}"] == shown
    themes = {f"theme.{s}.{n}": v for s in ("light", "dark") for n, v in config["theme"][s].items()}
    assert themes == THEME
    assert command_line[-2:] == ["--store", "store.db"]


def test_what_a_proxy_needs_and_the_sample_are_passed_on() -> None:
    line = command(
        Serving("store.db", sample=2, base_path="/study/", allowed_origins=("https://a.example", "http://b"))
    )
    assert line[line.index("--server.baseUrlPath") + 1] == "study"
    assert line[line.index("--sample") :] == [
        *("--sample", "2"),
        *("--allowed-origin", "https://a.example", "--allowed-origin", "http://b"),
    ]


def test_a_port_that_is_taken_is_refused_in_one_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(AnnotationError, match=f"127.0.0.1:{port}' cannot be listened on: .*--port"):
            launch(Serving("store.db", port=port))
