"""The annotator's page: one dialogue, its label, two criteria, a comment."""

import streamlit as st

from annotation_app import session, settings
from annotation_app.components.item import Action, Look, show_item
from annotation_app.routes import receipt_text
from annotation_app.views import qualify
from oceanchat.annotation import labels as labelling
from oceanchat.annotation.labels import Receipt, Shown
from oceanchat.errors import AnnotationError
from oceanchat.store.annotators import Annotator
from oceanchat.traits import TraitLevel

BACK = Action("back", "Back", "b")
NEXT = Action("next", "On to the next", "n")
UNDO = Action("undo", "Undo last", "u")


def page() -> None:
    """Show the next item, or the one looked at again."""
    account = session.signed_in()
    if account is None:
        return
    if qualify.standing_page(account):
        return
    shown = _shown(account)
    done, total = labelling.progress(settings.store(), account)
    if shown is None:
        return _nothing(account, done, total)
    again = session.viewing() is not None
    actions = [
        action for action, wanted in ((BACK, done), (NEXT, again), (UNDO, done and not again)) if wanted
    ]
    look = look_of(shown)._replace(
        above=f"{'Looking back' if again else f'{done} of {total} answered'}",
        progress=(done, total),
        save="Save the change" if again else "Save and go on",
        hint="Keys: 1 to 4 answer, K goes to the comment, Ctrl+Enter saves from there.",
        actions=actions,
        receipt=_receipt(account, done, total),
    )
    show_item(shown, look, saved=lambda: session.view(None), act=lambda name: _act(account, shown, name))


def look_of(shown: Shown) -> Look:
    """A dialogue under its label, with the reference for that trait."""
    level = TraitLevel.parse(shown.seat.item.stratum)
    said = settings.guidelines().references[level.trait]
    return Look(
        title=level.label[:1].upper() + level.label[1:],
        reference=[(name.value.capitalize(), text, name is level.level) for name, text in said.items()],
    )


def _shown(account: Annotator) -> Shown | None:
    seat_id = session.viewing()
    if seat_id is not None:
        try:
            return labelling.show(
                settings.store(), account, labelling.own_seat(settings.store(), account, seat_id)
            )
        except AnnotationError:
            session.view(None)
    return labelling.next_item(settings.store(), account)


def _receipt(account: Annotator, done: int, total: int) -> dict[str, object] | None:
    label = labelling.last_label(settings.store(), account)
    if label is None or label.answers is None or label.value is None:
        return None
    receipt = Receipt(label.seat_id, label.answers, label.value, label.revision, label.saved, done, total)
    return {"text": f"Last: {receipt_text(receipt)}", "saved": label.saved}


def _act(account: Annotator, shown: Shown, name: str) -> None:
    if name == "undo":
        labelling.undo(settings.store(), account)
        return session.view(None)
    at = shown.seat.answered if session.viewing() is not None else None
    if name == "back":
        seat = labelling.earlier(settings.store(), account, at)
        if seat is not None:
            session.view(seat.id)
    elif name == "next":
        seat = None if at is None else labelling.later(settings.store(), account, at)
        session.view(None if seat is None else seat.id)


def _nothing(account: Annotator, done: int, total: int) -> None:
    if not total:
        st.header("Nothing to validate yet")
        st.write("The lead has not drawn a sample, or has no items left for you. Please come back later.")
        return
    st.header("All done. Thank you!")
    st.write(f"You answered all {total} items. The lead sees that you have finished.")
    if st.button("Look back at the last one", shortcut="b"):
        seat = labelling.earlier(settings.store(), account, None)
        session.view(None if seat is None else seat.id)
        st.rerun()
