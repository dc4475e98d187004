"""The annotator's page for rating models."""

import streamlit as st

from annotation_app import session, settings
from annotation_app.components.item import ItemAction, ItemLayout, Talk, show_item
from annotation_app.views import qualify
from annotation_app.views.validate import actions, last_receipt, look_back
from oceanchat.annotation import conversations, labels, revisions
from oceanchat.annotation.conversations import NextConversation, newest_evaluation
from oceanchat.annotation.labels import PresentedItem
from oceanchat.annotation.tasks import TALK
from oceanchat.errors import AnnotationError
from oceanchat.store.annotators import Annotator
from oceanchat.store.conversations import CONVERSATION
from oceanchat.store.labels import Label
from oceanchat.store.samples import Sample
from oceanchat.traits import LEVELS, TraitLevel


def page() -> None:
    """Show the next conversation to hold or rate, or the one that is opened again."""
    account = session.signed_in()
    evaluation = newest_evaluation(settings.store())
    if account is None or evaluation is None or qualify.style_page(account):
        return
    opened = _opened(account)
    following = NextConversation(opened, False) if opened else _next(account, evaluation)
    done, total = labels.progress(settings.store(), account, evaluation.id)
    if following.item is None:
        return _nothing(evaluation, done, total, waiting=following.waiting)
    again = opened is not None
    last = revisions.last_label(settings.store(), account, evaluation.id)
    layout = _layout(following.item, evaluation)._replace(
        caption=f"looking back, {done} of {total} rated"
        if again
        else f"{done} of {total} conversations rated",
        progress=(done, total),
        save="Save the change" if again else "Save and go on",
        actions=_actions(account, following.item, last, again, evaluation.id),
        receipt=last_receipt(last, done, total),
        hint="The model plays a character; it is not a person. ? shows the keys.",
    )
    show_item(
        following.item,
        layout,
        on_saved=lambda: session.view(None),
        on_action=lambda name, item: session.view(item),
        key="conversation",
    )


def _actions(
    account: Annotator, presented: PresentedItem, last: Label | None, again: bool, number: int
) -> list[ItemAction]:
    buttons = actions(account, presented, last, again, number)
    if presented.task is TALK:
        buttons.append(ItemAction("later", "Later", "l", later=presented.token))
    return buttons


def _next(account: Annotator, evaluation: Sample) -> NextConversation:
    return conversations.next_conversation(settings.store(), account, evaluation.id)


def _opened(account: Annotator) -> PresentedItem | None:
    """The rated conversation that the address names."""
    assignment_id = session.viewing()
    if assignment_id is None:
        return None
    try:
        assignment = labels.own_assignment(settings.store(), account, assignment_id)
        if assignment.item.kind == CONVERSATION and assignment.revision:
            return labels.show(settings.store(), account, assignment)
    except AnnotationError:
        pass
    session.view(None)
    return None


def _layout(presented: PresentedItem, evaluation: Sample) -> ItemLayout:
    level = TraitLevel.parse(presented.assignment.item.stratum)
    name = level.label[:1].upper() + level.label[1:]
    reference = settings.rating_guidelines().references[level.trait]
    talk = Talk(
        str(presented.assignment.item.content["question"]),
        conversations.turns_for(settings.store(), presented.assignment),
        int(evaluation.settings["exchanges"]),
    )
    return ItemLayout(
        title=name,
        labels={"alignment": f"{name} shown?"},
        reference=[(each.value.capitalize(), reference[each], each is level.level) for each in LEVELS],
        talk=talk,
    )


def _nothing(evaluation: Sample, done: int, total: int, *, waiting: bool) -> None:
    if waiting:
        st.header("Nothing to rate at the moment")
        st.write(
            "The conversations that are left are being held by other annotators; you rate them afterwards."
        )
        st.button("Look again", type="primary", shortcut="l")
    elif not total:
        st.header("Nothing to rate yet")
        st.write("The lead has no conversations for you. Please come back later.")
    else:
        st.header("All done. Thank you!")
        st.write(f"You rated all {total} conversations. The lead sees that you have finished.")
    if done:
        st.button("Look back at the last one", shortcut="b", on_click=lambda: look_back(evaluation.id))
