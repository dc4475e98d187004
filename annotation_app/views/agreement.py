"""The lead's page of agreement and pass rates."""

import streamlit as st

from annotation_app import session, settings
from annotation_app.components.table import show_table
from oceanchat.annotation import accounts, report
from oceanchat.annotation.report import Report
from oceanchat.errors import AnnotationError
from oceanchat.statistics.agreement import Agreement
from oceanchat.statistics.figure import NAMES, SHARE, form_of

COEFFICIENTS = ("observed", "unanimous", "fleiss_kappa", "alpha_nominal", "ac1")
"""The coefficients of the page; the others are in `oceanchat agreement`."""


def page() -> None:
    """Show every figure of the report, with its interval and its note."""
    lead = session.signed_in()
    if lead is None:
        return
    accounts.require_lead(lead)
    st.header("Agreement")
    try:
        results = report.report(settings.store(), settings.sample())
    except AnnotationError:
        st.write("There is no sample yet. Draw one with `oceanchat sample`.")
        return
    st.caption(
        f"{results.overall.labels} labels on {results.overall.items} of {results.coverage.items} items,"
        f" {results.sample.overlap} annotators each. Intervals are 95 %."
    )
    _summary(results)
    st.subheader("Valid or not")
    _agreement(results.overall, "overall")
    for name, question in results.questions.items():
        st.subheader({"trait_shown": "Trait shown?", "coherent": "Coherent?"}.get(name, name))
        _agreement(question, name)
    st.subheader("By trait-level")
    show_table(
        ("", "Items", "Pass rate", *map(_label, COEFFICIENTS)),
        [
            (
                code,
                str(stratum.items),
                results.pass_rates[code].cells(SHARE)[0],
                *(stratum.figures()[name].cells(form_of(name))[0] for name in COEFFICIENTS),
            )
            for code, stratum in results.strata.items()
        ],
        key="strata",
        label="Agreement by trait-level",
    )
    if results.pairs:
        st.subheader("Every two annotators")
        rows = [(" and ".join(pair), *figure.cells(), figure.note) for pair, figure in results.pairs.items()]
        show_table(("Pair", "Cohen's kappa", "Interval", ""), rows, key="pairs")


def _label(name: str) -> str:
    """A figure's name as the head of a row or column."""
    return NAMES[name][0].upper() + NAMES[name][1:]


def _summary(results: Report) -> None:
    decided = f"{results.decided} of {results.disagreements} disagreements decided"
    rows = [
        (_label("pass_rate"), *results.pass_rate.cells(SHARE), results.pass_rate.note),
        (_label("pass_rate_after_adjudication"), *results.pass_rate_after.cells(SHARE), decided),
        *(
            (_label(name), *figure.cells(SHARE), figure.note)
            for name, figure in results.checker._asdict().items()
        ),
    ]
    show_table(("", "Value", "Interval", ""), rows, key="summary", label="Pass rate")


def _agreement(results: Agreement, key: str) -> None:
    figures = {name: results.figures()[name] for name in COEFFICIENTS}
    rows = [(_label(name), *figure.cells(form_of(name))) for name, figure in figures.items()]
    show_table(("", "Value", "Interval"), rows, key=f"agreement-{key}", label="Agreement")
    notes: dict[str, list[str]] = {}
    for name, figure in figures.items():
        if figure.note:
            notes.setdefault(figure.note.split("; interval from")[0], []).append(_label(name))
    for note, labels in notes.items():
        st.text(f"{', '.join(labels)}: {note}.")
