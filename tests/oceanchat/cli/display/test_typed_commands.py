"""What a note tells one to type reads the store that the command read."""

import click
import pytest

from oceanchat.cli.display.typed_commands import with_its_store
from oceanchat.cli.main import oceanchat

NOTE = (
    "Next: `oceanchat annotators add NAME`, `oceanchat verify FOLDER` or `oceanchat view --release FOLDER`."
)
WITH_STORE = NOTE.replace("add NAME`", "add NAME --store 'my study.db'`")


@pytest.mark.parametrize(
    ("typed", "environment", "note"),
    [
        (["--store", "my study.db"], None, WITH_STORE),
        ([], "my study.db", NOTE),
        ([], None, NOTE),
        (["--store", "postgresql://me:secret@host/study"], None, NOTE),
    ],
)
def test_commands_name_a_store_that_the_next_one_would_not_read(
    monkeypatch: pytest.MonkeyPatch, typed: list[str], environment: str | None, note: str
) -> None:
    monkeypatch.delenv("OCEANCHAT_STORE", raising=False)
    if environment:
        monkeypatch.setenv("OCEANCHAT_STORE", environment)
    program = click.Context(oceanchat, info_name="oceanchat")
    with oceanchat.commands["status"].make_context("status", list(typed), parent=program):
        assert with_its_store(NOTE) == note


def test_a_note_outside_a_command_stays_as_it_is() -> None:
    assert with_its_store(NOTE) == NOTE
