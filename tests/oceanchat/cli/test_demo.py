"""`oceanchat demo` as a stranger types it, and the commands it ends with."""

import shlex
import subprocess
import sys
from pathlib import Path

from oceanchat.cli.main import oceanchat
from tests.oceanchat.cli.conftest import Command
from tests.running import clean_environment


def test_the_demo_shows_two_dialogues_writes_a_page_and_names_commands_that_work(
    command: Command, tmp_path: Path
) -> None:
    done = command("demo", "--output", "a folder")
    assert done.code == 0, done.err
    assert done.out.count("Seed topic") == 2 and "low Openness" in done.out
    page = tmp_path / "a folder" / "index.html"
    text = page.read_text()
    assert "OCEAN-Chat demo" in text and "Scripted:" in text and page.as_uri() in done.out
    show, *others = (line.strip() for line in done.out.splitlines()[-3:])
    path = {"PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin"}
    shell = {"env": clean_environment() | path, "shell": True, "text": True}
    assert "Openness" in subprocess.check_output(show, **shell)
    for line in others:  # their own tests run them; that they are understood as they stand is seen here
        name, *arguments = shlex.split(line)[1:]
        oceanchat.commands[name].make_context(name, arguments)
    assert shlex.split(others[0])[1:] == ["build", "all", "--store", "a folder/ocean-chat.db"]


def test_a_file_in_the_place_of_the_folder_is_one_line(command: Command, tmp_path: Path) -> None:
    (tmp_path / "demo").write_text("mine")
    done = command("demo")
    assert (done.code, done.err.count("\n")) == (1, 1) and "file 'demo'" in done.err
    assert (tmp_path / "demo").read_text() == "mine"
