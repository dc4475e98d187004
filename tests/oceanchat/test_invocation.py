"""The name that is printed is the name that works here."""

import shlex
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from oceanchat import invocation
from oceanchat.invocation import command_name, install_command


@pytest.fixture
def scripts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of scripts of an environment in the current folder, whose name needs quotes."""
    folder = tmp_path / "my env" / "bin"
    folder.mkdir(parents=True)
    (folder / "oceanchat").write_text("#!/bin/sh\necho here\n")
    (folder / "oceanchat").chmod(0o755)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sysconfig, "get_path", lambda name: str(folder))
    return folder


def test_an_activated_environment_needs_the_name_alone(
    scripts: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(scripts))
    assert command_name() == "oceanchat"


def test_another_installation_s_script_is_not_ours(scripts: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = scripts.parent.parent / "other"
    other.mkdir()
    (other / "oceanchat").write_text("#!/bin/sh\n")
    (other / "oceanchat").chmod(0o755)
    monkeypatch.setenv("PATH", str(other))
    assert command_name() == "'my env/bin/oceanchat'"
    assert subprocess.check_output(["/bin/sh", "-c", command_name()], text=True) == "here\n"
    monkeypatch.chdir(other)
    assert command_name() == shlex.quote(str(scripts / "oceanchat"))


def test_without_a_script_the_interpreter_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(invocation.sysconfig, "get_path", lambda name: str(tmp_path))
    monkeypatch.chdir(tmp_path)
    assert command_name().endswith(" -m oceanchat.cli.main")
    assert command_name().startswith(shlex.quote(sys.executable))


def test_extras_go_into_the_environment_that_runs(scripts: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert install_command("app") == "pip install 'ocean-chat[app]'"  # the environment has none of its own
    (scripts / "pip").write_text("#!/bin/sh\n")
    (scripts / "pip").chmod(0o755)
    assert install_command("app") == "'my env/bin/pip' install 'ocean-chat[app]'"
    monkeypatch.setenv("PATH", str(scripts))
    assert install_command("app") == "pip install 'ocean-chat[app]'"
