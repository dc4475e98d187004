"""import, release, verify and diff from the command line: what is printed, and where errors end."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.oceanchat.cli.conftest import Command
from tests.oceanchat.release.factories import make_dialogue, make_dialogues, make_store
from tests.oceanchat.release.test_balance import confounded


@pytest.fixture
def folder(command: Command, tmp_path: Path) -> Path:
    """A release of two dialogues of each trait-level, written by the command."""
    make_store(tmp_path / "store.db", make_dialogues(2)).close()
    options = ("--license", "mit", "--store", tmp_path / "store.db", "--output", tmp_path)
    assert command("release", "--version", "1.0.0", *options).code == 0
    return tmp_path / "ocean-chat-1.0.0-scripted"


def line(text: str, **changes: object) -> str:
    turns = [
        {"role": "user", "content": f"What about {text}?"},
        {"role": "assistant", "content": f"I like {text}."},
    ]
    return json.dumps({"trait": "A", "level": "high", "turns": turns, **changes})


def test_release_says_what_it_wrote_and_where(command: Command, tmp_path: Path) -> None:
    make_store(tmp_path / "s.db", [*make_dialogues(2), make_dialogue(9, state="off-trait")]).close()
    options = ("--license", "mit", "--store", tmp_path / "s.db", "--output", tmp_path, "--json")
    ended = command("release", "--version", "2.0.0", "--split-ratio", "100/0/0", *options)
    assert (ended.code, ended.err) == (0, "")
    record = json.loads(ended.out)
    assert record["folder"] == str(tmp_path / "ocean-chat-2.0.0-scripted")
    assert record["rejected"] == {"off-trait": 1}
    assert sum(record["splits"]["train"].values()) == 20


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--version", "2"], "--version '2' is not semantic"),
        (["--version", "2.0.0"], "a release needs a license"),
        (
            ["--version", "2.0.0", "--license", "mit", "--split-ratio", "1/2/3"],
            "--split-ratio '1/2/3' must sum to 100",
        ),
        (["--version", "1.0.0", "--license", "mit"], "exists; raise --version"),
        (
            ["--version", "2.0.0", "--license", "mit", "--require", "validated"],
            "to release under --require validated",
        ),
    ],
)
def test_a_release_that_cannot_be_is_one_line(
    command: Command, folder: Path, options: list[str], message: str
) -> None:
    ended = command("release", "--store", folder.parent / "store.db", "--output", folder.parent, *options)
    assert (ended.code, ended.out) == (1, "")
    assert message in ended.err
    assert ended.err.count("\n") == 1


def test_a_store_that_is_not_there_is_not_made(command: Command, tmp_path: Path) -> None:
    ended = command("release", "--version", "1.0.0", "--license", "mit", "--store", tmp_path / "none.db")
    assert ended.code == 1
    assert "does not exist" in ended.err
    assert not (tmp_path / "none.db").exists()


def test_verify_says_all_is_well_or_names_every_problem(command: Command, folder: Path) -> None:
    ended = command("verify", folder)
    assert (ended.code, ended.err) == (0, "")
    assert "20 rows, all correct" in ended.out
    assert "How often high is longer than low" in ended.out and "O  0.500" in ended.out
    assert json.loads(command("verify", folder, "--json").out)["length_auc"]["O"]["value"] == 0.5
    (folder / "data" / "train.parquet").unlink()
    ended = command("verify", folder)
    assert ended.code == 1
    assert "data/train.parquet: is missing" in ended.out
    assert ended.err.startswith("oceanchat: release ")
    assert json.loads(command("verify", folder, "--json").out)["problems"][0]["where"] == "data/train.parquet"


def test_diff_lists_rows_and_figures(command: Command, folder: Path, tmp_path: Path) -> None:
    make_store(tmp_path / "more.db", [*make_dialogues(2), make_dialogue(77, "C+")]).close()
    options = ("--license", "mit", "--store", tmp_path / "more.db", "--output", tmp_path)
    assert command("release", "--version", "1.1.0", *options).code == 0
    after = tmp_path / "ocean-chat-1.1.0-scripted"
    ended = command("diff", folder, after)
    assert (ended.code, ended.err) == (0, "")
    assert "1 row added: C+ 1" in ended.out
    assert "0 rows dropped" in ended.out
    assert "table_six.C+.dialogues" in ended.out and "exchanges_auc.C." in ended.out
    assert json.loads(command("diff", folder, after, "--json").out)["added"] == [make_dialogue(77, "C+").id]


def test_import_counts_states_and_names_bad_lines(command: Command, tmp_path: Path) -> None:
    file, store = tmp_path / "made.jsonl", tmp_path / "store.db"
    file.write_text("\n".join([line("soup"), line("soup", trait="X"), "{"]))
    ended = command("import", file, "--store", store)
    assert (ended.code, ended.out) == (1, "")
    assert f"{file}: line 2: trait 'X' is not known" in ended.err
    assert f"{file}: line 3: not valid JSON" in ended.err
    assert "2 of 3 lines" in ended.err.splitlines()[-1] and not store.exists()
    ended = command("import", file, "--store", store, "--skip-bad")
    assert ended.code == 0
    assert "1 dialogue read, 1 of them new, 2 lines skipped" in ended.out
    assert "1 gate:length" in ended.out
    record = json.loads(command("import", file, "--store", store, "--skip-bad", "--json").out)
    assert (record["read"], record["new"], record["states"]) == (1, 0, {"gate:length": 1})


def test_five_bad_lines_are_shown_and_the_rest_are_counted(command: Command, tmp_path: Path) -> None:
    file = tmp_path / "made.jsonl"
    file.write_text("\n".join([line("soup")] + ["{"] * 47))
    for arguments in ((), ("--skip-bad",)):
        ended = command("import", file, "--store", tmp_path / "s.db", *arguments)
        assert ended.err.count("not valid JSON; write") == 5 + (not arguments)
        assert f"{file}: ... and 42 more" in ended.err


def test_status_counts_imported_dialogues(command: Command, tmp_path: Path) -> None:
    file, store = tmp_path / "made.jsonl", tmp_path / "s.db"
    file.write_text(line("soup"))
    assert command("import", file, "--store", store).code == 0
    ended = command("status", "--store", store)
    assert (ended.code, ended.err) == (0, "") and "Imported dialogues" in ended.out and "A+" in ended.out
    (record,) = json.loads(command("status", "--store", store, "--json").out)
    assert record["source"] == "imported" and record["dialogues"] == {"gate:length": 1}


def test_an_export_comes_back_with_its_verdicts_and_a_label_may_be_given(
    command: Command, tmp_path: Path
) -> None:
    make_store(tmp_path / "a.db", [*make_dialogues(1), make_dialogue(9, state="off-trait")]).close()
    export = (
        "export",
        "dialogues",
        "--state",
        "all",
        "--output",
        tmp_path / "d.csv",
        "--store",
        tmp_path / "a.db",
    )
    assert "11 dialogues (1 off-trait, 10 passed) written to" in command(*export).err
    ended = command("import", tmp_path / "d.csv", "--store", tmp_path / "b.db", "--json")
    assert json.loads(ended.out)["states"] == {"off-trait": 1, "passed": 10}
    turns = [{"from": "human", "value": "Well?"}, {"from": "gpt", "value": "No."}]
    (tmp_path / "s.json").write_text(json.dumps([{"conversations": turns}]))
    ended = command("import", tmp_path / "s.json", "--store", tmp_path / "b.db", "--trait-level", "A-")
    assert "1 dialogue read, 1 of them new" in ended.out
    wrong = command("import", tmp_path / "s.json", "--store", tmp_path / "b.db", "--trait-level", "X-")
    assert wrong.code == 1 and "trait-level 'X-' is not known" in wrong.err


def test_imported_dialogues_can_be_released_as_they_came(command: Command, tmp_path: Path) -> None:
    file, store = tmp_path / "made.jsonl", tmp_path / "store.db"
    file.write_text("\n".join(line(f"soup number {n}", author=f"a{n}", seed=f"soup {n}") for n in range(20)))
    assert command("import", file, "--store", store).code == 0
    options = ("--license", "mit", "--store", store, "--output", tmp_path, "--seed-topics", "omit")
    ended = command("release", "--version", "1.0.0", "--require", "imported", *options)
    assert (ended.code, ended.err) == (0, "")
    assert "20 dialogues (train 16, validation 2, test 2), 0 rejected" in ended.out
    assert command("verify", tmp_path / "ocean-chat-1.0.0").code == 0
    ended = command("release", "--version", "1.0.1", *options)
    assert ended.code == 1
    assert "to release under --require checked (20 gate:length)" in ended.err


@pytest.mark.parametrize("option", [("--exchanges", "0"), ("--words", "1"), ("--max-usd", "-1")])
def test_an_import_option_that_makes_no_sense_is_named(
    command: Command, tmp_path: Path, option: tuple[str, str]
) -> None:
    (tmp_path / "made.jsonl").write_text(line("soup"))
    ended = command("import", tmp_path / "made.jsonl", "--store", tmp_path / "s.db", *option)
    assert ended.code == 1
    assert ended.err.startswith(f"oceanchat: {option[0]} '")


def test_a_library_that_is_not_installed_is_one_line(folder: Path) -> None:
    code = "import sys; sys.modules['pyarrow'] = None; from oceanchat.cli.main import main; main()"
    ended = subprocess.run([sys.executable, "-c", code, "verify", folder], capture_output=True, text=True)
    assert ended.returncode == 1
    assert ended.stderr.count("\n") == 1
    assert "pip install 'ocean-chat[release]'" in ended.stderr


def test_the_command_says_how_many_have_no_pair(command: Command, tmp_path: Path) -> None:
    make_store(tmp_path / "s.db", confounded()).close()
    options = ("--license", "mit", "--store", tmp_path / "s.db", "--output", tmp_path)
    ended = command("release", "--version", "1.0.0", "--balance", "length", *options)
    assert ended.code == 0 and "without a pair of equal length: the config 'unmatched'" in ended.out
    assert "no pair at all: O\n" in ended.out


def test_release_says_what_waits_for_labels_and_what_comes_next(command: Command, tmp_path: Path) -> None:
    make_store(tmp_path / "s.db", make_dialogues(2, model="model-x")).close()
    store = ("--store", tmp_path / "s.db")
    assert command("sample", "--per-trait-level", "1", *store).code == 0
    ended = command("release", "--version", "2.0.0", "--license", "mit", *store)
    assert (ended.code, ended.err) == (0, "")
    assert "10 are in a sample and have no label yet" in ended.out
    assert "Next: `oceanchat verify releases/ocean-chat-2.0.0`, `oceanchat view --release" in ended.out
    assert "`oceanchat publish releases/ocean-chat-2.0.0 --repo OWNER/NAME` or `preact train" in ended.out
    again = command("release", "--version", "2.0.1", "--license", "mit", *store, "--json")
    assert json.loads(again.out)["unlabeled"] == 10
