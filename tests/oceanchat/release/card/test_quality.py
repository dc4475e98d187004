"""The card says what the figures say, agreement and annotators included."""

from typing import Any

import pytest

from oceanchat.release.card.page import render_card
from oceanchat.release.folder import Release
from oceanchat.release.quality import checker, row_figures
from oceanchat.release.rows import HumanLabel, Row


def labeled(row: Row, votes: str) -> Row:
    human = tuple(
        HumanLabel(annotator=f"annotator-{n}", trait_shown=v == "y", coherent=True, valid=v == "y",
                   decides=False, comment="")
        for n, v in enumerate(votes)
    )  # fmt: skip
    return row.model_copy(update={"provenance": row.provenance.model_copy(update={"human": human})})


def card(release: Release, **changes: Any) -> str:
    return render_card(release.manifest, {**release.quality, **changes})


def test_human_labels_bring_agreement_and_the_annotators_background(release: Release) -> None:
    rows = [labeled(row, "yyy" if n % 3 else "yyn") for n, row in enumerate(release.rows)]
    figures = row_figures(rows, [])
    assert figures["humans"]["pass_rate"]["count"] == 30
    assert figures["humans"]["agreement"]["unanimous"]["value"] == pytest.approx(20 / 30, abs=1e-6)
    profiles = {"annotator-0": {"background": "psychology", "pay": "15 an hour"}}
    text = card(release, rows=figures, annotators=profiles, checker=checker(rows, [], {}))
    assert "| human validation, after adjudication | 30 of 30: 100.0%" in text
    assert "3 annotators gave 90 labels" in text
    assert "| checker against humans, precision | 100.0% (88.6% to 100.0%) |" in text
    assert "| unanimous | 66.7% (48.8% to 80.8%) |" in text
    assert "| annotator-0 | psychology | 15 an hour |" in text
    assert "- expert-generated" in text
    assert "nobody has validated" in card(release)


def test_costs_that_are_not_known_are_never_zero(release: Release) -> None:
    line = {"model": "m", "task": "write", "calls": 3, "prompt_tokens": 1200, "completion_tokens": 40}
    assert "| m | write | 3 | 1,200 | 40 | unknown |" in card(release, costs=[{**line, "usd": None}])
    assert "| m | write | 3 | 1,200 | 40 | 0.2500 |" in card(release, costs=[{**line, "usd": 0.25}])
