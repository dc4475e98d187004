"""The figures of a validation, before and after adjudication, and again from the exported rows alone."""

import csv
from pathlib import Path

import pytest

from oceanchat.annotation import accounts, adjudication, report
from oceanchat.annotation import labels as labelling
from oceanchat.annotation.adjudication import Split
from oceanchat.errors import AnnotationError
from oceanchat.statistics.agreement import agreement
from oceanchat.statistics.label_file import read_labels
from oceanchat.store.annotators import Annotator
from oceanchat.store.database import Store
from oceanchat.store.labels import validation_table
from tests.oceanchat.annotation.scenes import BAD, GOOD, label_all, sampled


def disagreeing(store: Store) -> Annotator:
    """Ann and Ben find all valid; Cas finds O+ and C+ not, Ben neither C+. Returns the lead."""
    team = sampled(store, each=1)
    no = {"Ann": set(), "Ben": {"C+"}, "Cas": {"O+", "C+"}}
    for person in team:
        label_all(store, person, lambda level, who=person.name: BAD if level in no[who] else GOOD)
    return accounts.add(store, "Lea", "lead").annotator


def decide(store: Store, lead: Annotator, split: Split, answers: dict[str, str]) -> None:
    shown = adjudication.open_split(store, lead, split.item_id)
    labelling.save(store, lead, shown.token, answers)


def test_splits_show_votes_and_comments_without_names(store: Store) -> None:
    lead = disagreeing(store)
    splits = adjudication.splits(store, lead)
    assert {split.trait_level for split in splits} == {"O+", "C+"}
    by_level = {split.trait_level: split for split in splits}
    assert sorted(by_level["O+"].values) == ["no", "yes", "yes"]
    assert sorted(by_level["C+"].values) == ["no", "no", "yes"]
    assert not any(name in str(splits) for name in ("Ann", "Ben", "Cas", "annotator_id"))
    assert sum(vote.get("comment") == BAD["comment"] for vote in by_level["C+"].votes) == 2


def test_adjudication_changes_the_pass_rate_and_leaves_the_labels(store: Store) -> None:
    lead = disagreeing(store)
    before = report.report(store)
    assert before.pass_rate.value == 0.9 and before.pass_rate_after.value == 0.9
    assert (before.splits, before.decided) == (2, 0)
    by_level = {split.trait_level: split for split in adjudication.splits(store, lead)}
    decide(store, lead, by_level["C+"], GOOD)
    after = report.report(store)
    assert after.pass_rate.value == 0.9 and after.pass_rate_after.value == 1.0
    assert (after.splits, after.decided) == (2, 1)
    assert after.overall == before.overall and after.pairs == before.pairs
    decide(store, lead, by_level["C+"], BAD)
    decide(store, lead, by_level["O+"], BAD)
    again = report.report(store)
    assert again.pass_rate_after.value == 0.8 and again.decided == 2
    assert [split.decision for split in adjudication.splits(store, lead)] == [BAD, BAD]


def test_only_complete_splits_are_decided_and_by_leads_only(store: Store) -> None:
    team = sampled(store)
    lead = accounts.add(store, "Lea", "lead").annotator
    for person in team[:2]:
        label_all(store, person, lambda _, who=person.name: GOOD if who == "Ann" else BAD)
    assert adjudication.splits(store, lead) == []
    with pytest.raises(AnnotationError, match="not split, or not all"):
        adjudication.open_split(store, lead, 1)
    label_all(store, team[2], lambda _: GOOD)
    assert len(adjudication.splits(store, lead)) == 10
    other = accounts.add(store, "Leo", "lead").annotator
    adjudication.open_split(store, lead, 1)
    with pytest.raises(AnnotationError, match="another lead"):
        adjudication.open_split(store, other, 1)
    for attempt in (adjudication.splits, report.workers):
        with pytest.raises(AnnotationError, match="for the lead"):
            attempt(store, team[0])


def test_every_figure_can_be_recomputed_from_the_exported_rows(store: Store, tmp_path: Path) -> None:
    team = sampled(store, each=3, repeats=0.3, gold=0.2, seed=5)
    for person in team:
        label_all(store, person, lambda level, who=person.name: BAD if hash_of(level, who) < 3 else GOOD)
    lead = accounts.add(store, "Lea", "lead").annotator
    for split in adjudication.splits(store, lead)[:2]:
        decide(store, lead, split, BAD)
    made = report.report(store)
    table = validation_table(store.engine)
    assert {row["purpose"] for row in table} == {"label", "repeat", "gold", "adjudicate"}
    assert not any(name in str(table) for name in ("Ann", "Ben", "Cas", "Lea"))
    path = tmp_path / "validations.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, fieldnames=list(table[0]))
        writer.writeheader()
        writer.writerows(table)
    ratings = read_labels(path)
    assert len(ratings) == 90
    assert agreement(ratings).figures() == made.overall.figures()
    after = {row["item"]: row["value"] for row in table if row["purpose"] == "adjudicate"}
    votes: dict[str, list[str]] = {}
    for row in table:
        if row["purpose"] == "label":
            votes.setdefault(row["item"], []).append(row["value"])
    passed = sum(
        after.get(item, "yes" if cast.count("yes") > 1 else "no") == "yes" for item, cast in votes.items()
    )
    assert made.pass_rate_after.value == passed / 30


def hash_of(level: str, who: str) -> int:
    return (ord(level[0]) * 7 + ord(level[1]) * 3 + ord(who[0])) % 8


def test_the_record_holds_the_seven_figures_and_the_rest(store: Store) -> None:
    disagreeing(store)
    made = report.record(report.report(store))
    for name in ("observed", "unanimous", "fleiss_kappa", "alpha_nominal", "alpha_ordinal", "ac1"):
        assert set(made[name]) == {"value", "low", "high", "note"}
    assert made["observed"]["value"] == pytest.approx(26 / 30)
    assert set(made["per_trait_level"]) == {"O+", "C+", "E+", "A+", "N+", "O-", "C-", "E-", "A-", "N-"}
    assert made["per_question"]["coherent"]["observed"]["value"] == 1.0
    assert next(iter(made["cohen_kappa"])) == "annotator-1 - annotator-2"


def test_the_checker_is_measured_where_rejected_dialogues_were_judged(store: Store) -> None:
    from oceanchat.annotation.sample import SampleConfig, draw_sample
    from tests.oceanchat.annotation.scenes import fill, people

    fill(store, 4, rejected=4)
    team = people(store, "Ann", "Ben", "Cas")
    draw_sample(store, SampleConfig(per_trait_level=2, include_rejected=1, min_seconds=0), [], another=False)
    for person in team:
        while (shown := labelling.next_item(store, person)) is not None:
            item = shown.seat.item
            answers = GOOD if item.state == "passed" or item.stratum == "O+" else BAD
            labelling.save(store, person, shown.token, answers)
    made = report.report(store)
    assert made.overall.items == 20 and made.pass_rate.value == 1.0
    assert made.checker.precision.value == 1.0
    assert made.checker.recall.value == pytest.approx(40 / (40 + 4))
    low, high = made.checker.recall.low, made.checker.recall.high
    assert low is not None and high is not None and low < 40 / 44 < high
    assert {row["purpose"] for row in validation_table(store.engine)} == {"label", "check"}


def test_without_a_sample_there_is_nothing_to_report(store: Store) -> None:
    with pytest.raises(AnnotationError, match="no sample yet"):
        report.report(store)
    assert validation_table(store.engine) == []


def test_recall_is_said_to_be_unknown_where_no_rejected_dialogue_was_judged(store: Store) -> None:
    from oceanchat.annotation.sample import SampleConfig, draw_sample
    from tests.oceanchat.annotation.scenes import fill, people

    fill(store, 1, rejected=2)
    [ann] = people(store, "Ann")
    draw_sample(store, SampleConfig(per_trait_level=1, annotators=1, min_seconds=0), [])
    label_all(store, ann, lambda _: GOOD)
    made = report.report(store)
    assert made.checker.recall.value is None
    assert "none of the 20 rejected dialogues was judged" in made.checker.recall.note


def test_the_card_names_no_annotator(store: Store) -> None:
    ann = accounts.add(store, "Ann").annotator
    accounts.add(store, "Lea", "lead")
    accounts.record_profile(store, ann, {"background": "MSc psychology"})
    assert report.people_for_card(store) == [{"annotator": "annotator-1", "background": "MSc psychology"}]
