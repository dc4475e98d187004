"""The tables of a store as DataFrames, with the columns of the exports."""

import json
from pathlib import Path

import pytest

import oceanchat as oc
from oceanchat.annotation.sample import SampleConfig, draw_sample
from oceanchat.store.database import open_store
from oceanchat.store.export import export
from tests.oceanchat.annotation.scenes import BAD, GOOD, gold, label_all, people
from tests.stores import open_for_test


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with two dialogues of O+ and three annotators' labels of them."""
    path = tmp_path_factory.mktemp("store") / "built.db"
    oc.build("O+", count=2, store=str(path), progress=False).close()
    store = open_store(path)
    team = people(store, "Ann", "Ben", "Cas")
    draw_sample(store, SampleConfig(per_trait_level=2, min_seconds=0), gold())
    for person in team:
        label_all(store, person, lambda level, who=person.name: BAD if who == "Cas" else GOOD)
    store.close()
    return path


def test_dialogues_are_those_of_the_export(path: Path, tmp_path: Path) -> None:
    store = oc.open(str(path))
    file = tmp_path / "dialogues.jsonl"
    export(open_for_test(path), "dialogues", None, file)
    assert store.dialogues().to_dict("records") == list(map(json.loads, file.read_text().splitlines()))
    assert len(store.dialogues("all", state="all")) >= 2 and store.dialogues("N-").empty
    wide = store.dialogues(wide=True)
    assert {"turn_01_text", "words", "checker"} <= set(wide) and "words" in store.dialogues("E+", wide=True)


def test_labels_go_straight_into_the_agreement(path: Path) -> None:
    labels = oc.open(str(path)).labels()
    assert list(labels[["annotator", "value", "stratum"]].nunique()) == [3, 2, 1]
    figures = oc.agreement(labels)
    assert figures.loc["observed", "value"] == pytest.approx(1 / 3)


def test_costs_have_a_row_for_each_outcome(path: Path) -> None:
    costs = oc.open(str(path)).costs()
    assert set(costs["outcome"]) == {"kept"} and (costs["usd"] == 0).all()
    assert {"check", "write"} <= set(costs["task"]) and (costs["calls"] > 0).all()


def test_the_status_counts_every_row(path: Path) -> None:
    status = oc.open(str(path)).status().set_index(["step", "state"])["rows"]
    assert status["dialogues", "passed"] == 2 and status["seeds"].sum() == status["dialogues"].sum()


def test_an_empty_table_has_its_columns(tmp_path: Path) -> None:
    open_store(tmp_path / "empty.db").close()
    store = oc.open(str(tmp_path / "empty.db"))
    assert {"item", "annotator", "value"} <= set(store.labels()) and "usd" in store.costs()
    assert "turns" in store.dialogues() and store.dialogues().empty
    with pytest.raises(oc.OceanChatError, match="holds no build yet"):
        store.status()


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda path: oc.open("missing.db"), "missing.db"),
        (lambda path: oc.open(str(path)).dialogues("X+"), "trait-level 'X\\+' is not known"),
        (lambda path: oc.open(str(path)).dialogues(build="other"), "build 'other' is not in store"),
        (lambda path: oc.open(str(path)).labels(9), "sample '9' is not in this store"),
    ],
)
def test_a_mistake_is_one_line(ask, message: str, path: Path) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(oc.OceanChatError, match=message) as caught:
        ask(path)
    assert "\n" not in str(caught.value)
