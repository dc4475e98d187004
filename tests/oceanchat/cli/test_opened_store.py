"""No command leaves a connection to the store open, whether it succeeds or fails."""

import os
from pathlib import Path

import pytest

from tests.oceanchat.cli.conftest import Command


def test_the_last_connection_ends_with_the_command(command: Command) -> None:
    assert command("build", "--trait", "O", "--level", "high", "--count", "1").code == 0
    for arguments, code in (
        (("status",), 0),
        (("stats",), 0),
        (("costs",), 0),
        (("estimate", "O+"), 0),
        (("annotators", "add", "Ann"), 0),
        (("show", "--build", "other"), 1),
        (("agreement",), 1),
    ):
        assert command(*arguments).code == code, arguments
        # SQLite removes its journal when the last connection is closed.
        assert not Path("ocean-chat.db-wal").exists(), arguments


def test_a_missing_store_says_which_project_file_names_it(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OCEANCHAT_STORE", raising=False)
    tmp_path /= "alone"  # beside tmp_path are the folders of other tests, some with a project file
    tmp_path.mkdir()
    os.chdir(tmp_path)
    assert command("status").err.endswith(f"this folder, '{tmp_path}', has no oceanchat.toml\n")
    for folder in ("study/below", "beside"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "study" / "oceanchat.toml").write_text('[oceanchat]\nstore = "study.db"\n')
    for folder, where in (("study/below", ".."), ("beside", "../study"), (".", "study")):
        os.chdir(tmp_path / folder)
        assert f"no oceanchat.toml; one is in '{where}': run" in command("status").err, folder
    os.chdir(tmp_path / "study/below")
    assert "'../oceanchat.toml' is not read" in command("build", "O+", "--dry-run").err
    os.chdir(tmp_path / "study")
    ended = command("status")
    assert ended.code == 1 and ended.err.endswith("; the oceanchat.toml of this folder names it\n")
    assert command("status", "--store", "typed.db").err.endswith("name another with --store\n")
    monkeypatch.setenv("OCEANCHAT_STORE", "named.db")
    assert command("status").err.endswith(f"; OCEANCHAT_STORE names it, and this folder is '{Path.cwd()}'\n")


def test_a_refused_command_leaves_no_store_behind(command: Command, tmp_path: Path) -> None:
    (tmp_path / "bad.jsonl").write_text("{\n")
    for arguments in (
        ("import", "bad.jsonl"),
        ("import", "none.jsonl"),
        ("import", "bad.jsonl", "--skip-bad"),
        ("import", "bad.jsonl", "--skip-bad", "--checker", "gpt-4o-mini"),
        ("annotators", "add", "Ann", "--role", "boss"),
        ("evaluation", "create", "--system", "a=http://127.0.0.1:9/v1#a:", "--prompts", "none"),
    ):
        assert command(*arguments).code == 1, arguments
        assert not Path("ocean-chat.db").exists(), arguments
