"""oceanchat.toml holds what one always types; what is typed or set in the environment wins over it."""

from pathlib import Path

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

from oceanchat.cli import project_file
from oceanchat.cli.main import oceanchat
from oceanchat.cli.project_file import default_map
from oceanchat.errors import ConfigError
from preact.cli.main import preact
from tests.oceanchat.cli.conftest import Command

FILE = """
[oceanchat]
store = "study.db"
max-usd = 5
base-url = "http://file:1/v1"

[oceanchat.build]
count = 2
answer-words = ["E=10-60", "O=free"]

[oceanchat.annotators.add]
role = "lead"

[preact.train]
backbone = "smollm2"
quantise = "4bit"
"""


@pytest.fixture
def written(tmp_path: Path) -> Path:
    (tmp_path / "oceanchat.toml").write_text(FILE)
    return tmp_path


def test_each_program_reads_its_own_tables(written: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    ours, theirs = default_map(oceanchat, written), default_map(preact, written)
    assert ours["build"]["count"] == 2 and ours["show"] == {"store": "study.db"}
    assert ours["build"]["base_url"] == "http://file:1/v1" and "base_url" not in ours["retry"]
    assert ours["annotators"]["add"] == {"store": "study.db", "role": "lead"}
    assert theirs["train"] == {"backbone": "smollm2", "quantise": "4bit"}


def test_one_store_holds_what_both_programs_paid(written: Path) -> None:
    assert default_map(preact, written)["judge"] == {"store": "study.db"}
    with (written / "oceanchat.toml").open("a") as file:
        file.write('[preact]\nstore = "judges.db"\n')
    assert default_map(preact, written)["judge"] == {"store": "judges.db"}
    assert default_map(oceanchat, written)["show"] == {"store": "study.db"}


def test_every_command_reads_the_prices_of_the_build(written: Path) -> None:
    (written / "oceanchat.toml").write_text(
        '[oceanchat.build]\nprices = "ours.toml"\n[oceanchat.view]\nprices = "other.toml"\n'
    )
    ours, theirs = default_map(oceanchat, written), default_map(preact, written)
    assert {ours[name]["prices"] for name in ("build", "costs", "estimate", "retry", "doctor")} == {
        "ours.toml"
    }
    assert ours["view"]["prices"] == "other.toml" and theirs["judge"]["prices"] == "ours.toml"
    (written / "oceanchat.toml").write_text(
        '[oceanchat]\nprices = "all.toml"\n[oceanchat.build]\nprices = "ours.toml"\n'
    )
    ours = default_map(oceanchat, written)
    assert ours["build"]["prices"] == "ours.toml" and ours["costs"]["prices"] == "all.toml"


def test_a_file_is_named_in_quotes(written: Path) -> None:
    for value in ("5", '["ours.toml"]'):
        (written / "oceanchat.toml").write_text(f"[oceanchat.build]\nprices = {value}\n")
        with pytest.raises(ConfigError, match=r"prices is '.*'; write the name of a file, in quotes"):
            default_map(oceanchat, written)


def test_no_file_gives_nothing(tmp_path: Path) -> None:
    assert default_map(oceanchat, tmp_path) == {}


def test_typed_wins_over_environment_and_environment_over_file(
    command: Command, written: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (written / "oceanchat.toml").write_text(FILE.replace("base-url", "# base-url"))
    built = command("build", "O+")
    assert built.code == 0 and (written / "study.db").exists() and "2 of 2" in built.out
    assert "oceanchat: oceanchat.toml gives count, answer-words, max-usd, store\n" in built.err
    assert "OCEANCHAT_STORE" not in built.err
    monkeypatch.setenv("OCEANCHAT_STORE", "environment.db")
    note = "oceanchat: OCEANCHAT_STORE names the store, in place of oceanchat.toml\n"
    assert command("build", "O+", "--dry-run").err.count(note) == 1
    assert note not in command("build", "O+", "--dry-run", "--store", "typed.db").err
    assert "'environment.db' does not exist" in command("status").err
    assert "'typed.db' does not exist" in command("status", "--store", "typed.db").err
    (written / "oceanchat.toml").write_text(FILE)
    monkeypatch.setenv("OPENAI_BASE_URL", "http://environment:1/v1")
    assert "base_url" not in default_map(oceanchat, written)["build"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[oceanchta]\nstore = 'x'", "'oceanchta' is no table; did you mean oceanchat?"),
        ("oceanchat = 'x'", "'oceanchat' is no table; put options below [oceanchat] or [preact]"),
        ("store = 'x'", "'store' is no table; put options below [oceanchat] or [preact]"),
        ("[oceanchat]\nstroe = 'x'", "[oceanchat] 'stroe' is no option; did you mean store?"),
        ("[oceanchat]\ncount = 1", "[oceanchat] 'count' means different things in different commands"),
        ("[oceanchat.buidl]\ncount = 1", "[oceanchat.buidl] names no command; did you mean build?"),
        ("[oceanchat.build]\ncuont = 1", "[oceanchat.build] 'cuont' is no option; did you mean count?"),
        ("[oceanchat.build.count]\nx = 1", "[oceanchat.build.count] is a table; write count = VALUE"),
        ("[oceanchat.build]\ncount = 'x'", "count 'x' cannot be used: it should be a whole number"),
        ("[oceanchat.build]\ncount = 0", "count '0' cannot be used: it should be greater than"),
        ("[oceanchat", "is not TOML: "),
    ],
)
def test_what_fits_nothing_is_one_line_that_names_the_file(
    command: Command, tmp_path: Path, text: str, message: str
) -> None:
    (tmp_path / "oceanchat.toml").write_text(text)
    ended = command("build", "O+", "--dry-run")
    assert ended.code == 1 and ended.out == "" and message in ended.err
    assert ended.err.splitlines()[-1].startswith("oceanchat: oceanchat.toml")


VALUE = st.integers() | st.text() | st.booleans() | st.lists(st.integers())
TABLE = st.dictionaries(st.text() | st.sampled_from(["store", "build", "count"]), VALUE)


@given(st.dictionaries(st.sampled_from(["oceanchat", "x"]), TABLE | VALUE))
def test_any_document_is_a_default_map_or_an_error(document: dict[str, object]) -> None:
    try:
        for key, value in document.items():
            if key == "oceanchat" and isinstance(value, dict):
                defaults = project_file._defaults(oceanchat, value, "oceanchat")
                assert set(defaults) == set(oceanchat.commands)
    except ConfigError as error:
        assert str(error).startswith("oceanchat.toml: ")


def test_every_command_takes_the_store_from_the_file(written: Path) -> None:
    filled = default_map(oceanchat, written)
    for name, command in oceanchat.commands.items():
        if not isinstance(command, click.Group) and any(param.name == "store" for param in command.params):
            assert filled[name]["store"] == "study.db"
