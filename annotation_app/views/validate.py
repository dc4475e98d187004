"""The annotator's page for validating a dialogue."""

import streamlit as st

from annotation_app import session, settings
from annotation_app.components.item import ItemAction, ItemLayout, show_item
from annotation_app.routes import receipt_text
from annotation_app.views import qualify
from oceanchat.annotation import labels
from oceanchat.annotation.labels import PresentedItem
from oceanchat.errors import AnnotationError
from oceanchat.store.annotators import Annotator
from oceanchat.traits import TraitLevel

BACK = ItemAction("back", "Back", "b")
NEXT = ItemAction("next", "On to the next", "n")
UNDO = ItemAction("undo", "Undo last", "u")


def page() -> None:
    """Show the next item, or the one that is opened again."""
    account = session.signed_in()
    if account is None:
        return
    if qualify.qualification_page(account):
        return
    presented = _presented(account)
    done, total = labels.progress(settings.store(), account)
    if presented is None:
        return _nothing(account, done, total)
    again = session.viewing() is not None
    actions = [
        action for action, wanted in ((BACK, done), (NEXT, again), (UNDO, done and not again)) if wanted
    ]
    layout = dialogue_layout(presented)._replace(
        caption="Looking back" if again else f"{done} of {total} answered",
        progress=(done, total),
        save="Save the change" if again else "Save and go on",
        hint="Keys: 1 to 4 answer, K goes to the comment, Ctrl+Enter saves from there.",
        actions=actions,
        receipt=_receipt(account, done, total),
    )
    show_item(
        presented,
        layout,
        on_saved=lambda: session.view(None),
        on_action=lambda name: _act(account, presented, name),
    )


def dialogue_layout(presented: PresentedItem) -> ItemLayout:
    """A dialogue under its label, with the reference for that trait."""
    level = TraitLevel.parse(presented.assignment.item.stratum)
    reference = settings.guidelines().references[level.trait]
    return ItemLayout(
        title=level.label[:1].upper() + level.label[1:],
        reference=[(name.value.capitalize(), text, name is level.level) for name, text in reference.items()],
    )


def _presented(account: Annotator) -> PresentedItem | None:
    assignment_id = session.viewing()
    if assignment_id is not None:
        try:
            assignment = labels.own_assignment(settings.store(), account, assignment_id)
            return labels.show(settings.store(), account, assignment)
        except AnnotationError:
            session.view(None)
    return labels.next_item(settings.store(), account)


def _receipt(account: Annotator, done: int, total: int) -> dict[str, object] | None:
    label = labels.last_label(settings.store(), account)
    receipt = None if label is None else labels.receipt_of(label, done, total)
    return None if receipt is None else {"text": f"Last: {receipt_text(receipt)}", "saved": receipt.saved_at}


def _act(account: Annotator, presented: PresentedItem, name: str) -> None:
    if name == "undo":
        labels.undo(settings.store(), account)
        return session.view(None)
    answered_at = presented.assignment.answered_at if session.viewing() is not None else None
    if name == "back":
        assignment = labels.earlier(settings.store(), account, answered_at)
        if assignment is not None:
            session.view(assignment.id)
    elif name == "next":
        assignment = None if answered_at is None else labels.later(settings.store(), account, answered_at)
        session.view(None if assignment is None else assignment.id)


def _nothing(account: Annotator, done: int, total: int) -> None:
    if not total:
        st.header("Nothing to validate yet")
        st.write("The lead has not drawn a sample, or has no items left for you. Please come back later.")
        return
    st.header("All done. Thank you!")
    st.write(f"You answered all {total} items. The lead sees that you have finished.")
    if st.button("Look back at the last one", shortcut="b"):
        assignment = labels.earlier(settings.store(), account, None)
        session.view(None if assignment is None else assignment.id)
        st.rerun()
