"""Tables of agreement on stdout.

Figures stand with their intervals and notes, then trait-levels and pairs. It prints what it is given; nothing
is computed here.
"""

from collections.abc import Mapping

import click

from oceanchat.annotation.report import Report
from oceanchat.cli.display.tables import print_table
from oceanchat.statistics.agreement import Agreement
from oceanchat.statistics.figure import NAMES, SHARE, Figure, form_of

_BY_STRATUM = ("observed", "unanimous", "fleiss_kappa", "alpha_nominal", "ac1")


def print_agreement(
    overall: Agreement, strata: Mapping[str, Agreement], pairs: Mapping[tuple[str, str], Figure]
) -> None:
    """The seven figures, then one row per stratum and one per pair of annotators."""
    title = f"{overall.labels} labels on {overall.items} items"
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
    for note, number in notes.items():
        click.echo(f"[{number}] {note}")


def print_report(report: Report) -> None:
    """The whole report on a sample."""
    print_table(
        ("", "value", "95 % interval", "note"),
        [
            (NAMES["pass_rate"], *report.pass_rate.cells(SHARE), report.pass_rate.note),
            (
                NAMES["pass_rate_after_adjudication"],
                *report.pass_rate_after.cells(SHARE),
                f"{report.decided} of {report.disagreements} disagreements decided",
            ),
            *(
                (NAMES[name], *figure.cells(SHARE), figure.note)
                for name, figure in report.checker._asdict().items()
            ),
        ],
        f"Sample {report.sample.id}: {report.coverage.complete} of {report.coverage.items} items complete,"
        f" {report.sample.overlap} annotators each",
    )
    print_agreement(report.overall, {}, report.pairs)
    for question, agreement in report.questions.items():
        rows = [
            (NAMES[name], *figure.cells(form_of(name)), figure.note)
            for name, figure in agreement.figures().items()
            if figure.value is not None or name == "fleiss_kappa"
        ]
        print_table((question, "value", "95 % interval", "note"), rows)
    if report.strata:
        _print_strata(report.strata, report.pass_rates)
