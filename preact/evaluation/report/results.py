"""The report's results: means, intervals, deviations, contrasts.

Whose scores they are, the table in the paper's layout, how far figures hang on the questions and on the runs,
and the tested contrasts. Where nothing can be tested a dash stands, and a sentence says why.
"""

from collections.abc import Sequence

from oceanchat.statistics.figure import Figure, number, signed
from preact.evaluation.comparison.basis import basis
from preact.evaluation.comparison.comparing import QUANTITIES, Comparison, TestedContrast
from preact.evaluation.comparison.statistics import detectable_effect, half_width, mean_interval
from preact.evaluation.comparison.trait_scores import ScoredInterview
from preact.evaluation.report.page import Page
from preact.evaluation.report.tables import interval_cells, steadiness

_SUMS = ("Avg+", "Avg-", "Overall")


def add_results(page: Page, scored: Sequence[ScoredInterview], comparison: Comparison) -> None:
    """Everything that is computed from the scores alone."""
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
    if comparison.ranks:
        page.paragraph("¹ best and ² second with the same backbone; equal to two decimals share a rank.")
    _items(page, comparison)
    if max(len(row.runs) for row in comparison.rows) > 1:
        _spreads(page, comparison)
    _contrasts(page, comparison)


def _items(page: Page, comparison: Comparison) -> None:
    """How far figures hang on the questions that were asked."""
    page.paragraph(
        "95 % intervals over items: what other questions of the kind would have given. Within each trait the "
        "items, or the answers that were judged together, are drawn anew; repeated runs ask the same items "
        "and do not narrow the interval where the judge saw several answers at a time."
    )
    page.table(
        ["Backbone", "Model", *(heading for name in _SUMS for heading in (name, "from", "to")), "Note"],
        [
            [
                row.backbone,
                row.model,
                *(part for name in _SUMS for part in interval_cells(cells[name].over_items)),
                cells["Overall"].over_items.note,
            ]
            for row, cells in zip(comparison.rows, comparison.cells, strict=True)
        ],
    )


def _spreads(page: Page, comparison: Comparison) -> None:
    """How far runs differ."""
    runs = max(len(row.runs) for row in comparison.rows)
    page.paragraph("Population standard deviations over runs:")
    page.table(
        ["Backbone", "Model", "Runs", *QUANTITIES],
        [
            [row.backbone, row.model, str(len(row.runs)), *(number(cells[q].spread, 3) for q in QUANTITIES)]
            for row, cells in zip(comparison.rows, comparison.cells, strict=True)
        ],
    )
    page.points(steadiness(comparison))
    page.paragraph(
        f"{runs} runs of one checkpoint: the deviation is that of answering and judging, not of "
        f"training with another seed. A 95 % interval reaches {half_width(runs):.2f} sample deviations "
        f"to each side, and differences below {detectable_effect(runs):.1f} of them are missed more "
        "than once in five times."
    )
    page.paragraph("Overall with its 95 % t interval over runs:")
    figures = [mean_interval(row.values("Overall"), len(row.runs)) for row in comparison.rows]
    page.table(
        ["Backbone", "Model", "Overall", "95 % from", "to", "Note"],
        [
            [row.backbone, row.model, *interval_cells(figure), figure.note]
            for row, figure in zip(comparison.rows, figures, strict=True)
        ],
    )


def _contrasts(page: Page, comparison: Comparison) -> None:
    if not comparison.tests:
        return
    lead = "An asterisk marks" if comparison.marked else "Nothing is marked: the judge is scripted. Tested is"
    page.paragraph(
        f"{lead} a gain over the best baseline with an adjusted p below .05 (Welch's t over runs, "
        "two-sided; Holm over all contrasts of Overall in the table, Benjamini-Hochberg over all others) and "
        "an interval over items, where there is one, above 0. The exact sign-flip test pairs runs by number; "
        "it cannot go below .0625 with five and is left out below that."
    )
    page.table(
        ["System", "Baseline", "Overall", "items from", "to", "runs from", "to", "t", "p (Holm)",
         "p (sign-flip)", "g", "Note"],
        [_contrast(test) for test in comparison.tests if test.primary],
    )  # fmt: skip
    page.paragraph(
        "All other contrasts, with 95 % intervals over items and the adjusted p over runs "
        "(Benjamini-Hochberg):"
    )
    pairs = dict.fromkeys((test.model, test.baseline) for test in comparison.tests)
    page.table(
        ["System", "Baseline", *(name for name in QUANTITIES if name != "Overall")],
        [
            [*pair, *(_short(t) for t in comparison.tests if (t.model, t.baseline) == pair and not t.primary)]
            for pair in pairs
        ],
    )


def _contrast(test: TestedContrast) -> list[str]:
    c = test.contrast
    return [
        test.model,
        test.baseline,
        signed(c.difference),
        *interval_cells(test.over_items)[1:],
        *interval_cells(Figure(c.difference, c.low, c.high))[1:],
        number(c.t, 2),
        number(test.adjusted, 4),
        number(test.sign_flip, 4),
        number(c.g, 2),
        "; ".join(note for note in (c.note, test.over_items.note) if note),
    ]


def _short(test: TestedContrast) -> str:
    """'+0.40 (0.11 to 0.69; p 0.0210)', without what could not be found."""
    _, interval = test.over_items.cells(".2f")
    p = number(test.adjusted, 4)
    inside = "; ".join(part for part in (interval, f"p {p}" if p != "-" else "") if part)
    return f"{signed(test.contrast.difference)}{f' ({inside})' if inside else ''}"
