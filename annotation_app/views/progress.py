"""The lead's page of annotators and their progress."""

from collections.abc import Mapping
from typing import Any

import pandas as pd
import streamlit as st

from annotation_app import session, settings
from annotation_app.components.table import show_table
from annotation_app.sign_in import base_path
from oceanchat.annotation import accounts, assignment, qualification, report
from oceanchat.annotation.account_state import account_state
from oceanchat.annotation.evaluation_progress import evaluation_progress
from oceanchat.annotation.qualification import QualificationRecord
from oceanchat.annotation.report import AnnotatorProgress
from oceanchat.counting import counted
from oceanchat.statistics.figure import Figure
from oceanchat.store.annotators import Annotator
from oceanchat.store.presentations import Answers


def page() -> None:
    """Show progress, warnings and qualification."""
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
    coverage = assignment.coverage(settings.store(), settings.sample())
    if not coverage.items:
        st.write("There are no dialogues to validate yet. Draw a sample with `oceanchat sample`.")
    else:
        st.progress(coverage.complete / coverage.items)
        st.caption(f"{coverage.complete} of {coverage.items} items have all their labels")
    if coverage.unassigned:
        labels = counted(coverage.unassigned, "label")
        st.warning(f"{labels} without an annotator. Add {counted(coverage.missing, 'annotator')}.")
    everyone = report.annotator_progress(settings.store(), lead, settings.sample())
    for progress in everyone:
        for warning in progress.attention.warnings:
            st.text(f"Look at {progress.annotator.name}: {warning}.")
    frame = pd.DataFrame([_row(progress) for progress in everyone])
    if not frame.empty:
        st.dataframe(frame, hide_index=True, key="annotators", height="content", placeholder="-")
    _evaluation()


def _evaluation() -> None:
    """How far the rating of models is, where there is an evaluation."""
    progress = evaluation_progress(settings.store())
    if progress is None:
        return
    st.subheader("Rating models")
    if progress.unassigned:
        st.warning(f"{progress.unassigned} ratings have no annotator. Add one.")
    people, systems = st.columns(2)
    frame = pd.DataFrame(
        [
            {
                "Annotator": rater.name,
                "Rated": rater.done,
                "Of": rater.total,
                "Median seconds": None if rater.median_seconds is None else round(rater.median_seconds),
            }
            for rater in progress.raters
        ]
    )
    people.dataframe(frame, hide_index=True, key="raters", height="content", placeholder="-")
    names = {"system": "System", "questions": "Questions", "finished": "Conversations", "ratings": "Ratings"}
    frame = pd.DataFrame([each._asdict() for each in progress.systems]).rename(columns=names)
    systems.dataframe(frame, hide_index=True, key="systems", height="content")
    st.html(f"<a href='{base_path()}/annotation/ratings.csv' target='_self'>Download the ratings</a>")
    st.caption(
        "`oceanchat agreement --task evaluation` shows means, agreement and differences between systems."
    )


def _row(progress: AnnotatorProgress) -> dict[str, Any]:
    seconds, days = progress.attention.median_seconds, progress.idle_days
    return {
        "Annotator": progress.annotator.name,
        "Answered": progress.done,
        "Of": progress.total,
        "Last": "-" if days is None else "today" if days < 1 else f"{days:.0f} days ago",
        "Median seconds": None if seconds is None else round(seconds),
        "Repeats alike": _share(progress.attention.repeated),
        "Gold right": _share(progress.attention.gold),
        "State": account_state(settings.store(), progress.annotator, settings.sample()),
    }


def _share(figure: Figure) -> str:
    return figure.cells(".0%")[0]


def _practice(record: QualificationRecord) -> str:
    score, admitted = record.score, record.annotator.admitted_at is not None
    if not score.answered:
        return "admitted without practice" if admitted else "no practice yet"
    practice = f"{score.first_right} of {score.answered} practice items right"
    again = [wrong.tried_again for wrong in record.wrong]
    if any(again):
        practice += f", {score.right} after a second try"
    # Who passes is admitted without the lead.
    return f"{practice}; waits for you" if again and all(again) and not admitted else practice


def _qualifications(lead: Annotator) -> None:
    st.subheader("Qualification")
    for record in qualification.overview(settings.store(), lead):
        if record.annotator.retired_at is None:
            _qualification(record)


def _qualification(record: QualificationRecord) -> None:
    annotator = record.annotator
    with st.container(border=True):
        name, admit, close = st.columns([4, 2, 2], vertical_alignment="center")
        name.text(f"{annotator.name}: {_practice(record)}")
        if annotator.admitted_at is None:
            admit.button(
                "Let them validate",
                key=f"admit-{annotator.id}",
                on_click=session.as_lead,
                args=(lambda lead: accounts.admit(settings.store(), annotator),),
            )
        with close.popover("Reassign the rest"):
            st.write("Labels stay; open items go to the others. The account closes for good.")
            st.button(
                "Close the account",
                key=f"retire-{annotator.id}",
                on_click=session.as_lead,
                args=(lambda lead: accounts.retire(settings.store(), annotator),),
            )
        _described("Their descriptions of the traits", record.descriptions, f"described-{annotator.id}")
        _described("The styles they expect of models", record.styles, f"styles-{annotator.id}")
        if record.wrong:
            with st.expander("Practice items that were wrong at first"):
                show_table(
                    ("Label", "Opening", "Their answers", "Right", "Second try"),
                    [
                        (
                            wrong.trait_level,
                            wrong.opening,
                            _answers(wrong.given),
                            _answers(wrong.known),
                            "right" if wrong.right_now else "wrong" if wrong.tried_again else "not asked",
                        )
                        for wrong in record.wrong
                    ],
                    key=f"wrong-{annotator.id}",
                )


def _described(title: str, descriptions: Mapping[str, Mapping[str, str]], key: str) -> None:
    if descriptions:
        with st.expander(title):
            rows = [
                (trait, words.get("high", ""), words.get("low", "")) for trait, words in descriptions.items()
            ]
            show_table(("Trait", "High", "Low"), rows, key=key)


def _answers(answers: Answers) -> str:
    return ", ".join(f"{name.replace('_', ' ')}: {answer}" for name, answer in answers.items())
