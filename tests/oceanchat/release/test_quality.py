"""The figures of a release: the checker against the humans is the number `oceanchat agreement` gives."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from oceanchat.annotation import adjudication, labels
from oceanchat.annotation.sample import SampleConfig, draw_sample
from oceanchat.cli.main import oceanchat
from oceanchat.errors import ReleaseError
from oceanchat.release.folder import CARD, MANIFEST, QUALITY, Release, read_release
from oceanchat.release.manifest import Require
from oceanchat.release.quality import Figures, checker, whole_dataset
from oceanchat.release.verification import OLDER_INTERVALS, Verification, verify_release
from oceanchat.release.writer import ReleaseConfig, write_release
from oceanchat.store.database import Store, open_store
from tests.oceanchat.annotation import scenes
from tests.oceanchat.release.factories import make_dialogue, make_dialogues, make_store
from tests.oceanchat.release.test_verification import reseal

PASSED, TURNED_DOWN, SAMPLED = 4, 8, 2
"""Dialogues of each trait-level that the checker let through and turned down, and how many of either were
labeled.
"""


@pytest.fixture(scope="module")
def labeled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store in which people found every sampled dialogue valid, those the checker turned down included."""
    path = tmp_path_factory.mktemp("labeled") / "store.db"
    passed, rejected = make_dialogues(PASSED), make_dialogues(TURNED_DOWN + 100, state="off-trait")
    store = make_store(path, [*passed, *(d for d in rejected if d.order >= 100)])
    validate(store, ("Ann", "Ben", "Cas"), scenes.GOOD)
    store.close()
    return path


def validate(store: Store, names: tuple[str, ...], answers: dict[str, str]) -> None:
    team = scenes.people(store, *names)
    config = SampleConfig(
        per_trait_level=SAMPLED, include_rejected=SAMPLED, min_seconds=0, annotators=len(names)
    )
    draw_sample(store, config, [])
    for person in team:
        while (item := labels.next_item(store, person)) is not None:
            labels.save(store, person, item.token, answers)


def released(path: Path, output: Path, require: Require = "checked") -> Release:
    store = open_store(path)
    try:
        return write_release(
            ReleaseConfig(version="1.0.0", license="mit", output=output, require=require), store
        )
    finally:
        store.close()


def agreement_record(path: Path) -> dict[str, Any]:
    result = CliRunner().invoke(oceanchat, ["agreement", "--store", str(path), "--json"])
    assert result.exit_code == 0, result.output
    record: dict[str, Any] = json.loads(result.stdout)
    return record


@pytest.mark.parametrize("require", ["checked", "validated"])
def test_the_checker_of_a_release_is_that_of_the_agreement(
    labeled: Path, tmp_path: Path, require: Require
) -> None:
    release = released(labeled, tmp_path, require)
    checker = agreement_record(labeled)["checker"]
    assert checker["precision"]["value"] == 1.0
    assert checker["recall"]["value"] == pytest.approx(PASSED / (PASSED + TURNED_DOWN))
    assert json.loads((release.folder / QUALITY).read_text())["checker"] == checker
    [line] = [line for line in (release.folder / CARD).read_text().splitlines() if "humans, recall" in line]
    recall = checker["recall"]
    assert f"{recall['value']:.1%} ({recall['low']:.1%} to {recall['high']:.1%})" in line
    assert verify_release(release.folder).problems == ()


def test_labels_of_what_the_checker_turned_down_change_no_other_figure(labeled: Path, tmp_path: Path) -> None:
    release, record = released(labeled, tmp_path), agreement_record(labeled)
    humans = release.quality["rows"]["humans"]
    assert humans["labels"] == record["labels"] == SAMPLED * 10 * 3
    assert humans["pass_rate"]["value"] == record["pass_rate"]["value"] == 1.0
    assert release.manifest.counts.rejected == {"off-trait": TURNED_DOWN * 10}


def test_what_people_turn_down_as_well_keeps_the_checkers_reason(tmp_path: Path) -> None:
    store = make_store(
        tmp_path / "store.db", [*make_dialogues(3), make_dialogue(99, "N-", state="wrong-level")]
    )
    validate(store, ("Ann",), scenes.BAD)
    store.close()
    release = released(tmp_path / "store.db", tmp_path)
    assert release.manifest.counts.rejected == {"invalid": 20, "wrong-level": 1}
    [row] = [row for row in release.rejected if row.state == "wrong-level"]
    assert [label.valid for label in row.provenance.human] == [False]
    assert release.quality["checker"] == agreement_record(tmp_path / "store.db")["checker"]


@pytest.mark.parametrize("require", ["checked", "validated"])
def test_the_whole_dataset_is_as_good_as_the_agreement_says(
    labeled: Path, tmp_path: Path, require: Require
) -> None:
    release = released(labeled, tmp_path, require)
    dataset = agreement_record(labeled)["dataset"]
    assert json.loads((release.folder / QUALITY).read_text())["dataset"] == dataset
    assert (dataset["O+"]["released"], dataset["O+"]["checked"], dataset["O+"]["judged"]) == (4, 12, 4)
    card = (release.folder / CARD).read_text()
    [line] = [line for line in card.splitlines() if line.startswith("| all | 40 of 120 | ")]
    figure = dataset["all"]["precision"]
    assert f"{figure['value']:.1%} ({figure['low']:.1%} to {figure['high']:.1%})" in line
    corrected = dataset["all"]["precision_rogan_gladen"]
    assert corrected["value"] is None and corrected["note"] in line
    assert "Valid of all 120 that were checked, the rejected ones included: 100.0% (" in card
    assert verify_release(release.folder).problems == ()


def test_in_the_middle_of_a_study_complete_dialogues_count_and_the_others_are_named(tmp_path: Path) -> None:
    store = make_store(tmp_path / "store.db", make_dialogues(2))
    team = scenes.people(store, "Ann", "Ben")
    draw_sample(store, SampleConfig(per_trait_level=1, min_seconds=0, annotators=2), [])
    for person, count in ((team[0], 10), (team[1], 3)):
        for _ in range(count):
            item = labels.next_item(store, person)
            assert item is not None
            labels.save(store, person, item.token, scenes.BAD)
    store.close()
    record, flags = agreement_record(tmp_path / "store.db"), ["--version", "1.0.0", "--license", "mit"]
    places = ["--store", str(tmp_path / "store.db"), "--output", str(tmp_path)]
    shown = CliRunner().invoke(oceanchat, ["release", *flags, *places]).stdout
    assert "7 with only some of their labels, which do not count yet" in shown
    release = read_release(tmp_path / "ocean-chat-1.0.0-scripted")
    assert release.manifest.counts.rejected == {"invalid": 3}
    humans = release.quality["rows"]["humans"]
    assert (humans["labels"], humans["pass_rate"]["total"]) == (6, 3) and record["complete_items"] == 3
    assert humans["pass_rate"]["value"] == record["pass_rate"]["value"] == 0
    assert release.quality["dataset"] == record["dataset"]
    card = (release.folder / CARD).read_text()
    assert "2 annotators gave 6 labels on 3 dialogues" in card
    assert "People are not done: 7 dialogues have only some of their labels, which are left out here." in card
    assert verify_release(release.folder).problems == ()
    with pytest.raises(ReleaseError, match=r"\(7 have only some of their labels and count once"):
        released(tmp_path / "store.db", tmp_path, "validated")


def test_intervals_of_an_older_version_are_named_and_no_damage(labeled: Path, tmp_path: Path) -> None:
    release = released(labeled, tmp_path)
    quality = json.loads((release.folder / QUALITY).read_text())
    older = whole_dataset(release.released, release.rejected, {}, prior_in_each=True)
    assert older["all"]["precision"]["low"] < quality["dataset"]["all"]["precision"]["low"]

    verification = written_by_format_5(release, quality | {"dataset": older})
    assert (verification.problems, verification.notes) == ((), (OLDER_INTERVALS,))
    damaged = older | {"O+": older["O+"] | {"judged": 3}}
    verification = written_by_format_5(release, quality | {"dataset": damaged})
    assert verification.problems and verification.notes == ()


def test_intervals_of_kappa_that_an_older_version_gave_are_no_damage(labeled: Path, tmp_path: Path) -> None:
    release = released(labeled, tmp_path)
    quality = json.loads((release.folder / QUALITY).read_text())
    older = whole_dataset(release.released, release.rejected, {}, prior_in_each=True)
    kappa = quality["rows"]["humans"]["agreement"]["fleiss_kappa"]
    kappa |= {"low": -0.5, "high": 0.5, "note": "as it was"}
    assert written_by_format_5(release, quality | {"dataset": older}).problems == ()
    kappa["value"] = 0.123
    assert written_by_format_5(release, quality | {"dataset": older}).problems


def written_by_format_5(release: Release, quality: Figures) -> Verification:
    """What verifying says of the release as an older version would have written it, with these figures."""
    manifest = json.loads((release.folder / MANIFEST).read_text())
    (release.folder / MANIFEST).write_text(json.dumps(manifest | {"format": 5}))
    (release.folder / QUALITY).write_text(json.dumps(quality))
    reseal(release.folder)
    return verify_release(release.folder)


def test_a_decision_counts_for_the_checker_and_the_dataset_as_in_the_agreement(tmp_path: Path) -> None:
    store = make_store(tmp_path / "store.db", make_dialogues(2))
    lead = scenes.disagreeing(store)
    for disagreement in adjudication.disagreements(store, lead):
        scenes.decide(store, lead, disagreement, scenes.BAD)
    store.close()
    release, record = released(tmp_path / "store.db", tmp_path), agreement_record(tmp_path / "store.db")
    quality = release.quality
    assert (quality["checker"], quality["dataset"]) == (record["checker"], record["dataset"])
    assert record["pass_rate"]["value"] == 0.9
    assert record["pass_rate_after_adjudication"]["value"] == record["checker"]["precision"]["value"] == 0.8
    assert quality["dataset"]["all"]["precision"]["value"] == quality["rows"]["humans"]["pass_rate"]["value"]
    assert "| human validation, after adjudication | 8 of 10: 80.0%" in (release.folder / CARD).read_text()
    assert verify_release(release.folder).problems == ()
    by_votes = {
        "checker": checker(release.released, release.rejected, {}, with_decisions=False),
        "dataset": whole_dataset(release.released, release.rejected, {}, with_decisions=False),
    }
    assert by_votes["checker"]["precision"]["value"] == 0.9
    assert written_by_format_5(release, quality | by_votes).problems == ()
