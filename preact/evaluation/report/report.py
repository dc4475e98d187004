"""Write the report of an evaluation.

One page with everything a careful reader asks for, from the concerns to the provenance: tables with tests,
the judge's controls and agreement, missing scores and what they could change, leakage, answer lengths, keys,
the paper's figures where they can be compared, and how everything was produced. It computes nothing itself.
"""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from oceanchat.statistics.figure import number, signed
from oceanchat.traits import CODES
from preact.evaluation.comparison.basis import basis
from preact.evaluation.comparison.comparing import QUANTITIES, Comparison, ComparisonRow
from preact.evaluation.comparison.diagnosis import concerns
from preact.evaluation.comparison.statistics import (
    cluster_bootstrap,
    detectable_effect,
    half_width,
    mean_interval,
    sign_flip,
)
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
from preact.evaluation.report.tables import interval_cells


class ReportFiles(NamedTuple):
    """The files of a report."""

    markdown: Path
    html: Path


def write_report(scored: Sequence[ScoredInterview], comparison: Comparison, folder: Path) -> ReportFiles:
    """Write report.md, report.html and the plots' files into `folder`."""
    page = Page("Judged trait expression")
    page.paragraph(
        "Scores say how strongly a judge sees a trait expressed in interview answers, from 1 (not at all) "
        "to 5 (strongly). They say nothing about a personality behind the answers."
    )
    warnings = concerns(scored)
    if warnings:
        page.heading("Read this first")
        page.points(warnings, alarm=True)
    _results(page, scored, comparison)
    add_paper(page, scored)
    add_judges(page, scored)
    add_missing(page, scored)
    _leakage(page, scored, folder)
    _answers(page, scored)
    add_provenance(page, scored)
    return ReportFiles(*page.write(folder, "report"))


def _results(page: Page, scored: Sequence[ScoredInterview], comparison: Comparison) -> None:
    page.heading("Results")
    page.points(basis(scored))
    marks = ("", "¹", "²")
    page.table(
        ["Backbone", "Model", *QUANTITIES],
        [
            [
                row.backbone,
                row.model,
                *(
                    f"{number(cells[name].mean, 2)}{'*' * cells[name].starred}{marks[cells[name].rank]}"
                    for name in QUANTITIES
                ),
            ]
            for row, cells in zip(comparison.rows, comparison.cells, strict=True)
        ],
    )
    page.paragraph("¹ best and ² second with the same backbone; equal to two decimals share a rank.")
    if min(len(row.runs) for row in comparison.rows) > 1:
        _spreads(page, comparison)
    _contrasts(page, comparison)


def _spreads(page: Page, comparison: Comparison) -> None:
    """How far runs differ."""
    runs = min(len(row.runs) for row in comparison.rows)
    page.paragraph("Population standard deviations over runs:")
    page.table(
        ["Backbone", "Model", *QUANTITIES],
        [
            [row.backbone, row.model, *(number(cells[name].spread, 3) for name in QUANTITIES)]
            for row, cells in zip(comparison.rows, comparison.cells, strict=True)
        ],
    )
    page.paragraph(
        f"{runs} runs of one checkpoint: the deviation is that of answering and judging, not of "
        f"training with another seed. A 95 % interval reaches {half_width(runs):.2f} sample deviations "
        f"to each side, and differences below {detectable_effect(runs):.1f} of them are missed more "
        "than once in five times."
    )
    page.paragraph("Overall with its 95 % t interval over runs:")
    page.table(
        ["Backbone", "Model", "Overall", "95 % from", "to"],
        [
            [row.backbone, row.model, *interval_cells(mean_interval(row.values("Overall")))]
            for row in comparison.rows
        ],
    )


def _contrasts(page: Page, comparison: Comparison) -> None:
    if not comparison.tests:
        return
    page.paragraph(
        "An asterisk marks a gain over the best baseline with an adjusted p below .05 (Welch's t, two-sided; "
        "Holm over the contrasts of Overall, Benjamini-Hochberg over all others). The exact sign-flip test "
        "pairs runs by number and cannot go below .0625 with five."
    )
    rows = {row.label: row for row in comparison.rows}
    page.table(
        ["System", "Baseline", "Overall", "95 % from", "to", "t", "p (Holm)", "p (sign-flip)", "g", "Note"],
        [
            [
                test.model,
                test.baseline,
                signed(test.contrast.difference),
                number(test.contrast.low, 2),
                number(test.contrast.high, 2),
                number(test.contrast.t, 2),
                number(test.adjusted, 4),
                number(_sign_flip(rows[test.model], rows[test.baseline]), 4),
                number(test.contrast.g, 2),
                test.contrast.note,
            ]
            for test in comparison.tests
            if test.primary
        ],
    )


def _sign_flip(system: ComparisonRow, baseline: ComparisonRow) -> float:
    """The exact p over runs paired by number; NaN where one has a run that the other lacks."""
    own, other = system.values("Overall"), baseline.values("Overall")
    if len(own) != len(other) or not own or len(own) > 20:
        return math.nan
    return sign_flip([a - b for a, b in zip(own, other, strict=True)])


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
