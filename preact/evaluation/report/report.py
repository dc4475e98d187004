"""The report: one page that holds what a careful reader asks for, from the concerns to the provenance.

Judged trait expression of systems: tables with tests, the judge's controls and agreement, missing scores
and what they could change, leakage, lengths, keys, the paper's figures where they can stand beside, and
how all of it came about. It computes nothing itself.
"""

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from oceanchat.traits import CODES
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
from preact.evaluation.judge.judging import all_judged
from preact.evaluation.report.page import Page
from preact.evaluation.report.paper_section import add_paper
from preact.evaluation.report.plots import draw_leakage
from preact.evaluation.report.reliability import add_judges, add_missing
from preact.evaluation.report.tables import number, signed


class ReportFiles(NamedTuple):
    """The files of a report."""

    markdown: Path
    html: Path


def write_report(scored: Sequence[ScoredInterview], table: Comparison, folder: Path) -> ReportFiles:
    """Write report.md, report.html and the figures' files into `folder`."""
    page = Page("Judged trait expression")
    page.paragraph(
        "Scores say how strongly a judge sees a trait expressed in interview answers, from 1 (not at all) "
        "to 5 (strongly). They say nothing about a personality behind the answers."
    )
    wrong = concerns(scored)
    if wrong:
        page.heading("Read this first")
        page.points(wrong, alarm=True)
    _results(page, scored, table)
    add_paper(page, scored)
    add_judges(page, scored)
    add_missing(page, scored)
    _leakage(page, scored, folder)
    _answers(page, scored)
    _provenance(page, scored)
    return ReportFiles(*page.write(folder, "report"))


def _results(page: Page, scored: Sequence[ScoredInterview], table: Comparison) -> None:
    runs = min(len(row.runs) for row in table.rows)
    page.heading("Results")
    headings = ["Backbone", "Model", *QUANTITIES]
    marks = ("", "¹", "²")
    page.table(
        headings,
        [
            [
                row.backbone,
                row.model,
                *(
                    f"{number(cells[name].mean, 2)}{'*' * cells[name].starred}{marks[cells[name].rank]}"
                    for name in QUANTITIES
                ),
            ]
            for row, cells in zip(table.rows, table.cells, strict=True)
        ],
    )
    page.paragraph("¹ best and ² second with the same backbone; equal to two decimals share a place.")
    if runs > 1:
        page.paragraph("Population standard deviations over runs:")
        page.table(
            headings,
            [
                [row.backbone, row.model, *(number(cells[name].spread, 3) for name in QUANTITIES)]
                for row, cells in zip(table.rows, table.cells, strict=True)
            ],
        )
        page.paragraph(
            f"{runs} runs of one checkpoint: the deviation is that of answering and judging, not of "
            f"training with another seed. A 95 % interval reaches {half_width(runs):.2f} sample deviations "
            f"to each side, and differences below {detectable_effect(runs):.1f} of them are missed more "
            "often than once in five times."
        )
        page.paragraph("Overall with its 95 % t interval over runs:")
        page.table(
            ["Backbone", "Model", "Overall", "95 % from", "to"],
            [
                [row.backbone, row.model, *(number(part, 2) for part in mean_interval(row.values("Overall")))]
                for row in table.rows
            ],
        )
    _contrasts(page, table)


def _contrasts(page: Page, table: Comparison) -> None:
    if not table.tests:
        return
    page.paragraph(
        "An asterisk marks a gain over the best baseline with an adjusted p below .05 (Welch's t, two-sided; "
        "Holm over the contrasts of Overall, Benjamini-Hochberg over all others). The exact sign-flip test "
        "pairs runs by number and cannot go below .0625 with five."
    )
    rows = {row.label: row for row in table.rows}
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
            for test in table.tests
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
    shown = [
        one for one in scored if one.interview.header.scope == "all" and one.interview.header.conditioned
    ]
    if not shown:
        return
    page.heading("Leakage to other traits")
    for one in shown:
        name = f"leakage-{one.interview.folder.name}"
        files = draw_leakage(leakage(one.judged), folder / "figures", name)
        header = one.interview.header
        page.figure(files[1], f"{header.backbone} {header.model}: judged score of every trait", folder)


def _answers(page: Page, scored: Sequence[ScoredInterview]) -> None:
    page.heading("The answers")
    page.paragraph("Mean words an answer:")
    codes = [*CODES, UNCONDITIONED]
    page.table(
        ["Backbone", "Model", *codes],
        [
            [
                one.interview.header.backbone,
                one.interview.header.model,
                *(number(answer_lengths(one.interview).get(code, math.nan), 1) for code in codes),
            ]
            for one in scored
        ],
    )
    _keys(page, scored)
    _shifts(page, scored)


def _keys(page: Page, scored: Sequence[ScoredInterview]) -> None:
    rows = []
    for one in scored:
        for backwards, clusters in by_key(one).items():
            if clusters:
                found = cluster_bootstrap(clusters)
                figures = [number(part, 2) for part in found]
                rows.append([one.interview.header.model, "negative" if backwards else "positive", *figures])
    if rows:
        page.paragraph(
            "Expression toward the level asked for (+2 full, -2 opposite) on positively and negatively keyed "
            "items, with an interval from resampling items:"
        )
        page.table(["Model", "Keyed", "Mean", "95 % from", "to"], rows)


def _shifts(page: Page, scored: Sequence[ScoredInterview]) -> None:
    plain = {one.interview.header.backbone: one for one in scored if not one.interview.header.conditioned}
    rows = [
        [
            one.interview.header.backbone,
            one.interview.header.model,
            *map(signed, shift(one, plain[one.interview.header.backbone]).values()),
        ]
        for one in scored
        if one.interview.header.conditioned and one.interview.header.backbone in plain
    ]
    if rows:
        page.paragraph("Shift from the unconditioned backbone, in scale points:")
        page.table(["Backbone", "Model", *CODES], rows)


def _provenance(page: Page, scored: Sequence[ScoredInterview]) -> None:
    page.heading("Provenance")
    rows = []
    for one in scored:
        header = one.interview.header
        facts: dict[str, Any] = {
            "interview begun": header.started,
            "inventory": f"{header.inventory}, sha256 {header.inventory_sha256}",
            "questions": f"{header.scope} items, {header.runs} runs, run k shuffled and answered with seed k",
            **{f"system: {key}": value for key, value in header.system.items()},
        }
        for judged in all_judged(one.interview.folder):
            name = f"judge {judged.header.judge} ({judged.header.mode})"
            facts[f"{name}: begun"] = judged.header.started
            facts |= {f"{name}: {key}": value for key, value in judged.header.provenance.items()}
        label = f"{header.backbone} {header.model}"
        rows += [
            [label, key, value if isinstance(value, str) else json.dumps(value)]
            for key, value in facts.items()
        ]
    page.table(["System", "What", "Value"], rows)
