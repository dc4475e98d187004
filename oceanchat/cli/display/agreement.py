"""Tables of agreement on stdout.

Figures stand with their intervals and notes, then trait-levels and pairs. It prints what it is given; nothing
is computed here.
"""

from collections.abc import Mapping

from oceanchat.annotation.report import Report
from oceanchat.cli.display.tables import print_table
from oceanchat.statistics.agreement import Agreement
from oceanchat.statistics.figure import NAMES, SHARE, Figure, form_of


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
    names = ("observed", "unanimous", "fleiss_kappa", "alpha_nominal", "ac1")
    rows = []
    for stratum, agreement in strata.items():
        figures = agreement.figures()
        cells = [figures[name].cells(form_of(name))[0] for name in names]
        rate = pass_rates[stratum].cells(SHARE) if pass_rates else ()
        rows.append((stratum, agreement.items, *rate, *cells))
    rate_headers = ("pass rate", "95 % interval") if pass_rates else ()
    print_table(("", "items", *rate_headers, *(NAMES[name] for name in names)), rows)


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
