"""A wrong command line is one line in the voice of the other errors."""

import pytest

from tests.oceanchat.cli.conftest import Command


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("buidl",), "command 'buidl' is not known; did you mean build?"),
        (("annotators", "ad"), "command 'ad' is not known; did you mean add?"),
        (("train",), "command 'train' is not known here; did you mean `preact train`?"),
        (("zzz",), "command 'zzz' is not known; `oceanchat --help` lists them"),
        (("build", "O+", "--modl", "x"), "option '--modl' is not known; did you mean --model?"),
        (("build", "O+", "-z"), "option '-z' is not known; `oceanchat build --help` lists them"),
        (("build", "O+", "--count", "x"), "--count 'x' cannot be used: it should be a whole number"),
        (("build", "O+", "--max-usd", "nan"), "--max-usd 'nan' cannot be used: it should be a number"),
        (("export", "dialgues"), "WHAT 'dialgues' is not known; did you mean dialogues?"),
        (("costs", "--from", "May"), "--from 'May' is no day; write it like 2026-11-30"),
        (("publish",), "FOLDER is missing; add it, or see `oceanchat publish --help`"),
        (("publish", "x"), "--repo OWNER/NAME is missing; add it, or see `oceanchat publish --help`"),
        (("publish", "x", "--repo"), "--repo needs a value; add it"),
        (("build", "O+", "--yes=1"), "--yes takes no value; leave it out"),
        (("backup", "a", "b"), "got unexpected extra argument (b); see `oceanchat backup --help`"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_what_cannot_be_read_is_one_line(command: Command, arguments: tuple[str, ...], message: str) -> None:
    ended = command(*arguments)
    assert (ended.code, ended.out, ended.err) == (1, "", f"oceanchat: {message}\n")
