"""The page's section on a store's annotators.

It stands apart because the figures need the packages of the extra `agreement`, which a base install lacks.
"""

from oceanchat.annotation.report import report
from oceanchat.counting import counted
from oceanchat.statistics.dataset_quality import WHOLE
from oceanchat.statistics.figure import NAMES, SHARE, form_of
from oceanchat.store.database import Store
from oceanchat.viewer.content import PageSection, PageTable
from oceanchat.viewer.sections import figure_row


def agreement_section(store: Store) -> PageSection:
    """How far the annotators of the newest sample with labels agree. Raises AnnotationError without one."""
    results = report(store)
    rows = [
        figure_row(NAMES["pass_rate"], results.pass_rate, SHARE),
        figure_row(NAMES["pass_rate_after_adjudication"], results.pass_rate_after, SHARE),
        *(
            figure_row(NAMES[name], figure, form_of(name))
            for name, figure in results.overall.reported().items()
        ),
        *(figure_row(NAMES[name], figure, SHARE) for name, figure in results.checker._asdict().items()),
    ]
    by_level = [
        (
            code,
            f"{stratum.labels:,} on {stratum.items:,}",
            results.pass_rates[code].text(SHARE),
            stratum.figures()["observed"].text(SHARE),
            stratum.figures()["ac1"].text(),
        )
        for code, stratum in results.strata.items()
    ]
    lead = [
        f"Sample {results.sample.id}, {counted(results.sample.overlap, 'annotator')} a dialogue: of"
        f" {counted(results.coverage.items, 'dialogue')} {results.coverage.complete:,} with all labels; of"
        f" {counted(results.disagreements, 'disagreement')} {results.decided:,} decided."
    ]
    if results.dataset:
        whole = results.dataset[WHOLE]
        lead.append(
            f"Valid of all dialogues that passed the check, estimated: {whole.precision.text(SHARE)}"
            " (prediction-powered)."
        )
    headers = ("", "labels on dialogues", "valid", NAMES["observed"], NAMES["ac1"])
    return PageSection(
        "agreement",
        "Agreement",
        lead,
        [
            PageTable(("", "value", "95 % interval", "note"), rows),
            *([PageTable(headers, by_level, "By trait-level")] if by_level else []),
        ],
    )
