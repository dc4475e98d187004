"""The annotation commands as a user types them."""

import json
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from oceanchat.annotation import accounts
from oceanchat.cli.agreement import agreement
from oceanchat.cli.annotation import sample
from oceanchat.cli.annotators import annotators
from oceanchat.errors import ConfigError, InputError, StoreError
from oceanchat.store.imports import add_imported
from oceanchat.store.samples import latest_sample
from oceanchat.traits import TRAIT_LEVELS
from tests.oceanchat.annotation.scenes import GOOD, dialogue, fill, label_all
from tests.stores import open_for_test

FIGURES = {"observed", "unanimous", "fleiss_kappa", "alpha_nominal", "alpha_ordinal", "alpha_interval", "ac1"}


def run(command: object, *arguments: str) -> Result:
    return CliRunner().invoke(command, arguments, catch_exceptions=False)  # type: ignore[arg-type]


def label_file(folder: Path, text: str) -> str:
    path = folder / "labels.csv"
    path.write_text(text)
    return str(path)


def test_from_an_empty_folder_to_a_report(tmp_path: Path) -> None:
    url = str(tmp_path / "store.db")
    store = open_for_test(url)
    fill(store, 2)
    for name in ("Ann", "Ben", "Cas"):
        passcode = run(annotators, "add", name, "--store", url).stdout.strip()
        assert accounts.signed_in(store, accounts.sign_in(store, name, passcode, "here")) is not None
        assert "has not finished the practice" in run(annotators, "admit", name, "--store", url).stderr
    run(annotators, "profile", "Ann", "--background", "MSc psychology", "--store", url)
    drawn = run(sample, "--per-trait-level", "1", "--min-seconds", "0", "--store", url)
    assert "Sample 1, seed 0" in drawn.stdout and "oceanchat annotate" in drawn.stderr
    for name in ("Ann", "Ben", "Cas"):
        label_all(store, accounts.find(store, name), lambda _: GOOD)
        if name == "Ann":
            early = run(agreement, "--store", url)
            assert early.stdout == ""
            assert "labels on 10 of 10 items, too few on one for a figure yet" in early.stderr
    listed = json.loads(run(annotators, "list", "--json", "--store", url).stdout)
    assert [(row["name"], row["answered"], row["items"]) for row in listed] == [
        ("Ann", 10, 10),
        ("Ben", 10, 10),
        ("Cas", 10, 10),
    ]
    assert listed[0]["profile"] == {"background": "MSc psychology"}
    report = json.loads(run(agreement, "--json", "--store", url).stdout)
    assert report["pass_rate"]["value"] == 1.0 and report["complete_items"] == 10
    assert report["fleiss_kappa"]["value"] is None
    printed = run(agreement, "--store", url)
    shown = printed.stdout
    assert "no label yet" not in printed.stderr
    assert "undefined (one category used), observed 100 %" in shown and "pass rate (majority)" in shown
    store.close()


def test_a_file_of_one_label_is_one_line(tmp_path: Path) -> None:
    shown = run(agreement, "--labels", label_file(tmp_path, "item,annotator,value\n1,A,yes\n"))
    assert "1 label on 1 item; agreement needs two labels on one item" in shown.stderr
    assert shown.stdout == ""


@pytest.mark.parametrize("package", ["krippendorff", "numpy", "pandas"])
def test_without_its_extra_agreement_is_one_line(monkeypatch: pytest.MonkeyPatch, package: str) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(
        ConfigError, match=rf"needs the package '{package}'.*pip install 'ocean-chat\[agreement\]'"
    ):
        run(agreement)


def test_a_sample_that_falls_short_says_so(tmp_path: Path) -> None:
    url = str(tmp_path / "store.db")
    store = open_for_test(url)
    with store.writing() as connection:
        add_imported(connection, [dialogue(TRAIT_LEVELS[0], 1), dialogue(TRAIT_LEVELS[1], 1)])
    warnings = run(sample, "--per-trait-level", "2", "--store", url).stderr
    assert "No dialogue of E+, A+, N+, O-, C-, E-, A-, N-" in warnings
    assert "Fewer than 2 of O+ (1), C+ (1): all available ones were drawn." in warnings
    store.close()


def test_anybody_s_labels_give_the_seven_figures_and_strata_when_there_are_any(tmp_path: Path) -> None:
    rows = "".join(
        f"{item},{who},{(item + (who == 'B' and item % 3 == 0)) % 4}\n" for item in range(12) for who in "AB"
    )
    path = label_file(tmp_path, "item,annotator,value\n" + rows)
    figures = json.loads(run(agreement, "--labels", path, "--json").stdout)
    assert set(figures) == FIGURES
    assert all(set(figure) == {"value", "low", "high", "note"} for figure in figures.values())
    assert figures["observed"]["value"] == pytest.approx(8 / 12)
    strata = label_file(tmp_path, "item,annotator,value,stratum\n" + rows.replace("\n", ",x\n"))
    figures = json.loads(run(agreement, "--labels", strata, "--json").stdout)
    assert set(figures) == FIGURES | {"strata"} and set(figures["strata"]["x"]) == FIGURES
    shown = run(agreement, "--labels", strata).stdout
    assert "Cohen's kappa" in shown
    assert all(shown.count(f"Krippendorff's alpha, {level} ") == 2 for level in ("ordinal", "interval"))
    words = label_file(tmp_path, "item,annotator,value,stratum\n1,A,yes,x\n1,B,no,x\n2,A,yes,x\n2,B,yes,x\n")
    few = run(agreement, "--labels", words).stdout
    assert few.count("alpha, ordinal ") == 1 and few.count("fewer than 10 items: the interval is rough") == 1
    assert "rough" not in shown
    assert run(agreement, "--labels", words, "--json").stdout.count("fewer than 10 items") == 4


def test_words_have_no_order_and_the_note_says_so(tmp_path: Path) -> None:
    path = label_file(tmp_path, "item,annotator,value\n1,A,yes\n1,B,no\n2,A,yes\n2,B,yes\n")
    figures = json.loads(run(agreement, "--labels", path, "--json").stdout)
    assert figures["alpha_ordinal"]["value"] is None and "words" in figures["alpha_ordinal"]["note"]
    assert figures["alpha_nominal"]["value"] == pytest.approx(0.0)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("item,who\n1,2\n", "lacks the column 'annotator'"),
        ("item,annotator,value\n1,A,1\n1,A,1\n", "two labels"),
    ],
)
def test_wrong_label_files_are_one_line(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        run(agreement, "--labels", label_file(tmp_path, text))


def test_a_store_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="does not exist"):
        run(agreement, "--store", str(tmp_path / "none.db"))


def test_a_plan_draws_nothing_and_says_what_a_study_would_tell(tmp_path: Path) -> None:
    url = str(tmp_path / "store.db")
    store = open_for_test(url)
    fill(store, 4)
    result = run(sample, "--plan", "--per-trait-level", "40", "--store", url, "--json")
    sizes = json.loads(result.stdout)
    assert [each["size"]["dialogues"] for each in sizes] == [20, 40, 80]
    assert sizes[0]["width"] > sizes[1]["width"] > sizes[2]["width"] and sizes[1]["hours"] > 1
    shown = run(sample, "--plan", "--store", url).stdout
    assert "kappa from" in shown and "expected valid" in shown
    with store.reading() as connection:
        assert latest_sample(connection) is None


def test_more_refuses_what_the_sample_has_settled(tmp_path: Path) -> None:
    url = str(tmp_path / "store.db")
    fill(open_for_test(url), 3)
    run(sample, "--per-trait-level", "1", "--store", url)
    with pytest.raises(ConfigError, match="--seed does not fit --more"):
        run(sample, "--more", "--per-trait-level", "2", "--seed", "3", "--store", url)
    drawn = json.loads(run(sample, "--more", "--per-trait-level", "2", "--store", url, "--json").stdout)
    assert (drawn["sample"], drawn["settings"]["accepted"]["O+"]["drawn"]) == (1, 2)
