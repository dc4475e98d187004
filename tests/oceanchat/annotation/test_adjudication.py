"""The lead decides what the annotators disagree on, without names and without touching their labels."""

import pytest

from oceanchat.annotation import accounts, adjudication, report
from oceanchat.errors import AnnotationError
from oceanchat.store.database import Store
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
    decide(store, lead, by_level["C+"], BAD)
    decide(store, lead, by_level["O+"], BAD)
    again = report.report(store)
    assert again.pass_rate_after.value == 0.8 and again.decided == 2
    assert [disagreement.decision for disagreement in adjudication.disagreements(store, lead)] == [BAD, BAD]


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
