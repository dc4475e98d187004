"""The page where the lead decides disagreements."""

from collections.abc import Mapping

import streamlit as st

from annotation_app import figures, session, settings
from annotation_app.components.item import ItemAction, show_item
from annotation_app.views.dialogue import dialogue_layout
from oceanchat.annotation import accounts, adjudication
from oceanchat.annotation.adjudication import Disagreement, State
from oceanchat.errors import AnnotationError
from oceanchat.store.presentations import Answers

_NOTES: Mapping[State, str] = {
    "changed": "A vote has changed since you decided; please look again.",
    "settled": "A vote has changed since you decided, and all annotators agree now: your decision no longer"
    " counts.",
}


def page() -> None:
    """Show the next undecided disagreement, or the chosen one."""
    lead = session.signed_in()
    if lead is None:
        return
    accounts.require_lead(lead)
    disagreements = figures.current_disagreements(lead)
    if not disagreements:
        st.header("No disagreement")
        st.write("An item comes here once it has all its labels and they differ; none does so far.")
        return
    order = sorted(disagreements, key=lambda disagreement: disagreement.item_id)
    current = _current(disagreements)
    position = order.index(current)
    back, following = (order[(position + step) % len(order)].item_id for step in (-1, 1))
    try:
        presented = adjudication.open_disagreement(settings.store(), lead, current.item_id, disagreements)
    except AnnotationError as error:
        st.text(str(error))
        st.button("Next", on_click=session.view, args=(following,))
        return
    decided = sum(disagreement.state == "decided" for disagreement in disagreements)
    layout = dialogue_layout(presented)._replace(
        caption=f"disagreement {position + 1} of {len(order)}, {decided} decided",
        progress=(decided, len(order)),
        save="Save the decision" if current.decision is None else "Change the decision",
        hint="The annotators' own labels stay as they are.",
        notes=[_NOTES[current.state]] if current.state in _NOTES else [],
        actions=(ItemAction("back", "Back", "b", str(back)), ItemAction("next", "Next", "n", str(following))),
        votes=[_vote(answers, value) for answers, value in zip(current.votes, current.values, strict=True)],
    )
    show_item(
        presented,
        layout,
        on_saved=lambda: session.view(None),
        on_action=lambda name, item: session.view(item),
        key="adjudicate",
    )


def _current(disagreements: list[Disagreement]) -> Disagreement:
    chosen = session.viewing()
    return next((item for item in disagreements if item.item_id == chosen), disagreements[0])


def _vote(answers: Answers, value: str) -> dict[str, str]:
    labels = {"trait_shown": "trait shown", "coherent": "coherent"}
    return {
        "value": "Valid" if value == "yes" else "Not valid",
        "answers": ", ".join(
            f"{label}: {answers[name]}" for name, label in labels.items() if name in answers
        ),
        "comment": answers.get("comment", ""),
    }
