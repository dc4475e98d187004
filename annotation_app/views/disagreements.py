"""The lead's page on splits: decide where annotators disagree, votes and comments shown without names."""

import streamlit as st

from annotation_app import session, settings
from annotation_app.components.item import Action, show_item
from annotation_app.views.validate import look_of
from oceanchat.annotation import accounts, adjudication
from oceanchat.annotation.adjudication import Split
from oceanchat.errors import AnnotationError
from oceanchat.store.labels import Answers

_OPEN = "split"


def page() -> None:
    """The next undecided split, or the one chosen."""
    lead = session.signed_in()
    if lead is None:
        return
    accounts.require_lead(lead)
    splits = adjudication.splits(settings.store(), lead)
    if not splits:
        st.header("No disagreement")
        st.write("No item that has all its labels is split. Items still being labelled are not shown here.")
        return
    order = sorted(splits, key=lambda split: split.item_id)
    chosen = _chosen(splits)
    place = order.index(chosen)
    try:
        shown = adjudication.open_split(settings.store(), lead, chosen.item_id)
    except AnnotationError as error:
        st.text(str(error))
        shown = None
    if shown is None:
        st.button("Next", on_click=_go, args=(order[(place + 1) % len(order)],))
        return
    decided = sum(split.decision is not None for split in splits)
    look = look_of(shown)._replace(
        above=f"Split {place + 1} of {len(order)}, {decided} decided",
        progress=(decided, len(order)),
        save="Save the decision" if chosen.decision is None else "Change the decision",
        hint="The annotators' own labels stay as they are.",
        actions=(Action("back", "Back", "b"), Action("next", "Next", "n")),
        votes=[
            _vote(split_answers, value)
            for split_answers, value in zip(chosen.votes, chosen.values, strict=True)
        ],
    )

    def act(name: str) -> None:
        _go(order[(place + (1 if name == "next" else -1)) % len(order)])

    show_item(shown, look, saved=lambda: _go(None), act=act, key="adjudicate")


def _chosen(splits: list[Split]) -> Split:
    wanted = session.acknowledged(_OPEN)
    return next((split for split in splits if split.item_id == wanted), splits[0])


def _go(split: Split | None) -> None:
    session.acknowledge(_OPEN, None if split is None else split.item_id)


def _vote(given: Answers, value: str) -> dict[str, str]:
    names = {"trait_shown": "trait shown", "coherent": "coherent"}
    return {
        "value": "Valid" if value == "yes" else "Not valid",
        "answers": ", ".join(f"{said}: {given[name]}" for name, said in names.items() if name in given),
        "comment": given.get("comment", ""),
    }
