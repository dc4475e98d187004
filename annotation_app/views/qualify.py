"""The annotator's pages before validating and rating."""

import streamlit as st

from annotation_app import session, settings
from annotation_app.components.item import Feedback, ItemAction, ItemLayout, show_item
from annotation_app.views.dialogue import dialogue_layout
from oceanchat.annotation import labels, qualification
from oceanchat.annotation.conversations import newest_evaluation
from oceanchat.annotation.qualification import QualificationStatus
from oceanchat.annotation.sample import annotators_each
from oceanchat.annotation.tasks import PRACTICE
from oceanchat.store.annotators import Annotator
from oceanchat.store.labels import ItemLabel
from oceanchat.traits import Trait

_FEEDBACK_SEEN = "practice"
_STYLE_TO_COMPARE = "style"


def qualification_page(account: Annotator) -> bool:
    """Show the next step of the qualification; False when there is none left."""
    if account.admitted_at is not None and session.remembered(_FEEDBACK_SEEN) is None:
        return False
    status = qualification.status(settings.store(), account, settings.prompts(), begin=False)
    if status.stage != "describe" and _feedback(account, status):
        return True
    if status.stage == "ready":
        return False
    if status.stage == "waiting":
        _waiting(status)
    elif status.item is None:
        show_guidelines()
        st.button("I have read them", type="primary", on_click=lambda: _begin(account))
    else:
        _step(status)
    return True


def _begin(account: Annotator) -> None:
    """Present the first description; that it was presented says that the guidelines were read."""
    qualification.status(settings.store(), account, settings.prompts())


def _begin_styles(account: Annotator) -> None:
    qualification.style_status(settings.store(), account, settings.prompts())


def style_page(account: Annotator) -> bool:
    """Ask which style to expect of each trait-level, before models are rated; False when none is left."""
    if _our_style(account):
        return True
    status = qualification.style_status(settings.store(), account, settings.prompts(), begin=False)
    if status.done == status.total:
        return False
    if status.item is None:
        st.markdown(settings.rating_guidelines().text)
        st.button("I have read them", type="primary", on_click=lambda: _begin_styles(account))
        return True
    content = status.item.assignment.item.content
    layout = ItemLayout(
        title=f"The style of {content['label']}",
        caption=f"Before you start: trait {status.done + 1} of {status.total}, in your own words",
        notes=(f"For example: {content['situation']}",),
        hint="Stored for the lead. There is no right wording; you see ours afterwards, to compare.",
        progress=(status.done, status.total),
        save="Save and go on",
    )
    show_item(
        status.item,
        layout,
        on_saved=lambda: session.remember(_STYLE_TO_COMPARE, True),
        on_action=lambda name, item: None,
        key="style",
    )
    return True


def _our_style(account: Annotator) -> bool:
    """Show our description of a style beside the one just given."""
    last = qualification.last_style(settings.store(), account)
    if last is None or last.answer_key is None or not session.remembered(_STYLE_TO_COMPARE):
        return False
    assignment = labels.own_assignment(settings.store(), account, last.assignment_id)
    high, _, low = str(last.answer_key["why"]).removeprefix("High: ").partition(" Low: ")
    rows = [
        ("High, yours", last.answers.get("high", ""), ""),
        ("High, ours", high, ""),
        ("Low, yours", last.answers.get("low", ""), ""),
        ("Low, ours", low, ""),
    ]
    layout = ItemLayout(
        title=f"The style of {assignment.item.content['label']}",
        caption=str(assignment.item.content["situation"]),
        feedback=Feedback("Yours and ours, to compare", rows, ""),
        actions=(ItemAction("go", "Go on", "enter"),),
    )
    show_item(
        labels.looked_at(assignment, f"style-{last.label_id}"),
        layout,
        on_saved=lambda: None,
        on_action=lambda name, item: session.remember(_STYLE_TO_COMPARE, False),
        key="our-style",
    )
    return True


def guidelines_page() -> None:
    """Show the guidelines again, of each task that there is."""
    if session.signed_in() is None:
        return
    if newest_evaluation(settings.store()) is None:
        return show_guidelines()
    validating, rating = st.tabs(["Validating dialogues", "Rating models"])
    with validating:
        show_guidelines()
    with rating:
        st.markdown(settings.rating_guidelines().text)


def show_guidelines() -> None:
    """Show the guidelines of the prompt folder, with any HTML as text."""
    number = annotators_each(settings.store(), settings.sample())
    st.markdown(settings.guidelines().for_annotators(number))


def _step(status: QualificationStatus) -> None:
    presented = status.item
    if presented is None:
        return
    if status.stage == "describe":
        trait = Trait(presented.assignment.item.content["trait"])
        layout = ItemLayout(
            title=f"Describe {trait.label}",
            caption=f"Before you start: trait {status.done + 1} of {status.total}, in your own words",
            hint="Stored for the lead. There is no right wording; two sentences each are plenty.",
        )
    else:
        again = "Second try" if status.stage == "again" else "Practice"
        layout = dialogue_layout(presented)._replace(
            caption=f"{again} {status.done + 1} of {status.total}",
            hint="You see afterwards what is right, and why.",
        )
    layout = layout._replace(progress=(status.done, status.total), save="Save and go on")
    show_item(presented, layout, on_saved=lambda: None, on_action=lambda name, item: None, key="step")


def _feedback(account: Annotator, status: QualificationStatus) -> bool:
    """Show beside its dialogue why the last practice answer was right or wrong; False when it was seen
    already."""
    last = qualification.last_practice(settings.store(), account)
    seen = session.remembered(_FEEDBACK_SEEN)
    if last is None or last.answer_key is None or seen == last.label_id:
        return False
    if account.admitted_at is not None and seen is None:
        return False
    assignment = labels.own_assignment(settings.store(), account, last.assignment_id)
    presented = labels.looked_at(assignment, f"feedback-{last.label_id}")
    layout = dialogue_layout(presented)._replace(
        caption=f"Practice, {status.score.answered} of {status.score.total} answered",
        progress=(status.score.answered, status.score.total),
        feedback=Feedback(
            "That is right" if qualification.is_right(last) else "Not quite",
            _rows(last),
            str(last.answer_key["why"]),
            f"{status.score.right} of {status.score.answered} right so far",
        ),
        actions=(ItemAction("go", "Go on", "enter"),),
    )
    show_item(
        presented,
        layout,
        on_saved=lambda: None,
        on_action=lambda name, item: session.remember(_FEEDBACK_SEEN, last.label_id),
        key="feedback",
    )
    return True


def _rows(last: ItemLabel) -> list[tuple[str, str, str]]:
    known = {} if last.answer_key is None else last.answer_key["answers"]
    return [
        (question.label, last.answers.get(question.name, "").capitalize(), known[question.name].capitalize())
        for question in PRACTICE.questions
        if question.name in known
    ]


def _waiting(status: QualificationStatus) -> None:
    st.header("Thank you. The lead will look at your practice")
    st.write(
        f"{status.score.right} of {status.score.total} practice items were right in both criteria after the"
        f" second try; {qualification.PASS_MARK:.0%} are needed to go on at once."
        " The lead may let you start anyway; open this page again then."
    )
    st.write("The guidelines stay open to you in the meantime.")
