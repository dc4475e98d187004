"""The lead decides what the annotators disagree on, without names and without touching their labels."""

from collections import Counter

import pytest

from oceanchat.annotation import accounts, adjudication, labels, report
from oceanchat.errors import AnnotationError
from oceanchat.store import labels as label_rows
from oceanchat.store.database import Store
from oceanchat.store.validations import validation_table
from tests.oceanchat.annotation.scenes import BAD, GOOD, decide, disagreeing, label_all, sampled


def test_disagreements_show_votes_and_comments_without_names(store: Store) -> None:
    lead = disagreeing(store)
    disagreements = adjudication.disagreements(store, lead)
    assert {disagreement.trait_level for disagreement in disagreements} == {"O+", "C+"}
    by_level = {disagreement.trait_level: disagreement for disagreement in disagreements}
    assert sorted(by_level["O+"].values) == ["no", "yes", "yes"]
    assert sorted(by_level["C+"].values) == ["no", "no", "yes"]
    assert not any(name in str(disagreements) for name in ("Ann", "Ben", "Cas", "annotator_id"))
    assert sum(vote.get("comment") == BAD["comment"] for vote in by_level["C+"].votes) == 2


def test_adjudication_changes_the_pass_rate_and_leaves_the_labels(store: Store) -> None:
    lead = disagreeing(store)
    before = report.report(store)
    assert before.pass_rate.value == 0.9 and before.pass_rate_after.value == 0.9
    assert (before.disagreements, before.decided) == (2, 0)
    by_level = {
        disagreement.trait_level: disagreement for disagreement in adjudication.disagreements(store, lead)
    }
    decide(store, lead, by_level["C+"], GOOD)
    after = report.report(store)
    assert after.pass_rate.value == 0.9 and after.pass_rate_after.value == 1.0
    assert (after.disagreements, after.decided) == (2, 1)
    assert after.overall == before.overall and after.pairs == before.pairs
    assert (before.checker.precision.value, after.checker.precision.value) == (0.9, 1.0)
    decide(store, lead, by_level["C+"], BAD)
    decide(store, lead, by_level["O+"], BAD)
    again = report.report(store)
    assert again.pass_rate_after.value == 0.8 and again.decided == 2
    assert again.checker.precision.value == again.dataset["all"].precision.value == 0.8
    assert [disagreement.decision for disagreement in adjudication.disagreements(store, lead)] == [BAD, BAD]


def vote(store: Store, who: str, item_id: int, answers: dict[str, str]) -> None:
    """Change somebody's answers to an item."""
    person = accounts.find(store, who)
    with store.reading() as connection:
        own = [
            label.assignment_id
            for label in label_rows.item_labels(connection, 1)
            if (label.item_id, label.annotator_id) == (item_id, person.id)
        ]
    presented = labels.show(store, person, labels.own_assignment(store, person, own[0]))
    labels.save(store, person, presented.token, answers)


def test_a_decision_counts_only_while_the_item_is_split_and_changed_votes_are_shown_again(
    store: Store,
) -> None:
    lead = disagreeing(store)
    split = next(each for each in adjudication.disagreements(store, lead) if each.trait_level == "O+")
    decide(store, lead, split, BAD)
    assert report.report(store).pass_rate_after.value == 0.8
    vote(store, "Ann", split.item_id, {**GOOD, "comment": "only a comment"})
    assert [each.state for each in adjudication.disagreements(store, lead)] == ["open", "decided"]
    vote(store, "Ben", split.item_id, BAD)
    assert {each.state for each in adjudication.disagreements(store, lead)} == {"open", "changed"}
    for who in ("Ben", "Cas"):
        vote(store, who, split.item_id, GOOD)
    after = report.report(store)
    assert (after.disagreements, after.decided, after.pass_rate_after.value) == (1, 0, 0.9)
    settled = adjudication.disagreements(store, lead)[-1]
    assert (settled.state, settled.item_id, settled.decision) == ("settled", split.item_id, BAD)
    with store.reading() as connection:
        purposes = Counter(row["purpose"] for row in validation_table(connection))
    assert (purposes["lapsed"], purposes["adjudicate"]) == (1, 0)
    decide(store, lead, settled, GOOD)
    assert len(adjudication.disagreements(store, lead)) == 1


def test_different_criteria_under_one_outcome_are_a_disagreement(store: Store) -> None:
    team = sampled(store)
    lead = accounts.add(store, "Lea", "lead").annotator
    other = {"trait_shown": "yes", "coherent": "no", "comment": "breaks off"}
    for person in team:
        answers = BAD if person.name == "Ann" else other
        label_all(store, person, lambda level, answers=answers: answers if level == "E-" else GOOD)
    [split] = adjudication.disagreements(store, lead)
    assert (split.trait_level, split.values) == ("E-", ("no", "no", "no"))
    assert report.report(store).disagreements == 1


def test_only_complete_disagreements_are_decided_and_by_leads_only(store: Store) -> None:
    team = sampled(store)
    lead = accounts.add(store, "Lea", "lead").annotator
    for person in team[:2]:
        label_all(store, person, lambda _, who=person.name: GOOD if who == "Ann" else BAD)
    assert adjudication.disagreements(store, lead) == []
    with pytest.raises(AnnotationError, match="has no disagreement, or"):
        adjudication.open_disagreement(store, lead, 1)
    label_all(store, team[2], lambda _: GOOD)
    assert len(adjudication.disagreements(store, lead)) == 10
    other = accounts.add(store, "Leo", "lead").annotator
    adjudication.open_disagreement(store, lead, 1)
    with pytest.raises(AnnotationError, match="another lead"):
        adjudication.open_disagreement(store, other, 1)
    for attempt in (adjudication.disagreements, report.annotator_progress):
        with pytest.raises(AnnotationError, match="is for leads"):
            attempt(store, team[0])
