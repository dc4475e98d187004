"""The lead's page on figures: pass rate, agreement, trait-levels, pairs, the automatic checker."""

import streamlit as st

from annotation_app import session, settings
from annotation_app.components.table import show_table
from oceanchat.annotation import accounts, report
from oceanchat.annotation.report import Report
from oceanchat.errors import AnnotationError
from oceanchat.statistics.agreement import Agreement, Figure

NAMES = {
    "observed": "Observed agreement",
    "unanimous": "Unanimous",
    "fleiss_kappa": "Fleiss' kappa",
    "alpha_nominal": "Krippendorff's alpha",
    "ac1": "Gwet's AC1",
}
SHARES = frozenset({"observed", "unanimous"})


def page() -> None:
    """Every figure of the report, with its interval and its note."""
    lead = session.signed_in()
    if lead is None:
        return
    accounts.require_lead(lead)
    st.header("Agreement")
    try:
        made = report.report(settings.store())
    except AnnotationError:
        st.write("There is no sample yet. Draw one with `oceanchat sample`.")
        return
    st.caption(
        f"{made.overall.labels} labels on {made.overall.items} of {made.coverage.items} items,"
        f" {made.sample.overlap} annotators each. Intervals are 95 %."
    )
    _top(made)
    st.subheader("Valid or not")
    _agreement(made.overall, "overall")
    for name, found in made.questions.items():
        st.subheader({"trait_shown": "Trait shown?", "coherent": "Coherent?"}.get(name, name))
        _agreement(found, name)
    st.subheader("By trait-level")
    show_table(
        ("", "Items", "Pass rate", *NAMES.values()),
        [
            (
                code,
                str(found.items),
                text(made.pass_rates[code], share=True),
                *(text(found.figures()[name], share=name in SHARES) for name in NAMES),
            )
            for code, found in made.strata.items()
        ],
        key="strata",
        label="Agreement by trait-level",
    )
    if made.pairs:
        st.subheader("Every two annotators")
        rows = [(" and ".join(pair), *cells(figure), figure.note) for pair, figure in made.pairs.items()]
        show_table(("Pair", "Cohen's kappa", "Interval", ""), rows, key="pairs")


def _top(made: Report) -> None:
    rows = [
        ("Pass rate, by majority", *cells(made.pass_rate, share=True), made.pass_rate.note),
        (
            "After adjudication",
            *cells(made.pass_rate_after, share=True),
            f"{made.decided} of {made.splits} splits decided",
        ),
        (
            "Automatic check: precision",
            *cells(made.checker.precision, share=True),
            made.checker.precision.note,
        ),
        ("Automatic check: recall", *cells(made.checker.recall, share=True), made.checker.recall.note),
    ]
    show_table(("", "Value", "Interval", ""), rows, key="top", label="Pass rate")


def _agreement(found: Agreement, key: str) -> None:
    figures = {label: found.figures()[name] for name, label in NAMES.items()}
    shares = {NAMES[name] for name in SHARES}
    rows = [(label, *cells(figure, share=label in shares)) for label, figure in figures.items()]
    show_table(("", "Value", "Interval"), rows, key=f"agreement-{key}", label="Agreement")
    notes: dict[str, list[str]] = {}
    for label, figure in figures.items():
        if figure.note:
            notes.setdefault(figure.note.split("; interval from")[0], []).append(label)
    for note, labels in notes.items():
        st.text(f"{', '.join(labels)}: {note}.")


def text(figure: Figure, *, share: bool = False) -> str:
    """The value in digits."""
    if figure.value is None:
        return "-"
    return f"{figure.value:.1%}" if share else f"{figure.value:.3f}"


def cells(figure: Figure, *, share: bool = False) -> tuple[str, str]:
    """(value, interval) in digits."""
    if figure.value is None or figure.low is None or figure.high is None:
        return text(figure, share=share), ""
    low, high = (text(Figure(bound, None, None), share=share) for bound in (figure.low, figure.high))
    return text(figure, share=share), f"{low} to {high}"
