"""The annotator's pages before validating."""

import streamlit as st

from annotation_app import session, settings
from annotation_app.components.item import ItemLayout, show_item
from annotation_app.components.table import show_table
from oceanchat.annotation import qualification
from oceanchat.annotation.qualification import QualificationStatus
from oceanchat.annotation.tasks import PRACTICE
from oceanchat.store.annotators import Annotator
from oceanchat.store.labels import ItemLabel
from oceanchat.traits import Trait, TraitLevel

_FEEDBACK_SEEN = "practice"


def qualification_page(account: Annotator) -> bool:
    """Show the next step of the qualification; False when there is none left."""
    if account.admitted_at is not None and session.remembered(_FEEDBACK_SEEN) is None:
        return False
    status = qualification.status(settings.store(), account, settings.prompts())
    if status.stage != "describe" and _feedback(account, status):
        return True
    if status.stage == "ready":
        return False
    if status.stage == "waiting":
        _waiting(status)
    elif status.stage == "describe" and not status.done and not session.has_read_guidelines():
        show_guidelines()
        st.button("I have read them", type="primary", on_click=session.mark_guidelines_read)
    else:
        _step(status)
    return True


def guidelines_page() -> None:
    """Show the guidelines again."""
    if session.signed_in() is not None:
        show_guidelines()


def show_guidelines() -> None:
    """Show the guidelines of the prompt folder, with any HTML as text."""
    st.markdown(settings.guidelines().text)


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
        level = TraitLevel.parse(presented.assignment.item.stratum)
        reference = settings.guidelines().references[level.trait]
        layout = ItemLayout(
            title=level.label[:1].upper() + level.label[1:],
            reference=[
                (name.value.capitalize(), text, name is level.level) for name, text in reference.items()
            ],
            caption=f"Practice {status.done + 1} of {status.total}",
            hint="Keys: 1 to 4 answer, Enter saves. You see afterwards what is right, and why.",
        )
    layout = layout._replace(progress=(status.done, status.total), save="Save and go on")
    show_item(presented, layout, on_saved=lambda: None, on_action=lambda name: None, key="step")


def _feedback(account: Annotator, status: QualificationStatus) -> bool:
    """Show why the last practice answer was right or wrong; False when it was seen already."""
    last = qualification.last_practice(settings.store(), account)
    seen = session.remembered(_FEEDBACK_SEEN)
    if last is None or last.answer_key is None or seen == last.item_id:
        return False
    if account.admitted_at is not None and seen is None:
        return False
    st.header("That is right" if qualification.is_right(last) else "Not quite")
    show_table(("", "You", "Right"), _rows(last), key="feedback")
    st.text(str(last.answer_key["why"]))
    st.caption(f"{status.score.right} of {status.score.answered} right so far")
    st.button(
        "Go on",
        type="primary",
        shortcut="Enter",
        on_click=session.remember,
        args=(_FEEDBACK_SEEN, last.item_id),
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
        f"{status.score.right} of {status.score.total} practice items were right in both criteria;"
        f" {qualification.PASS_MARK:.0%} are needed to go on at once."
        " The lead may let you start anyway."
    )
    st.write("The guidelines stay open to you in the meantime.")
