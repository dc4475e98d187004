"""Before validating: read the guidelines, describe the traits, practise."""

import streamlit as st

from annotation_app import session, settings
from annotation_app.components.item import Look, show_item
from annotation_app.components.table import show_table
from oceanchat.annotation import qualification
from oceanchat.annotation.qualification import Standing
from oceanchat.annotation.tasks import PRACTICE
from oceanchat.store.annotators import Annotator
from oceanchat.store.labels import Judgement
from oceanchat.traits import Trait, TraitLevel


def standing_page(account: Annotator) -> bool:
    """Show the next step of the qualification; False when there is none left."""
    if account.admitted is not None and session.acknowledged("practice") is None:
        return False
    standing = qualification.standing(settings.store(), account, settings.prompts())
    if standing.stage != "describe" and _feedback(account, standing):
        return True
    if standing.stage == "ready":
        return False
    if standing.stage == "waiting":
        _waiting(standing)
    elif standing.stage == "describe" and not standing.done and not session.has_read_guidelines():
        show_guidelines()
        st.button("I have read them", type="primary", on_click=session.mark_guidelines_read)
    else:
        _step(standing)
    return True


def guidelines_page() -> None:
    """The guidelines, to look up again."""
    if session.signed_in() is not None:
        show_guidelines()


def show_guidelines() -> None:
    """The guidelines as they stand in the prompt folder, HTML shown as text."""
    st.markdown(settings.guidelines().text)


def _step(standing: Standing) -> None:
    shown = standing.shown
    if shown is None:
        return
    if standing.stage == "describe":
        trait = Trait(shown.seat.item.content["trait"])
        look = Look(
            title=f"Describe {trait.label}",
            above=f"Before you start: trait {standing.done + 1} of {standing.total}, in your own words",
            hint="Kept for the lead. There is no right wording; two sentences each are plenty.",
        )
    else:
        level = TraitLevel.parse(shown.seat.item.stratum)
        said = settings.guidelines().references[level.trait]
        look = Look(
            title=level.label[:1].upper() + level.label[1:],
            reference=[(name.value.capitalize(), text, name is level.level) for name, text in said.items()],
            above=f"Practice {standing.done + 1} of {standing.total}",
            hint="Keys: 1 to 4 answer, Enter saves. You see afterwards what is right, and why.",
        )
    look = look._replace(progress=(standing.done, standing.total), save="Save and go on")
    show_item(shown, look, saved=lambda: None, act=lambda name: None, key="step")


def _feedback(account: Annotator, standing: Standing) -> bool:
    """Why the last practice answer was right or wrong; False when it was seen already."""
    last = qualification.practised(settings.store(), account)
    if last is None or last.known is None or session.acknowledged("practice") == last.item_id:
        return False
    if account.admitted is not None and session.acknowledged("practice") is None:
        return False
    right = qualification.is_right(last)
    st.header("That is right" if right else "Not quite")
    show_table(("", "You", "Right"), _rows(last), key="feedback")
    st.text(str(last.known["why"]))
    st.caption(f"{standing.score.right} of {standing.score.answered} right so far")
    st.button(
        "Go on",
        type="primary",
        shortcut="Enter",
        on_click=session.acknowledge,
        args=("practice", last.item_id),
    )
    return True


def _rows(last: Judgement) -> list[tuple[str, str, str]]:
    known = {} if last.known is None else last.known["answers"]
    return [
        (question.label, last.answers.get(question.name, "").capitalize(), known[question.name].capitalize())
        for question in PRACTICE.questions
        if question.name in known
    ]


def _waiting(standing: Standing) -> None:
    st.header("Thank you. The lead will look at your practice")
    st.write(
        f"{standing.score.right} of {standing.score.total} practice items were right in both criteria;"
        f" {qualification.PASS_MARK:.0%} are needed to go on at once."
        " The lead may let you start all the same."
    )
    st.write("The guidelines stay open to you in the meantime.")
