"""The page where the lead decides disagreements."""

import streamlit as st

from annotation_app import session, settings
from annotation_app.components.item import ItemAction, show_item
from annotation_app.views.validate import dialogue_layout
from oceanchat.annotation import accounts, adjudication
from oceanchat.annotation.adjudication import Disagreement
from oceanchat.errors import AnnotationError
from oceanchat.store.presentations import Answers

_CHOSEN = "disagreement"


def page() -> None:
    """Show the next undecided disagreement, or the chosen one."""
    lead = session.signed_in()
    if lead is None:
        return
    accounts.require_lead(lead)
    disagreements = adjudication.disagreements(settings.store(), lead)
    if not disagreements:
        st.header("No disagreement")
        st.write(
            "The annotators agree on every item that has all its labels. Items still being labeled are not"
            " shown here."
        )
        return
    order = sorted(disagreements, key=lambda disagreement: disagreement.item_id)
    current = _current(disagreements)
    position = order.index(current)
    try:
        presented = adjudication.open_disagreement(settings.store(), lead, current.item_id)
    except AnnotationError as error:
        st.text(str(error))
        st.button("Next", on_click=_go, args=(order[(position + 1) % len(order)],))
        return
    decided = sum(disagreement.decision is not None for disagreement in disagreements)
    layout = dialogue_layout(presented)._replace(
        caption=f"Disagreement {position + 1} of {len(order)}, {decided} decided",
        progress=(decided, len(order)),
        save="Save the decision" if current.decision is None else "Change the decision",
        hint="The annotators' own labels stay as they are.",
        actions=(ItemAction("back", "Back", "b"), ItemAction("next", "Next", "n")),
        votes=[_vote(answers, value) for answers, value in zip(current.votes, current.values, strict=True)],
    )

    def on_action(name: str) -> None:
        _go(order[(position + (1 if name == "next" else -1)) % len(order)])

    show_item(presented, layout, on_saved=lambda: _go(None), on_action=on_action, key="adjudicate")


def _current(disagreements: list[Disagreement]) -> Disagreement:
    chosen = session.remembered(_CHOSEN)
    return next((item for item in disagreements if item.item_id == chosen), disagreements[0])


def _go(disagreement: Disagreement | None) -> None:
    session.remember(_CHOSEN, None if disagreement is None else disagreement.item_id)


def _vote(answers: Answers, value: str) -> dict[str, str]:
    labels = {"trait_shown": "trait shown", "coherent": "coherent"}
    return {
        "value": "Valid" if value == "yes" else "Not valid",
        "answers": ", ".join(
            f"{label}: {answers[name]}" for name, label in labels.items() if name in answers
        ),
        "comment": answers.get("comment", ""),
    }
