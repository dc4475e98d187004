"""`oceanchat agreement --task evaluation` as a user types it."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from oceanchat.annotation import labels
from oceanchat.cli.agreement import agreement
from oceanchat.errors import AnnotationError, ConfigError, InputError
from oceanchat.statistics.model_ratings import LIVE
from oceanchat.store.database import open_store
from oceanchat.store.export import export
from tests.oceanchat.annotation.talks import FULL, evaluated, hold, next_cell
from tests.oceanchat.statistics.rated import as_csv, scripted_rows

SYSTEMS = {"prompt": (0.3, 4.7), "p_react & co": (0.95, 4.5)}


def run(*arguments: object) -> Result:
    words = ["--task", "evaluation", *map(str, arguments)]
    return CliRunner().invoke(agreement, words, catch_exceptions=False)


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("ratings") / "ratings.csv"
    path.write_text(as_csv(scripted_rows(SYSTEMS)), newline="")
    return path


def test_table_three_stands_first_and_its_notes_below(file: Path) -> None:
    shown = run(file).stdout
    record = json.loads(run(file, "--json").stdout)
    assert json.loads(run(file, "--format", "json").stdout) == record
    lines = shown.splitlines()
    title = " ".join(lines[:2])
    assert "Evaluation 1, shared: 120 ratings of 40 conversations by 3 annotators a system" in title
    own = record["systems"]["prompt"]["criteria"]["alignment"]
    mean, kappa = own["mean"], own["fleiss_kappa"]["value"]
    cell = f"{mean['value']:.2f} ({kappa:.2f}), {mean['low']:.2f} to {mean['high']:.2f}"
    assert cell in next(line for line in lines if line.startswith("prompt"))
    assert sum(line.startswith(("O+", "N-")) for line in lines) == 4
    assert "Differences over the same starting questions" in shown and "prompt - p_react & co" in shown
    assert "AC2 is Gwet's with ordinal weights over the whole scale" in shown
    marks = {int(mark) for part in shown.split("[")[1:] for mark in part.split("]")[0].split(",")}
    assert marks == set(range(1, max(marks) + 1)) and all(f"\n[{mark}] " in shown for mark in marks)


def test_what_is_exported_gives_the_figures_of_the_store(tmp_path: Path) -> None:
    url = str(tmp_path / "store.db")
    store = open_store(url)
    team = evaluated(store, ("Ann", "Ben"), levels=2, annotators=2)
    with pytest.raises(InputError, match=r"store '.*' has no rating \(0 rows\); rate some"):
        run("--store", url)
    for slot, person in enumerate(team):
        for number in range(4):
            item = next_cell(store, person)
            if not slot:
                hold(store, person, item)
            if not slot and number == 1:
                left_out = "since nobody has rated them yet: " + _other(run("--store", url, "--json").stdout)
                assert left_out in run("--store", url).stdout
            scores = FULL | {"naturalness": str(5 - (number + slot) % 3), "comment": "stiff"}
            labels.save(store, person, next_cell(store, person).token, scores, 0.0)
    export(store, "ratings", "csv", tmp_path / "ratings.csv")
    store.close()
    record = json.loads(run(tmp_path / "ratings.csv", "--json").stdout)
    assert record == json.loads(run("--store", url, "--json").stdout)
    assert {name: figures["ratings"] for name, figures in record["systems"].items()} == {
        "preact": 4,
        "prompt": 4,
    }
    with pytest.raises(AnnotationError, match="evaluation '3' is not in this store"):
        run("--store", url, "--sample", 3)


def _other(printed: str) -> str:
    """The one of the two systems that figures do not show."""
    (shown,) = json.loads(printed)["systems"]
    return "prompt" if shown == "preact" else "preact"


def test_latex_and_markdown_hold_the_same_cells(file: Path) -> None:
    latex, markdown = run(file, "--format", "latex").stdout, run(file, "--format", "markdown").stdout
    assert latex.count(r"\begin{tabular}") == latex.count(r"\end{tabular}") == 4
    assert r"p\_react \& co" in latex and "\x02" not in latex and r"\textsuperscript{1}" in latex
    assert "| p_react & co |" in markdown and "<sup>1</sup>" in markdown and "- [1] " in markdown
    number = markdown.split("| prompt | ")[1].split(" ")[0]
    assert f"prompt & {number} (" in latex
    columns = {line.count("&") for line in latex.replace(r"\&", "").splitlines() if line.endswith(r"\\")}
    assert columns == {3, 4, 7}


def test_of_live_conversations_the_table_says_what_kappa_is_over(tmp_path: Path) -> None:
    path = tmp_path / "live.csv"
    path.write_text(as_csv(scripted_rows({"a": (0.5, 4)}, unit="live")), newline="")
    shown = run(path).stdout
    assert "(Fleiss' kappa over questions)" in " ".join(shown.split("\nModel")[0].split())
    assert shown.count(LIVE) == 1 and "Ratings of one system: there is nothing to compare" in shown


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        (["none.csv"], InputError, "rating file 'none.csv' cannot be read"),
        (["x.csv", "--labels", "y.csv"], ConfigError, "--labels does not fit --task evaluation"),
        (["x.csv", "--task", "validation"], ConfigError, "'x.csv' fits no task; add --task evaluation"),
        (["--task", "validation", "--format", "latex"], ConfigError, "--format latex is for --task eval"),
        (["x.csv", "--json", "--format", "latex"], ConfigError, "--json does not fit --format latex"),
    ],
)
def test_what_does_not_fit_is_one_line(arguments: list[str], error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words) as caught:
        run(*arguments)
    assert "\n" not in str(caught.value)
