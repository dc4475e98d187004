"""The lead's page on figures: pass rate, agreement, trait-levels, pairs, the automatic checker."""

import streamlit as st

from annotation_app import session, settings
from annotation_app.components.table import show_table
from oceanchat.annotation import accounts, report
from oceanchat.annotation.report import Report
from oceanchat.errors import AnnotationError
from oceanchat.statistics.agreement import Agreement
from oceanchat.statistics.figure import NAMES, SHARE, form_of

SHOWN = ("observed", "unanimous", "fleiss_kappa", "alpha_nominal", "ac1")
"""The coefficients of the page; the others are in `oceanchat agreement`."""


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
        ("", "Items", "Pass rate", *map(_label, SHOWN)),
        [
            (
                code,
                str(found.items),
                made.pass_rates[code].cells(SHARE)[0],
                *(found.figures()[name].cells(form_of(name))[0] for name in SHOWN),
            )
            for code, found in made.strata.items()
        ],
        key="strata",
        label="Agreement by trait-level",
    )
    if made.pairs:
        st.subheader("Every two annotators")
        rows = [(" and ".join(pair), *figure.cells(), figure.note) for pair, figure in made.pairs.items()]
        show_table(("Pair", "Cohen's kappa", "Interval", ""), rows, key="pairs")


def _label(name: str) -> str:
    """A figure's name as the head of a row or column."""
    return NAMES[name][0].upper() + NAMES[name][1:]


def _top(made: Report) -> None:
    decided = f"{made.decided} of {made.splits} splits decided"
    rows = [
        (_label("pass_rate"), *made.pass_rate.cells(SHARE), made.pass_rate.note),
        (_label("pass_rate_after_adjudication"), *made.pass_rate_after.cells(SHARE), decided),
        *(
            (_label(name), *figure.cells(SHARE), figure.note)
            for name, figure in made.checker._asdict().items()
        ),
    ]
    show_table(("", "Value", "Interval", ""), rows, key="top", label="Pass rate")


def _agreement(found: Agreement, key: str) -> None:
    figures = {name: found.figures()[name] for name in SHOWN}
    rows = [(_label(name), *figure.cells(form_of(name))) for name, figure in figures.items()]
    show_table(("", "Value", "Interval"), rows, key=f"agreement-{key}", label="Agreement")
    notes: dict[str, list[str]] = {}
    for name, figure in figures.items():
        if figure.note:
            notes.setdefault(figure.note.split("; interval from")[0], []).append(_label(name))
    for note, labels in notes.items():
        st.text(f"{', '.join(labels)}: {note}.")
