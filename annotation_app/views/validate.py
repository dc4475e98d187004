"""The annotator's page for validating a dialogue."""

import streamlit as st

from annotation_app import session, settings
from annotation_app.components.item import ItemAction, show_item
from annotation_app.routes import receipt_text
from annotation_app.views import qualify
from annotation_app.views.dialogue import dialogue_layout
from oceanchat.annotation import labels, revisions
from oceanchat.annotation.conversations import newest_evaluation
from oceanchat.annotation.labels import PresentedItem
from oceanchat.errors import AnnotationError
from oceanchat.store.annotators import Annotator
from oceanchat.store.assignments import ROUTINE
from oceanchat.store.conversations import CONVERSATION
from oceanchat.store.labels import Label


def page() -> None:
    """Show the next item, or the one that is opened again."""
    account = session.signed_in()
    if account is None:
        return
    if qualify.qualification_page(account):
        return
    presented = _presented(account)
    done, total = labels.progress(settings.store(), account, settings.sample())
    if presented is None:
        return _nothing(account, done, total)
    again = session.viewing() is not None
    last = revisions.last_label(settings.store(), account, settings.sample())
    layout = dialogue_layout(presented)._replace(
        caption=f"looking back, {done} of {total} answered" if again else f"{done} of {total} answered",
        progress=(done, total),
        save="Save the change" if again else "Save and go on",
        actions=actions(account, presented, last, again, settings.sample()),
        receipt=last_receipt(last, done, total),
    )
    show_item(
        presented,
        layout,
        on_saved=lambda: session.view(None),
        on_action=lambda name, item: session.view(item),
    )


def _presented(account: Annotator) -> PresentedItem | None:
    assignment_id = session.viewing()
    if assignment_id is not None:
        try:
            assignment = labels.own_assignment(settings.store(), account, assignment_id)
            if assignment.purpose in ROUTINE and assignment.item.kind != CONVERSATION:
                return labels.show(settings.store(), account, assignment)
        except AnnotationError:
            pass
        session.view(None)
    return labels.next_item(settings.store(), account, settings.sample())


def actions(
    account: Annotator, presented: PresentedItem, last: Label | None, again: bool, sample: int | None
) -> list[ItemAction]:
    """The buttons that lead back, on, and undo the last label of a sample."""
    around = revisions.neighbours(
        settings.store(), account, presented.assignment.id if again else None, sample
    )
    buttons = [] if around.back is None else [ItemAction("back", "Back", "b", str(around.back))]
    if again:
        return [*buttons, ItemAction("next", "On to the next", "n", str(around.next or ""))]
    if last is not None:
        buttons.append(ItemAction("undo", "Undo last", "u", undo=last.token))
    return buttons


def last_receipt(last: Label | None, done: int, total: int) -> dict[str, object] | None:
    """What the page says of the label that was saved last."""
    receipt = None if last is None else labels.receipt_of(last, done, total)
    return None if receipt is None else {"text": f"Last: {receipt_text(receipt)}", "saved": receipt.saved_at}


def _nothing(account: Annotator, done: int, total: int) -> None:
    if not total:
        st.header("Nothing to validate yet")
        st.write("The lead has not drawn a sample, or has no items left for you. Please come back later.")
        return
    st.header("All done. Thank you!")
    st.write(f"You answered all {total} items. The lead sees that you have finished.")
    evaluation = newest_evaluation(settings.store())
    rated, to_rate = (
        (0, 0) if evaluation is None else labels.progress(settings.store(), account, evaluation.id)
    )
    if rated < to_rate:
        st.write(f"Conversations with models wait for you under Rate models: {to_rate - rated} to rate.")
    st.button("Look back at the last one", shortcut="b", on_click=lambda: look_back(settings.sample()))


def look_back(sample: int | None) -> None:
    """Open what was labeled last in a sample."""
    account = session.signed_in()
    if account is not None:
        session.view(revisions.neighbours(settings.store(), account, None, sample).back)
