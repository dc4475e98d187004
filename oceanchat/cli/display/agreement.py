"""Agreement as tables on stdout: figures with intervals, the notes beside them, trait-levels and pairs.

It prints what it is given; nothing is computed here.
"""

from collections.abc import Mapping

from oceanchat.annotation.report import Report
from oceanchat.cli.display.build import print_table
from oceanchat.statistics.agreement import Agreement, Figure

NAMES = {
    "observed": "observed agreement",
    "unanimous": "unanimous",
    "fleiss_kappa": "Fleiss' kappa",
    "alpha_nominal": "Krippendorff's alpha, nominal",
    "alpha_ordinal": "Krippendorff's alpha, ordinal",
    "alpha_interval": "Krippendorff's alpha, interval",
    "ac1": "Gwet's AC1",
}
SHARES = frozenset({"observed", "unanimous"})


def shown(figure: Figure, *, share: bool = False) -> tuple[str, str]:
    """(value, interval) as text."""
    if figure.value is None:
        return "-", ""
    form = "{:.1%}" if share else "{:.3f}"
    if figure.low is None or figure.high is None:
        return form.format(figure.value), ""
    return form.format(figure.value), f"{form.format(figure.low)} to {form.format(figure.high)}"


def print_agreement(
    overall: Agreement, strata: Mapping[str, Agreement], pairs: Mapping[tuple[str, str], Figure]
) -> None:
    """The seven figures, then a row a stratum and a row a pair of annotators."""
    title = f"{overall.labels} labels on {overall.items} items"
    rows = [
        (NAMES[name], *shown(figure, share=name in SHARES), figure.note)
        for name, figure in overall.figures().items()
    ]
    print_table(("", "value", "95 % interval", "note"), rows, title)
    if strata:
        _print_strata(strata, {})
    if pairs:
        print_table(
            ("Cohen's kappa", "value", "95 % interval", "note"),
            [(" - ".join(pair), *shown(figure), figure.note) for pair, figure in pairs.items()],
        )


def _print_strata(strata: Mapping[str, Agreement], pass_rates: Mapping[str, Figure]) -> None:
    names = ("observed", "unanimous", "fleiss_kappa", "alpha_nominal", "ac1")
    rows = []
    for stratum, found in strata.items():
        figures = found.figures()
        cells = [shown(figures[name], share=name in SHARES)[0] for name in names]
        rate = shown(pass_rates[stratum], share=True) if stratum in pass_rates else ("", "")
        rows.append((stratum, found.items, *rate, *cells))
    print_table(("", "items", "pass rate", "", *(NAMES[name] for name in names)), rows)


def print_report(made: Report) -> None:
    """The whole report on a sample."""
    print_table(
        ("", "value", "95 % interval", "note"),
        [
            ("pass rate (majority)", *shown(made.pass_rate, share=True), made.pass_rate.note),
            (
                "after adjudication",
                *shown(made.pass_rate_after, share=True),
                f"{made.decided} of {made.splits} splits decided",
            ),
            ("checker precision", *shown(made.checker.precision, share=True), made.checker.precision.note),
            ("checker recall", *shown(made.checker.recall, share=True), made.checker.recall.note),
        ],
        f"Sample {made.sample.id}: {made.coverage.complete} of {made.coverage.items} items complete,"
        f" {made.sample.overlap} annotators each",
    )
    print_agreement(made.overall, {}, made.pairs)
    for question, found in made.questions.items():
        rows = [
            (NAMES[name], *shown(figure, share=name in SHARES), figure.note)
            for name, figure in found.figures().items()
            if figure.value is not None or name == "fleiss_kappa"
        ]
        print_table((question, "value", "95 % interval", "note"), rows)
    if made.strata:
        _print_strata(made.strata, made.pass_rates)
