"""The report's sections on reliability.

The judges' controls and agreement, missing scores and refusals. It lays out figures that are computed
elsewhere.
"""

from collections.abc import Sequence
from itertools import combinations

from oceanchat.statistics.figure import number, signed
from oceanchat.traits import TRAITS
from preact.evaluation.comparison.statistics import agreement
from preact.evaluation.comparison.trait_scores import (
    TREATMENTS,
    ScoredInterview,
    batch_states,
    first_opinions,
    paired,
    refusals,
    repeats,
)
from preact.evaluation.interview.flaws import FLAWS, FlawCount, flaw_counts
from preact.evaluation.judge.controls import SAYS_NOTHING, check
from preact.evaluation.judge.exam_figures import exam_lines
from preact.evaluation.judge.judging import all_judgings
from preact.evaluation.judge.verdicts import UNSCORED
from preact.evaluation.report.page import Page


def add_judges(page: Page, scored: Sequence[ScoredInterview]) -> None:
    """The controls of every judge, and how far judges agree with each other and with themselves."""
    page.heading("The judges")
    page.paragraph(
        "Controls: the score of clear high answers less that of clear low ones (given answers of the "
        "opposite level, a judge must reverse its score); for how many of five traits answers that say "
        "nothing were rated as if they did; the points that the same content gains by being said at greater "
        "length; and the share of the gap that is left when words lose their order."
    )
    names = [
        "Control",
        *(f"{t.label} gap" for t in TRAITS),
        *(f"{kind.capitalize()} rated" for kind in SAYS_NOTHING),
        "Longer",
        "Shuffled",
        "Beside",
    ]
    judges = [[*figures, ", ".join(beside)] for figures, beside in _controls_by_judge(scored).items()]
    headings, *lines = zip(names, *judges, strict=True)
    page.table(headings, lines)
    _exams(page, scored)
    rows = [row for entry in scored for row in _agreements(entry)]
    if rows:
        page.paragraph("Agreement over the same batches of answers:")
        page.table(["Interview", "Between", "Batches", "Pearson r", "ICC(2,1)", "Mean difference"], rows)
    else:
        page.paragraph("One judge, asked once: its agreement with others and with itself is not known.")


def _controls_by_judge(scored: Sequence[ScoredInterview]) -> dict[tuple[str, ...], list[str]]:
    """A judge and how it scored the controls -> the interviews beside which it did; judges stay together."""
    rows: dict[tuple[str, ...], list[str]] = {}
    for entry in scored:
        for judging in all_judgings(entry.interview.folder):
            result = check(judging.controls)
            name = f"{judging.header.judge} ({judging.header.mode})"
            gaps = (signed(gap) for gap in result.gaps.values())
            rated = (str(result.rated[kind]) for kind in SAYS_NOTHING)
            figures = (name, *gaps, *rated, signed(result.length_effect), number(result.shuffled, 2))
            rows.setdefault(figures, []).append(entry.interview.folder.name)
    return dict(sorted(rows.items(), key=lambda row: row[0][0]))


def _exams(page: Page, scored: Sequence[ScoredInterview]) -> None:
    """The exam of every judge that took one, and which judges took none."""
    judgings = [judging for entry in scored for judging in all_judgings(entry.interview.folder)]
    lines: dict[str, None] = {}
    unexamined = dict.fromkeys((judging.header.judge, judging.header.mode) for judging in judgings)
    for judging in judgings:
        if judging.exam is not None:
            lines |= dict.fromkeys(exam_lines(judging.exam))
            unexamined.pop((judging.header.judge, judging.header.mode), None)
    lines |= dict.fromkeys(f"judge {judge} ({mode}) is unexamined" for judge, mode in unexamined)
    page.paragraph("Entrance exams, on what is known beforehand:")
    page.points(list(lines))


def _agreements(entry: ScoredInterview) -> list[list[str]]:
    judgings = all_judgings(entry.interview.folder)
    pairs = [(f"{judging.header.judge} and itself", repeats(judging)) for judging in judgings]
    pairs += [
        (f"{a.header.judge} and {b.header.judge}", paired(first_opinions(a), first_opinions(b)))
        for a, b in combinations(judgings, 2)
        if a.header.mode == b.header.mode
    ]
    rows = []
    for names, scores in pairs:
        if scores:
            result = agreement(scores)
            figures = [number(figure, 2) for figure in (result.correlation, result.icc, result.difference)]
            rows.append([entry.interview.folder.name, names, str(result.pairs), *figures])
    return rows


def add_missing(page: Page, scored: Sequence[ScoredInterview]) -> None:
    """What has no score, what that could change, and how often systems refused or left their role."""
    page.heading("Missing scores")
    page.paragraph(
        "Overall with batches that have no score left out, counted as the midpoint, or given the worst score "
        "for the level that was asked for."
    )
    page.table(
        ["Backbone", "Model", *TREATMENTS, "batches without a score"],
        [
            [
                entry.interview.header.backbone,
                entry.interview.header.model,
                *(number(entry.row(treatment).mean("Overall"), 2) for treatment in TREATMENTS),
                str(sum(counts[s] for counts in batch_states(entry.judging).values() for s in UNSCORED)),
            ]
            for entry in scored
        ],
    )
    rows = [
        [entry.interview.header.model, code, *(str(count) for count in counts)]
        for entry in scored
        for code, counts in _problems(entry).items()
        if any(counts)
    ]
    if rows:
        answers = ("answers refused", "answers failed", "speaks as machine")
        page.table(["Model", "Trait-level", *UNSCORED, *answers], rows)


def add_flaws(page: Page, scored: Sequence[ScoredInterview]) -> None:
    """What is wrong with answers whatever a judge says of them, a line a flaw."""
    counts = [flaw_counts(entry.interview) for entry in scored]
    page.paragraph("How many of the answers given show what no judge is needed for:")
    page.table(
        ["Answers that", *(f"{e.interview.header.backbone} {e.interview.header.model}" for e in scored)],
        [[words, *(_flaw(own[flaw]) for own in counts)] for flaw, words in FLAWS.items()],
    )
    if not any(own["not-fluent"].total for own in counts):
        page.paragraph("Fluency is not known: no system's weights were at hand.")


def _flaw(count: FlawCount) -> str:
    return f"{count.shown} of {count.total} ({count.share:.1%})" if count.total else "-"


def _problems(entry: ScoredInterview) -> dict[str, list[int]]:
    """Trait-level code -> batches in each unscored state, answers refused, failed, out of character."""
    answers = refusals(entry.interview)
    return {
        code: [
            *(states[state] for state in UNSCORED),
            *(answers[code][state] for state in ("refused", "failed", "speaks as machine")),
        ]
        for code, states in batch_states(entry.judging).items()
    }
