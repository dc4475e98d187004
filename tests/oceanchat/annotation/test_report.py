"""The figures of a validation, before and after adjudication, and again from the exported rows alone."""

import csv
from pathlib import Path
from typing import Any

import pytest

from oceanchat.annotation import accounts, adjudication, labels, report
from oceanchat.annotation.sample import SampleConfig, draw_sample
from oceanchat.errors import AnnotationError
from oceanchat.statistics.agreement import agreement
from oceanchat.statistics.label_file import read_labels
from oceanchat.store.database import Store
from oceanchat.store.validations import validation_table
from tests.oceanchat.annotation.scenes import BAD, GOOD, decide, disagreeing, fill, label_all, people, sampled


def table_of(store: Store) -> list[dict[str, Any]]:
    """The table of the store's validations."""
    with store.reading() as connection:
        return validation_table(connection)


def test_every_figure_can_be_recomputed_from_the_exported_rows(store: Store, tmp_path: Path) -> None:
    team = sampled(store, each=3, repeats=0.3, gold=0.2, seed=5)
    for person in team:
        label_all(store, person, lambda level, who=person.name: BAD if hash_of(level, who) < 3 else GOOD)
    lead = accounts.add(store, "Lea", "lead").annotator
    for disagreement in adjudication.disagreements(store, lead)[:2]:
        decide(store, lead, disagreement, BAD)
    results = report.report(store)
    table = table_of(store)
    assert {row["purpose"] for row in table} == {"label", "repeat", "gold", "adjudicate"}
    assert not any(name in str(table) for name in ("Ann", "Ben", "Cas", "Lea"))
    path = tmp_path / "validations.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, fieldnames=list(table[0]))
        writer.writeheader()
        writer.writerows(table)
    ratings = read_labels(path)
    assert len(ratings) == 90
    assert agreement(ratings).figures() == results.overall.figures()
    after = {row["item"]: row["value"] for row in table if row["purpose"] == "adjudicate"}
    votes: dict[str, list[str]] = {}
    for row in table:
        if row["purpose"] == "label":
            votes.setdefault(row["item"], []).append(row["value"])
    passed = sum(
        after.get(item, "yes" if cast.count("yes") > 1 else "no") == "yes" for item, cast in votes.items()
    )
    assert results.pass_rate_after.value == passed / 30


def hash_of(level: str, who: str) -> int:
    return (ord(level[0]) * 7 + ord(level[1]) * 3 + ord(who[0])) % 8


def test_the_record_holds_the_seven_figures_and_the_rest(store: Store) -> None:
    disagreeing(store)
    results = report.record(report.report(store))
    for name in ("observed", "unanimous", "fleiss_kappa", "alpha_nominal", "alpha_ordinal", "ac1"):
        assert set(results[name]) == {"value", "low", "high", "note"}
    assert results["observed"]["value"] == pytest.approx(26 / 30)
    assert set(results["per_trait_level"]) == {"O+", "C+", "E+", "A+", "N+", "O-", "C-", "E-", "A-", "N-"}
    assert results["per_question"]["coherent"]["observed"]["value"] == 1.0
    assert next(iter(results["cohen_kappa"])) == "annotator-1 - annotator-2"


def test_a_dialogue_under_way_decides_nothing_about_the_checker_or_the_dataset(store: Store) -> None:
    ann, ben, cas = sampled(store, each=2)
    label_all(store, ann, lambda level: BAD)
    early = report.report(store)
    assert early.checker.precision.value is None
    assert early.dataset["all"].judged == 0
    assert early.dataset["all"].precision.value is None
    for person in (ben, cas):
        label_all(store, person, lambda level: GOOD)
    whole = report.report(store)
    assert whole.checker.precision.value == whole.pass_rate.value == 1.0
    assert whole.dataset["all"].judged == 20


def test_the_checker_is_measured_where_rejected_dialogues_were_judged(store: Store) -> None:
    fill(store, 4, rejected=4)
    team = people(store, "Ann", "Ben", "Cas")
    draw_sample(store, SampleConfig(per_trait_level=2, include_rejected=1, min_seconds=0), [], another=False)
    for person in team:
        while (presented := labels.next_item(store, person)) is not None:
            item = presented.assignment.item
            answers = GOOD if item.state == "passed" or item.stratum == "O+" else BAD
            labels.save(store, person, presented.token, answers)
    results = report.report(store)
    assert results.overall.items == 20 and results.pass_rate.value == 1.0
    assert results.checker.precision.value == 1.0
    assert results.checker.recall.value == pytest.approx(40 / (40 + 4))
    whole = results.dataset["all"]
    assert (whole.released, whole.checked, whole.judged) == (40, 80, 30)
    assert whole.precision.value == 1.0 and whole.valid.value == pytest.approx(44 / 80)
    assert report.record(results)["dataset"]["O+"]["precision"]["value"] == 1.0
    low, high = results.checker.recall.low, results.checker.recall.high
    assert low is not None and high is not None and low < 40 / 44 < high
    assert {row["purpose"] for row in table_of(store)} == {"label", "check"}


def test_without_a_sample_there_is_nothing_to_report(store: Store) -> None:
    with pytest.raises(AnnotationError, match="no sample yet"):
        report.report(store)
    assert table_of(store) == []


def test_recall_is_said_to_be_unknown_where_no_rejected_dialogue_was_judged(store: Store) -> None:
    fill(store, 1, rejected=2)
    [ann] = people(store, "Ann")
    draw_sample(store, SampleConfig(per_trait_level=1, annotators=1, min_seconds=0), [])
    label_all(store, ann, lambda _: GOOD)
    results = report.report(store)
    assert results.checker.recall.value is None
    assert "none of the 20 rejected dialogues was judged" in results.checker.recall.note


def test_the_card_names_no_annotator(store: Store) -> None:
    ann = accounts.add(store, "Ann").annotator
    accounts.add(store, "Lea", "lead")
    accounts.record_profile(store, ann, {"background": "MSc psychology"})
    assert report.annotator_profiles(store) == [{"annotator": "annotator-1", "background": "MSc psychology"}]
