"""Tables of agreement on stdout.

Figures stand with their intervals and notes, then trait-levels and pairs. It prints what it is given; nothing
is computed here.
"""

from collections.abc import Mapping, Sequence

from oceanchat.annotation.report import Report
from oceanchat.cli.display.footnotes import Footnotes
from oceanchat.cli.display.notes import print_sentence
from oceanchat.cli.display.tables import print_table
from oceanchat.counting import counted
from oceanchat.statistics.agreement import NO_ORDER, Agreement
from oceanchat.statistics.dataset_quality import WHOLE, DatasetQuality, counted_note
from oceanchat.statistics.figure import COEFFICIENT, NAMES, SHARE, Figure, form_of, number
from oceanchat.statistics.study_plan import (
    QUALIFICATION_HOURS,
    SECONDS_TO_ANSWER,
    WORDS_PER_MINUTE,
    StudyPlan,
)


def print_agreement(
    overall: Agreement, strata: Mapping[str, Agreement], pairs: Mapping[tuple[str, str], Figure]
) -> None:
    """The seven figures, then one row per stratum and one per pair of annotators."""
    notes = Footnotes()
    _print_overall(overall, pairs, notes)
    if strata:
        _print_strata(overall, strata, {}, notes)
    notes.print()


def _print_overall(overall: Agreement, pairs: Mapping[tuple[str, str], Figure], notes: Footnotes) -> None:
    title = f"{counted(overall.labels, 'label')} on {counted(overall.items, 'item')}"
    figures = {NAMES[name]: (figure, form_of(name)) for name, figure in overall.reported().items()}
    _print_figures("", figures, notes, title)
    if pairs:
        between = {" - ".join(pair): (figure, COEFFICIENT) for pair, figure in pairs.items()}
        _print_figures("Cohen's kappa", between, notes)


def _print_figures(
    lead: str, figures: Mapping[str, tuple[Figure, str]], notes: Footnotes, title: str = ""
) -> None:
    """A row a figure, each with the form of its numbers."""
    rows = [(name, *figure.cells(form), notes.mark(figure.note)) for name, (figure, form) in figures.items()]
    print_table((lead, "value", "95 % interval", "note"), rows, title)


def _print_strata(
    overall: Agreement, strata: Mapping[str, Agreement], pass_rates: Mapping[str, Figure], notes: Footnotes
) -> None:
    """Every figure of each stratum with its interval, but those for which the labels have no order."""
    names = [name for name, figure in overall.figures().items() if figure.note != NO_ORDER]
    rows = []
    for stratum, agreement in strata.items():
        named = {"pass_rate": pass_rates[stratum]} if stratum in pass_rates else {}
        lead = (stratum, f"{agreement.labels} on {agreement.items}")
        own = {name: agreement.reported()[name] for name in names}
        for name, figure in (named | own).items():
            rows.append((*lead, NAMES[name], *figure.cells(form_of(name)), notes.mark(figure.note)))
            lead = ("", "")
    print_table(("", "labels on items", "", "value", "95 % interval", "note"), rows)


def print_report(report: Report) -> None:
    """The whole report on a sample; its notes stand below all of it, each once."""
    notes = Footnotes()
    passed = " on dialogues that passed" if report.rejected else ""
    decided = f"{report.decided} of {counted(report.disagreements, 'disagreement')}{passed} decided"
    after = report.pass_rate_after
    figures = {"pass_rate": report.pass_rate, "pass_rate_after_adjudication": after._replace(note=decided)}
    figures |= report.checker._asdict()
    _print_figures(
        "",
        {NAMES[name]: (figure, SHARE) for name, figure in figures.items()},
        notes,
        f"Sample {report.sample.id}: {report.coverage.complete} of"
        f" {counted(report.coverage.items, 'item')} complete,"
        f" {counted(report.sample.overlap, 'annotator')} each",
    )
    _print_overall(report.overall, report.pairs, notes)
    if report.rejected:
        print_sentence(
            f"Labeled besides: {counted(report.rejected, 'dialogue')} that the checker turned down. They"
            " count for the checker and the whole dataset, not for agreement or the pass rate."
        )
    for question, agreement in report.questions.items():
        shown = {
            NAMES[name]: (figure, form_of(name))
            for name, figure in agreement.reported().items()
            if figure.value is not None or name == "fleiss_kappa"
        }
        _print_figures(question, shown, notes)
    if report.strata:
        _print_strata(report.overall, report.strata, report.pass_rates, notes)
    if report.dataset:
        _print_dataset(report.dataset, notes)
    notes.print()


def _print_dataset(dataset: Mapping[str, DatasetQuality], notes: Footnotes) -> None:
    """Share valid of the released and of all checked dialogues, two estimates side by side."""

    def cell(figure: Figure) -> str:
        value, interval = figure.cells(SHARE)
        text = f"{value} ({interval})" if interval else value
        return notes.marked(text, figure.note or counted_note(figure))

    rows = [
        (
            code,
            each.checked,
            each.released,
            each.judged,
            cell(each.precision),
            cell(each.precision_rogan_gladen),
        )
        for code, each in dataset.items()
    ]
    headers = (
        *("", "checked", "of these passed", "decided by people, passed or not"),
        *("valid of the passed, prediction-powered", "Rogan-Gladen"),
    )
    print_table(headers, rows, "The whole dataset")
    whole = dataset[WHOLE]
    print_sentence(f"Valid of all {whole.checked:,} checked: {cell(whole.valid)}")


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
