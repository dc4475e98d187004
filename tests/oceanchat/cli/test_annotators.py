"""The accounts of annotators as a lead types them."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from oceanchat.annotation import accounts, labels
from oceanchat.cli.agreement import agreement
from oceanchat.cli.annotation import sample
from oceanchat.cli.annotators import annotators
from oceanchat.errors import AnnotationError
from oceanchat.store.database import open_store
from tests.oceanchat.annotation.scenes import fill


def run(command: object, *arguments: str) -> Result:
    return CliRunner().invoke(command, arguments, catch_exceptions=False)  # type: ignore[arg-type]


def test_what_is_done_with_an_account_is_said_and_can_be_read_by_scripts(tmp_path: Path) -> None:
    options = ("Ann", "--store", str(tmp_path / "store.db"))

    def read(name: str, *more: str) -> dict[str, object]:
        record: dict[str, object] = json.loads(run(annotators, name, *options, *more, "--json").stdout)
        return record

    other = str((tmp_path / "other.db").resolve())
    assert f"store '{other}' is new" in run(annotators, "add", "Ann", "--store", other).stderr
    assert "is new" not in run(annotators, "add", "Ben", "--store", other).stderr
    added = read("add", "--role", "lead")
    assert (added["name"], added["state"], added["role"]) == ("Ann", "lead", "lead")
    assert "Nothing is recorded of Ann yet" in run(annotators, "profile", *options).stderr
    assert read("profile", "--pay", "15 EUR")["profile"] == {"pay": "15 EUR"}
    assert len(str(read("passcode")["passcode"])) == len(str(added["passcode"]))
    assert read("admit")["pseudonym"] == added["pseudonym"]
    assert read("role", "annotator")["state"] == "admitted"
    lead = run(annotators, "role", *options, "lead")
    assert (lead.stdout, lead.stderr) == (f"Ann ({added['pseudonym']}): lead\n", "")
    assert "must not label" in run(annotators, "role", *options, "annotator").stderr
    assert run(annotators, "retire", *options).stdout == f"Ann ({added['pseudonym']}): retired\n"
    assert read("retire")["state"] == "retired"


def test_retiring_says_when_labels_have_nobody_left(tmp_path: Path) -> None:
    url = str(tmp_path / "store.db")
    store = open_store(url)
    fill(store, 1)
    for name in ("Ann", "Ben", "Cas"):
        run(annotators, "add", name, "--store", url)
    run(sample, "--per-trait-level", "1", "--store", url)
    assert "sample 1 has no label yet; figures" in run(agreement, "--store", url).stderr
    assert (
        "10 labels without an annotator; add 1 annotator."
        in run(annotators, "retire", "Cas", "--store", url).stderr
    )
    for command in ("passcode", "admit", "add"):
        with pytest.raises(AnnotationError, match="'Cas' is closed for good"):
            run(annotators, command, "Cas", "--store", url)
    with pytest.raises(AnnotationError):
        accounts.sign_in(store, "Cas", "x", "here")
    assert labels.progress(store, accounts.find(store, "Cas")) == (0, 0)
    run(annotators, "retire", "Ben", "--store", url)
    assert (
        "20 labels without an annotator; add 2 annotators." in run(annotators, "list", "--store", url).stderr
    )
    store.close()


def test_who_retires_somebody_at_a_terminal_is_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    options = ("--store", str(tmp_path / "store.db"))
    run(annotators, "add", "Ann", *options)
    monkeypatch.setattr("oceanchat.cli.annotators._at_a_terminal", lambda: True)
    refused = CliRunner().invoke(annotators, ["retire", "Ann", *options], input="n\n")
    assert "'Ann' for good?" in refused.stderr and "the account of 'Ann' stays open" in refused.stderr
    assert "retired" not in run(annotators, "list", *options).stdout
    assert "retired" in CliRunner().invoke(annotators, ["retire", "Ann", *options], input="y\n").stdout
    assert "for good?" not in run(annotators, "retire", "Ann", *options).stderr
