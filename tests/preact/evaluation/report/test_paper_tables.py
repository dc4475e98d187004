"""The paper's tables of one's own figures: n, intervals, limits, marks."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from oceanchat.errors import ReleaseError
from oceanchat.release.folder import Release, read_release
from oceanchat.statistics.model_ratings import rating_report
from oceanchat.statistics.rating_file import read_rating_file
from preact.evaluation.comparison.assembly import assemble
from preact.evaluation.report.paper_tables import table_eight, table_one, table_six, table_three, table_two
from tests.preact.evaluation.report.papers import RELEASE, interviews, ratings


@pytest.fixture(scope="module")
def release() -> Release:
    return read_release(RELEASE)


def test_tables_one_and_six_hold_the_releases_own_figures(release: Release) -> None:
    quality = json.loads((RELEASE / "quality.json").read_text())["rows"]
    one, six = table_one(release, RELEASE), table_six(release, RELEASE)
    assert (
        "ocean-chat-0.1.0-scripted & 200 & yes (all) & yes (all) & yes (10 trait-levels)" in one.tabulars[0]
    )
    high = quality["table_six"][0]
    row = f"O$^{{+}}$ & 20 & {high['turns']:.2f} & {high['words_a_turn']:.2f} & 20 of 23, 87.0\\% (67.9\\% to"
    assert row in six.tabulars[0] and "200 of 231, 86.6%" in six.notes[0]
    assert "No dialogue was validated by people." in six.notes
    assert all("SCRIPTED" in table.caption for table in (one, six))
    assert "quality.json: rows.table_six, rows.back_validation, rows.humans" in six.sources[0]


@pytest.mark.parametrize("quality", [{}, {"rows": {"table_six": [{"dialogues": "x"}], "back_validation": 3}}])
def test_a_damaged_quality_file_is_one_line(release: Release, quality: dict[str, object]) -> None:
    with pytest.raises(ReleaseError, match=r"'quality\.json' of release .* is not as it was written"):
        table_six(replace(release, quality=quality), RELEASE)


@pytest.mark.parametrize("judge", ["scripted", "scripted-http"])
async def test_tables_two_and_eight_hold_amounts_intervals_and_tests(tmp_path: Path, judge: str) -> None:
    folder = await interviews(tmp_path / "i", judge=judge)
    scored, comparison = assemble([folder], [folder / "plain"])
    two, eight = table_two(scored, comparison, tmp_path), table_eight(scored, comparison, tmp_path)
    assert "stand-in & LoRA & 40 & 20 & 0 & 2 & 3.00" in two.tabulars[1]
    assert " 4.00 " in two.tabulars[0] and "over items" in two.notes[0]
    assert r"\textbf" not in two.tabulars[0] and "best" not in two.caption  # by a scripted judge
    assert any("against stand-in LoRA: Overall +4.00" in note for note in two.notes)
    assert "over 2 runs" in eight.caption and "8.98 sample deviations" in eight.notes[0]
    assert all("SCRIPTED: the scripted model is the judge" in table.caption for table in (two, eight))
    assert two.sources == eight.sources and len(two.sources) == 4


async def test_what_no_scripted_model_had_a_part_in_has_no_mark(tmp_path: Path) -> None:
    scored, comparison = assemble([await interviews(tmp_path / "i", judge="reader")], [])
    two = table_two(scored, comparison, tmp_path)
    assert "SCRIPTED" not in two.caption and "No baseline was named, so nothing was tested." in two.notes


def test_table_three_holds_means_kappas_and_intervals_of_the_ratings(tmp_path: Path) -> None:
    file = ratings(tmp_path / "ratings.csv")
    report = rating_report(read_rating_file(file), resamples=20)._replace(remarks=("one is missing",))
    three = table_three(report, file, tmp_path)
    system = report.systems["scripted & co"]
    mean, kappa = (getattr(system.criteria["alignment"], name) for name in ("mean", "fleiss_kappa"))
    row = rf"scripted \& co & 3 & {system.questions} & 40 & 120 & {mean.value:.2f} ({kappa.value:.2f}) & "
    assert row in three.tabulars[0] and f"{mean.low:.2f} to {mean.high:.2f}" in three.tabulars[0]
    assert "SCRIPTED: systems of this run" in three.caption and three.sources[0].startswith("ratings.csv: ")
    assert three.notes[0] == "one is missing."
