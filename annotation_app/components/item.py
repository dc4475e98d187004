"""An item with its questions, as one component: everything in it is text, set as text.

It posts answers and drafts itself (door.py) and tells the page when a label is saved or a button is pressed.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import streamlit as st

from annotation_app import session
from oceanchat.annotation.labels import Shown
from oceanchat.records import SPEAKERS

_HERE = Path(__file__).parent
_show = st.components.v2.component(
    "annotation_item",
    html='<div class="item"></div>',
    css=(_HERE / "item.css").read_text(encoding="utf-8"),
    js=(_HERE / "item.js").read_text(encoding="utf-8"),
)


class Action(NamedTuple):
    """A button beside Save."""

    name: str
    label: str
    key: str


class Look(NamedTuple):
    """How an item is presented."""

    title: str
    reference: Sequence[tuple[str, str, bool]] = ()
    """(name, text, whether it is the one on the label)."""
    above: str = ""
    """A line over the title."""
    progress: tuple[int, int] | None = None
    save: str = "Save"
    hint: str = ""
    actions: Sequence[Action] = ()
    receipt: Mapping[str, Any] | None = None
    votes: Sequence[Mapping[str, str]] = ()


def show_item(
    shown: Shown, look: Look, saved: Callable[[], None], act: Callable[[str], None], key: str = "item"
) -> None:
    """Put an item on the page; `saved` and `act` are called before the page runs again."""
    data = {
        "token": shown.token,
        "turns": [
            {"who": SPEAKERS[turn["role"]], "text": turn["text"], "own": turn["role"] == "discloser"}
            for turn in shown.seat.item.content.get("turns", ())
        ],
        "questions": [
            {
                "name": question.name,
                "label": question.label,
                "hint": question.hint,
                "required": question.required,
                "options": [list(option) for option in question.options],
            }
            for question in shown.task.questions
        ],
        "answers": dict(shown.answers),
        "base": _base(),
        "pass": session.sign_in_string(),
        **look._asdict(),
        "actions": [action._asdict() for action in look.actions],
    }

    def acted() -> None:
        state = st.session_state[key]
        if state.get("action"):
            act(str(state["action"]))

    _show(data=data, key=key, on_saved_change=saved, on_action_change=acted)


def _base() -> str:
    path = str(st.get_option("server.baseUrlPath") or "").strip("/")
    return f"/{path}" if path else ""
