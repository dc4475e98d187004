"""The lead's page of items."""

from typing import Any

import pandas as pd
import streamlit as st

from annotation_app import figures, session, settings
from oceanchat.annotation import accounts, items, revisions
from oceanchat.annotation.items import ListedItem
from oceanchat.errors import AnnotationError
from oceanchat.store.annotators import Annotator
from oceanchat.traits import CODES


def page() -> None:
    """List the items of the sample; open one, and send it back."""
    lead = session.signed_in()
    if lead is None:
        return
    accounts.require_lead(lead)
    st.header("Items")
    listed = figures.current_items(lead)
    if not listed:
        st.write("There is no sample yet. Draw one with `oceanchat sample`.")
        return
    shown = _filtered(listed)
    st.caption(f"{len(shown)} of {len(listed)} items")
    chosen = st.dataframe(
        pd.DataFrame([_row(item) for item in shown], columns=list(_row(listed[0]))),
        hide_index=True,
        height=360,
        key="items",
        on_select="rerun",
        selection_mode="single-row",
    )
    rows = chosen.selection.rows
    if rows and rows[0] < len(shown):
        _item(lead, shown[rows[0]])
    else:
        st.write("Select a row to read the dialogue or to send it back to its annotators.")


def _filtered(listed: list[ListedItem]) -> list[ListedItem]:
    first, second, third = st.columns(3)
    levels = first.multiselect("Trait-levels", CODES)
    states = second.multiselect("States", list(dict.fromkeys(item.state for item in listed)))
    text = third.text_input("Id contains").strip()
    return [
        item
        for item in listed
        if (not levels or item.trait_level in levels)
        and (not states or item.state in states)
        and text in item.dialogue_id
    ]


def _row(item: ListedItem) -> dict[str, Any]:
    return {
        "Id": item.dialogue_id,
        "Trait-level": item.trait_level,
        "State": item.state,
        "Labels": f"{item.labels} of {item.wanted}",
        "Valid": "" if item.valid is None else f"{item.valid} of {item.labels}",
        "Checker": item.automatic,
    }


def _item(lead: Annotator, item: ListedItem) -> None:
    with st.container(border=True):
        st.text(f"{item.dialogue_id}, {item.trait_level}")
        for speaker, text in items.dialogue_of(settings.store(), lead, item.item_id):
            st.text(f"{speaker}: {text}")
        if not item.labels:
            return
        note = f"note-{item.item_id}"
        st.text_input("What should they look at?", key=note, max_chars=revisions.MAX_NOTE)
        st.button(
            "Send back to its annotators",
            key=f"back-{item.item_id}",
            on_click=session.as_lead,
            args=(lambda account: _send_back(account, item.item_id, session.typed(note)),),
            help="Each gets their own answers back as a draft, with your note and nothing of anybody else's.",
        )


def _send_back(lead: Annotator, item_id: int, note: str) -> None:
    try:
        asked = revisions.send_back(settings.store(), lead, item_id, note)
    except AnnotationError as error:
        st.toast(str(error))
        return
    st.toast(f"Sent back to {asked} annotator{'s' * (asked != 1)}.")
