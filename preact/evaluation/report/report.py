"""Write the report of an evaluation.

One page with everything a careful reader asks for, from the concerns to the provenance: tables with tests,
the judge's controls and agreement, missing scores and what they could change, leakage, answer lengths, keys,
the paper's figures where they can be compared, and how everything was produced. It computes nothing itself.
"""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

from oceanchat.statistics.figure import number, signed
from oceanchat.traits import CODES, TRAIT_LEVELS
from preact.evaluation.comparison.comparing import Comparison
from preact.evaluation.comparison.diagnosis import concerns
from preact.evaluation.comparison.statistics import cluster_bootstrap
from preact.evaluation.comparison.trait_scores import (
    ScoredInterview,
    answer_lengths,
    by_key,
    leakage,
    shift,
)
from preact.evaluation.interview.interviewing import UNCONDITIONED
from preact.evaluation.report.page import Page
from preact.evaluation.report.paper_section import add_paper
from preact.evaluation.report.plots import draw_leakage
from preact.evaluation.report.provenance import add_provenance
from preact.evaluation.report.reliability import add_flaws, add_judges, add_missing
from preact.evaluation.report.results import add_results
from preact.evaluation.report.tables import interval_cells


class ReportFiles(NamedTuple):
    """The files of a report."""

    markdown: Path
    html: Path


def write_report(
    scored: Sequence[ScoredInterview], comparison: Comparison, folder: Path, dialogues: Path | None = None
) -> ReportFiles:
    """Write report.md, report.html and the plots' files into `folder`.

    `dialogues` is a page of `oceanchat view` about the data, to which the report then leads.
    """
    page = Page("Judged trait expression")
    page.paragraph(
        "Scores say how strongly a judge sees a trait expressed in interview answers, from 1 (not at all) "
        "to 5 (strongly). They say nothing about a personality behind the answers."
    )
    if dialogues is not None:
        _dialogues(page, Path(os.path.relpath(dialogues, folder)).as_posix())
    warnings = concerns(scored)
    if warnings:
        page.heading("Read this first")
        page.points(warnings, alarm=True)
    add_results(page, scored, comparison)
    add_paper(page, scored)
    add_judges(page, scored)
    add_missing(page, scored)
    _leakage(page, scored, folder)
    _answers(page, scored)
    add_provenance(page, scored)
    return ReportFiles(*page.write(folder, "report"))


def _dialogues(page: Page, address: str) -> None:
    """Ways to the dialogues of each trait-level, relative so that both pages can move together."""
    address = quote(address)
    by_level = [(level.code, f"{address}#level={level.name}") for level in TRAIT_LEVELS]
    page.links("The dialogues of the data, with where each comes from:", [("all", address), *by_level])


def _leakage(page: Page, scored: Sequence[ScoredInterview], folder: Path) -> None:
    drawn = [e for e in scored if e.interview.header.scope == "all" and e.interview.header.conditioned]
    if not drawn:
        return
    page.heading("Leakage to other traits")
    for entry in drawn:
        name = f"leakage-{entry.interview.folder.name}"
        files = draw_leakage(leakage(entry.judging), folder / "figures", name)
        header = entry.interview.header
        page.plot(files[1], f"{header.backbone} {header.model}: judged score of every trait", folder)


def _answers(page: Page, scored: Sequence[ScoredInterview]) -> None:
    page.heading("The answers")
    page.paragraph("Mean words per answer:")
    codes = [*CODES, UNCONDITIONED]
    page.table(
        ["Backbone", "Model", *codes],
        [
            [
                entry.interview.header.backbone,
                entry.interview.header.model,
                *(number(answer_lengths(entry.interview).get(code), 1) for code in codes),
            ]
            for entry in scored
        ],
    )
    add_flaws(page, scored)
    _keys(page, scored)
    _shifts(page, scored)


def _keys(page: Page, scored: Sequence[ScoredInterview]) -> None:
    rows = [
        [
            entry.interview.header.model,
            "negative" if is_reversed else "positive",
            *interval_cells(cluster_bootstrap(clusters)),
        ]
        for entry in scored
        for is_reversed, clusters in by_key(entry).items()
        if clusters
    ]
    if rows:
        page.paragraph(
            "Expression toward the level asked for (+2 full, -2 opposite) on positively and negatively keyed "
            "items, with an interval from resampling items:"
        )
        page.table(["Model", "Keyed", "Mean", "95 % from", "to"], rows)


def _shifts(page: Page, scored: Sequence[ScoredInterview]) -> None:
    plain = {e.interview.header.backbone: e for e in scored if not e.interview.header.conditioned}
    rows = []
    for entry in scored:
        header = entry.interview.header
        if header.conditioned and header.backbone in plain:
            shifts = shift(entry, plain[header.backbone])
            rows.append([header.backbone, header.model, *map(signed, shifts.values())])
    if rows:
        page.paragraph("Shift from the unconditioned backbone, in scale points:")
        page.table(["Backbone", "Model", *CODES], rows)
