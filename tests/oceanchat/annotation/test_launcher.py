"""The launcher starts the app with the options that a plain `streamlit run` reads from the folder."""

import tomllib
from pathlib import Path

from oceanchat.annotation.launcher import THEME, command

ROOT = Path(__file__).parents[3]


def test_the_launcher_says_what_the_folder_s_config_says() -> None:
    config = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text(encoding="utf-8"))
    command_line = command("store.db", "127.0.0.1", 8501, None)
    given = dict(zip(command_line[5::2], command_line[6::2], strict=False))
    for section in ("server", "runner", "browser", "client"):
        for name, value in config[section].items():
            assert given[f"--{section}.{name}"] == (str(value).lower() if value in (True, False) else value)
    themes = {f"theme.{s}.{n}": v for s in ("light", "dark") for n, v in config["theme"][s].items()}
    assert themes == THEME
    assert command_line[-2:] == ["--store", "store.db"]
