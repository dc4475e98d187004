"""`oceanchat status`, `show`, `export`, `stats` and `backup` as a user types them."""

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from oceanchat.records import Dialogue, Turn
from tests.broken_endpoint import BrokenEndpoint
from tests.oceanchat.cli.conftest import Command
from tests.oceanchat.release.factories import make_dialogue, make_store
from tests.running import run_json


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with two dialogues of one trait-level."""
    folder = tmp_path_factory.mktemp("built")
    run_json(folder, "build", "--trait", "O", "--level", "high", "--count", "2")
    return folder / "ocean-chat.db"


def test_status_shows_the_funnel_and_how_it_was_built(command: Command, store: Path) -> None:
    table = command("status", "--store", store)
    assert table.code == 0 and table.err == ""
    assert "2 of 2" in table.out and "How they were built" in table.out
    [record] = json.loads(command("status", "--store", store, "--json").out)
    assert (record["trait_level"], record["passed"], record["requested"]) == ("O+", 2, 2)


def test_status_names_what_built_several_trait_levels_once(command: Command, tmp_path: Path) -> None:
    make_store(tmp_path / "s.db", [make_dialogue(1, "O+"), make_dialogue(2, "N-")]).close()
    table = command("status", "--store", tmp_path / "s.db").out
    [row] = [line for line in table.splitlines() if line.endswith("1970-01-01 00:00")]
    assert row.startswith("O+ N-  unknown")


def test_show_prints_conversations_or_json(command: Command, store: Path) -> None:
    selection = ("--state", "passed", "--count", 2, "--store", store)
    ids = [each["id"] for each in json.loads(command("show", *selection, "--json").out)]
    assert len(ids) == 2
    printed = command("show", *selection).out
    assert all(identifier in printed for identifier in ids) and printed.count("Verdict") == 2
    assert ids[1] in command("show", ids[1][:6], "--store", store).out
    assert ids[0] in command("show", "--random", "--count", 99, "--store", store).out


def test_what_is_not_there_is_one_line(command: Command, store: Path) -> None:
    for arguments in (("show", "nothing"), ("show", "--state", "nonsense"), ("show", "--trait", "N")):
        ended = command(*arguments, "--store", store)
        assert (ended.code, ended.out) == (1, "") and ended.err.count("\n") == 1


def test_stats_stand_beside_the_paper_s(command: Command, store: Path, tmp_path: Path) -> None:
    table = command("stats", "--store", store, "--plot", tmp_path / "table6.svg")
    assert "dialogues (paper)" in table.out and (tmp_path / "table6.svg").exists()
    rows = json.loads(command("stats", "--store", store, "--json").out)
    assert {row["trait_level"]: row["dialogues"] for row in rows}["O+"] == 2
    assert rows[0]["length_auc"] is None and "longer than low" not in table.out  # there is no O-
    share = rows[-1]["length_kept"]
    assert 0.5 < share["value"] <= 1 and share["low"] < share["value"]


def test_stats_say_how_well_length_tells_the_levels_apart(command: Command, tmp_path: Path) -> None:
    def answering(code: str, words: int) -> list[Dialogue]:
        pair = (Turn(role="questioner", text="And then?"), Turn(role="discloser", text="word " * words))
        return [make_dialogue(n, code, turns=pair * 4) for n in range(3)]

    make_store(tmp_path / "s.db", [*answering("E+", 30), *answering("E-", 10), *answering("O+", 9)]).close()
    told_apart = command("stats", "--store", tmp_path / "s.db")
    assert (told_apart.code, told_apart.err) == (0, "")
    assert "1.000 (0.501 to 1.000)" in told_apart.out and "0.500" in told_apart.out
    assert "words an answer alone tells high from low for Extraversion (1.000, 0." in told_apart.out
    assert "exchanges alone" not in told_apart.out
    rows = json.loads(command("stats", "--store", tmp_path / "s.db", "--json").out)
    aucs = {row["trait_level"]: row.get("length_auc") for row in rows}
    assert rows[-1]["length_kept"] is None  # nothing was asked for
    assert aucs["E+"] == aucs["E-"] and aucs["E+"]["value"] == 1.0 and aucs["O+"] is None


def test_a_backup_is_a_store(command: Command, store: Path, tmp_path: Path) -> None:
    assert (
        f"rows copied to {tmp_path / 'copy.db'}"
        in command("backup", tmp_path / "copy.db", "--store", store).out
    )
    again = json.loads(command("backup", tmp_path / "again.db", "--store", store, "--json").out)
    assert again["file"] == str(tmp_path / "again.db") and again["rows"] > 0
    lines = command("export", "dialogues", "--store", tmp_path / "copy.db").out
    assert lines == command("export", "dialogues", "--store", store).out != ""


MODEL = ("build", "--trait", "O", "--level", "high", "--model", "m")


def test_what_failed_is_named_with_a_reply_that_can_be_looked_up(
    command: Command, serve_broken: Callable[..., BrokenEndpoint]
) -> None:
    url = serve_broken(write="some-prose").url
    ended = command(*MODEL, "--count", "12", "--max-attempts", "1", "--base-url", url, "--json")
    assert ended.code == 0, ended.err
    (step,) = json.loads(ended.out)["failures"]
    assert step["rows"] == "dialogues" and set(step["reasons"]) == {"unparseable"}
    (line,) = [line for line in ended.err.splitlines() if "dialogues failed" in line]
    assert "The sentence is a lie. It is a lie." in line and "`oceanchat retry`" in line
    shown = line.split("--reply ")[1].split("`")[0]
    reply = command("show", "--reply", shown)
    assert reply.out.splitlines()[1] == "The sentence is a lie. It is a lie."
    assert "m, 'write' about O+" in reply.out
    assert command("show", "--reply", "zzz").err.count("\n") == 1
    answers = [json.loads(row) for row in command("export", "answers").out.splitlines()]
    assert {row["outcome"] for row in answers} == {"kept", "rejected"}
    assert sum(row["text"].startswith("The sentence is a lie") for row in answers) > 0
    table = command("export", "answers", "--state", "failed")
    assert table.code == 1 and "holds no such answers" in table.err


def test_what_failed_in_passing_is_asked_anew_by_the_next_run(
    command: Command, serve_broken: Callable[..., BrokenEndpoint]
) -> None:
    flags = (*MODEL, "--count", "4", "--max-attempts", "1", "--answer-words", "free")
    endpoint = serve_broken(check="some-404")
    first = command(*flags, "--base-url", endpoint.url)
    assert "checks failed" in first.err and "the next run asks for them again" in first.err
    healed = command(*flags, "--base-url", serve_broken().url, "--json")
    assert healed.code == 0 and json.loads(healed.out)["failures"] == []
    assert json.loads(healed.out)["calls"]["failed"] == 0


def test_parquet_does_not_fill_a_terminal(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    ended = command("export", "dialogues", "--format", "parquet")
    assert (ended.code, ended.out) == (1, "") and "add --output FILE" in ended.err
