"""Tables of agreement on stdout.

Figures stand with their intervals and notes, then trait-levels and pairs. It prints what it is given; nothing
is computed here.
"""

from collections.abc import Mapping, Sequence

import click

from oceanchat.annotation.report import Report
from oceanchat.cli.display.counting import counted
from oceanchat.cli.display.notes import print_sentence
from oceanchat.cli.display.tables import print_table
from oceanchat.statistics.agreement import Agreement
from oceanchat.statistics.dataset_quality import WHOLE, DatasetQuality
from oceanchat.statistics.figure import NAMES, SHARE, Figure, form_of, number
from oceanchat.statistics.study_plan import (
    QUALIFICATION_HOURS,
    SECONDS_TO_ANSWER,
    WORDS_PER_MINUTE,
    StudyPlan,
)

_BY_STRATUM = ("observed", "unanimous", "fleiss_kappa", "alpha_nominal", "ac1")


def print_agreement(
    overall: Agreement, strata: Mapping[str, Agreement], pairs: Mapping[tuple[str, str], Figure]
) -> None:
    """The seven figures, then one row per stratum and one per pair of annotators."""
    title = f"{counted(overall.labels, 'label')} on {counted(overall.items, 'item')}"
    rows = [
        (NAMES[name], *figure.cells(form_of(name)), figure.note) for name, figure in overall.figures().items()
    ]
    print_table(("", "value", "95 % interval", "note"), rows, title)
    if strata:
        _print_strata(strata, {})
    if pairs:
        print_table(
            ("Cohen's kappa", "value", "95 % interval", "note"),
            [(" - ".join(pair), *figure.cells(), figure.note) for pair, figure in pairs.items()],
        )


def _print_strata(strata: Mapping[str, Agreement], pass_rates: Mapping[str, Figure]) -> None:
    """Every figure of each stratum with its interval; equal notes are written once, below."""
    notes: dict[str, int] = {}
    rows = []
    for stratum, agreement in strata.items():
        named = {"pass_rate": pass_rates[stratum]} if stratum in pass_rates else {}
        lead = (stratum, f"{agreement.labels} on {agreement.items}")
        for name, figure in (named | {name: agreement.figures()[name] for name in _BY_STRATUM}).items():
            mark = f"[{notes.setdefault(figure.note, len(notes) + 1)}]" if figure.note else ""
            rows.append((*lead, NAMES[name], *figure.cells(form_of(name)), mark))
            lead = ("", "")
    print_table(("", "labels on items", "", "value", "95 % interval", "note"), rows)
    for note, index in notes.items():
        print_sentence(f"[{index}] {note}")


def print_report(report: Report) -> None:
    """The whole report on a sample."""
    print_table(
        ("", "value", "95 % interval", "note"),
        [
            (NAMES["pass_rate"], *report.pass_rate.cells(SHARE), report.pass_rate.note),
            (
                NAMES["pass_rate_after_adjudication"],
                *report.pass_rate_after.cells(SHARE),
                f"{report.decided} of {report.disagreements} disagreements"
                + (" on dialogues that passed" if report.rejected else "")
                + " decided",
            ),
            *(
                (NAMES[name], *figure.cells(SHARE), figure.note)
                for name, figure in report.checker._asdict().items()
            ),
        ],
        f"Sample {report.sample.id}: {report.coverage.complete} of {report.coverage.items} items complete,"
        f" {counted(report.sample.overlap, 'annotator')} each",
    )
    print_agreement(report.overall, {}, report.pairs)
    if report.rejected:
        print_sentence(
            f"Labeled besides: {counted(report.rejected, 'dialogue')} that the checker turned down. They"
            " count for the checker and the whole dataset, not for agreement or the pass rate."
        )
    for question, agreement in report.questions.items():
        rows = [
            (NAMES[name], *figure.cells(form_of(name)), figure.note)
            for name, figure in agreement.figures().items()
            if figure.value is not None or name == "fleiss_kappa"
        ]
        print_table((question, "value", "95 % interval", "note"), rows)
    if report.strata:
        _print_strata(report.strata, report.pass_rates)
    if report.dataset:
        _print_dataset(report.dataset)


def _print_dataset(dataset: Mapping[str, DatasetQuality]) -> None:
    """Share valid of the released and of all checked dialogues, two estimates side by side."""
    notes: dict[str, int] = {}

    def cell(figure: Figure) -> str:
        mark = f" [{notes.setdefault(figure.note, len(notes) + 1)}]" if figure.note else ""
        value, interval = figure.cells(SHARE)
        return f"{value} ({interval}){mark}" if interval else f"{value}{mark}"

    rows = [
        (code, each.released, each.judged, cell(each.precision), cell(each.precision_rogan_gladen))
        for code, each in dataset.items()
    ]
    headers = ("", "passed", "decided", "valid of the passed, prediction-powered", "Rogan-Gladen")
    print_table(headers, rows, "The whole dataset")
    whole = dataset[WHOLE]
    click.echo(f"Valid of all {whole.checked:,} checked: {cell(whole.valid)}")
    for note, index in notes.items():
        print_sentence(f"[{index}] {note}")


def print_plan(plans: Sequence[StudyPlan], expected: float, fewest: int) -> None:
    """What studies of several sizes would tell and take; `fewest` dialogues of a trait-level there are."""
    size = plans[0].size
    print_table(
        (
            *("a trait-level", "dialogues", "pass rate +-", "a trait-level +-"),
            *("kappa from", "a trait-level from", "hours each", "in all"),
        ),
        [
            (
                each.size.dialogues,
                each.size.dialogues * each.size.trait_levels,
                f"{each.width / 2:.1%}",
                f"{each.width_by_trait_level / 2:.1%}",
                number(each.kappa, 2),
                number(each.kappa_by_trait_level, 2),
                f"{each.hours:.1f}",
                f"{each.total_hours:.1f}",
            )
            for each in plans
        ],
        f"{counted(size.annotators, 'annotator')} a dialogue, {counted(size.trait_levels, 'trait-level')},"
        f" {expected:.1%} expected valid (--expect)",
    )
    print_sentence(
        "+- is half the 95 % interval. From that kappa on agreement is told from chance (power 80 % at 5 %)."
        f" Hours: {WORDS_PER_MINUTE:.0f} words a minute, {SECONDS_TO_ANSWER:.0f} s an answer,"
        f" {QUALIFICATION_HOURS:.2f} h for the qualification."
    )
    if fewest < max(each.size.dialogues for each in plans):
        print_sentence(f"So far the store has {fewest:,} of a trait-level to draw from; build more for more.")
