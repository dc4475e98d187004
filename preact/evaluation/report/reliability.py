"""The report's sections on reliability: the judges' controls and agreement, missing scores, refusals.

It lays out figures that others compute.
"""

from collections.abc import Sequence

from oceanchat.traits import TRAITS
from preact.evaluation.comparison.statistics import agreement
from preact.evaluation.comparison.trait_scores import (
    TREATMENTS,
    ScoredInterview,
    missing,
    paired,
    refusals,
    repeats,
)
from preact.evaluation.judge.controls import check
from preact.evaluation.judge.judging import Judging, all_judged
from preact.evaluation.judge.verdicts import UNSCORED, Judgement
from preact.evaluation.report.page import Page
from preact.evaluation.report.tables import number, signed


def add_judges(page: Page, scored: Sequence[ScoredInterview]) -> None:
    """The controls of every judge, and how far judges agree with each other and with themselves."""
    page.heading("The judges")
    page.paragraph(
        "Controls: clear high answers less clear low ones (given answers of the opposite level, a judge must "
        "turn round), and for how many of five traits blank answers and gibberish were rated as if they said "
        "something."
    )
    page.table(
        ["Interview", "Judge", *(f"{t.label} gap" for t in TRAITS), "Blank rated", "Gibberish rated"],
        [
            [
                one.interview.folder.name,
                f"{judged.header.judge} ({judged.header.mode})",
                *(signed(gap) for gap in check(judged.controls).gaps.values()),
                str(check(judged.controls).rated_blank),
                str(check(judged.controls).rated_gibberish),
            ]
            for one in scored
            for judged in all_judged(one.interview.folder)
        ],
    )
    rows = [row for one in scored for row in _agreements(one)]
    if rows:
        page.paragraph("Agreement over the same batches of answers:")
        page.table(["Interview", "Between", "Batches", "Pearson r", "ICC(2,1)", "Mean difference"], rows)
    else:
        page.paragraph("One judge, asked once: its agreement with others and with itself is not known.")


def _agreements(one: ScoredInterview) -> list[list[str]]:
    judgings = all_judged(one.interview.folder)
    pairs: list[tuple[str, list[tuple[float, float]]]] = [
        (f"{judged.header.judge} and itself", repeats(judged)) for judged in judgings
    ]
    for place, first in enumerate(judgings):
        for second in judgings[place + 1 :]:
            if first.header.mode == second.header.mode:
                names = f"{first.header.judge} and {second.header.judge}"
                pairs.append((names, paired(_first_opinions(first), _first_opinions(second))))
    found = []
    for names, scores in pairs:
        if scores:
            a = agreement(scores)
            figures = [number(a.correlation, 2), number(a.icc, 2), number(a.difference, 2)]
            found.append([one.interview.folder.name, names, str(a.pairs), *figures])
    return found


def _first_opinions(judged: Judging) -> list[Judgement]:
    return [judgement for judgement in judged.judgements if judgement.repeat == 0]


def add_missing(page: Page, scored: Sequence[ScoredInterview]) -> None:
    """What has no score, what that could change, and how often systems refused or left their part."""
    page.heading("Missing scores")
    page.paragraph(
        "Overall with batches that have no score left out, called the midpoint, or given the worst score for "
        "the level that was asked for."
    )
    page.table(
        ["Backbone", "Model", *TREATMENTS, "batches without a score"],
        [
            [
                one.interview.header.backbone,
                one.interview.header.model,
                *(number(one.row(treatment).mean("Overall"), 2) for treatment in TREATMENTS),
                str(sum(counts[s] for counts in missing(one.judged).values() for s in UNSCORED)),
            ]
            for one in scored
        ],
    )
    rows = [
        [one.interview.header.model, code, *(str(states[state]) for state in UNSCORED), *_told(one, code)]
        for one in scored
        for code, states in missing(one.judged).items()
        if any(states[state] for state in UNSCORED) or any(cell != "0" for cell in _told(one, code))
    ]
    if rows:
        headings = [
            "Model",
            "Trait-level",
            *UNSCORED,
            "answers refused",
            "answers failed",
            "speaks as machine",
        ]
        page.table(headings, rows)


def _told(one: ScoredInterview, code: str) -> list[str]:
    counts = refusals(one.interview)[code]
    return [str(counts[state]) for state in ("refused", "failed", "speaks as machine")]
