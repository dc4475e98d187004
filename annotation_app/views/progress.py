"""The lead's page on people: how far everyone is, how carefully they work, and who has qualified."""

import streamlit as st

from annotation_app import session, settings
from annotation_app.components.table import show_table
from oceanchat.annotation import accounts, assignment, qualification, report
from oceanchat.annotation.qualification import Score
from oceanchat.annotation.report import Worker
from oceanchat.statistics.figure import Figure
from oceanchat.store.annotators import Annotator


def page() -> None:
    """Progress, warnings, qualification."""
    lead = session.signed_in()
    if lead is None:
        return
    accounts.require_lead(lead)
    st.header("Progress")
    _live()
    _qualifications(lead)


@st.fragment(run_every="10s")
def _live() -> None:
    lead = session.signed_in()
    if lead is None:
        return
    coverage = assignment.coverage(settings.store())
    if not coverage.items:
        st.write("There is no sample yet. Draw one with `oceanchat sample`.")
    else:
        st.progress(coverage.complete / coverage.items)
        st.caption(f"{coverage.complete} of {coverage.items} items have all their labels")
    if coverage.free:
        st.warning(f"{coverage.free} labels have nobody to give them. Add an annotator.")
    workers = report.workers(settings.store(), lead)
    for worker in workers:
        for warning in worker.care.warnings:
            st.text(f"Look at {worker.annotator.name}: {warning}.")
    show_table(
        ("Annotator", "Answered", "Last", "Median time", "Repeats alike", "Gold right", "State"),
        [_row(worker) for worker in workers],
        key="workers",
        label="Annotators",
    )


def _row(worker: Worker) -> tuple[str, ...]:
    seconds = worker.care.median_seconds
    days = worker.idle_days
    return (
        worker.annotator.name,
        f"{worker.done} of {worker.total}",
        "-" if days is None else "today" if days < 1 else f"{days:.0f} days ago",
        "-" if seconds is None else f"{seconds:.0f} s",
        _share(worker.care.repeated),
        _share(worker.care.gold),
        accounts.state(worker.annotator),
    )


def _share(figure: Figure) -> str:
    return figure.cells(".0%")[0]


def _practice(person: Annotator, score: Score) -> str:
    if score.answered:
        return f"{score.right} of {score.answered} practice items right"
    return "no practice yet" if person.admitted is None else "let in without practice"


def _qualifications(lead: Annotator) -> None:
    st.subheader("Qualification")
    for one in qualification.overview(settings.store(), lead):
        person, score = one.annotator, one.score
        if person.retired is not None:
            continue
        with st.container(border=True):
            name, admit, close = st.columns([4, 2, 2], vertical_alignment="center")
            name.text(f"{person.name}: {_practice(person, score)}")
            if person.admitted is None:
                admit.button(
                    "Let them validate",
                    key=f"admit-{person.id}",
                    on_click=accounts.admit,
                    args=(settings.store(), person),
                )
            with close.popover("Pass on the rest"):
                st.write("Labels stay; open items go to the others. The account closes.")
                st.button(
                    "Close the account",
                    key=f"retire-{person.id}",
                    on_click=accounts.retire,
                    args=(settings.store(), person),
                )
            if one.descriptions:
                with st.expander("What they wrote about the traits"):
                    show_table(
                        ("Trait", "High", "Low"),
                        [
                            (trait, said.get("high", ""), said.get("low", ""))
                            for trait, said in one.descriptions.items()
                        ],
                        key=f"described-{person.id}",
                    )
