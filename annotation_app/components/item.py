"""An item with its questions, as a component.

All content is set as text, never as HTML. It posts answers and drafts itself, to routes.py, and reports to
the page when a label is saved or a button is pressed.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import streamlit as st

from annotation_app import session
from oceanchat.annotation.labels import PresentedItem
from oceanchat.records import SPEAKERS

_FOLDER = Path(__file__).parent
_component = st.components.v2.component(
    "annotation_item",
    html='<div class="item"></div>',
    css=(_FOLDER / "item.css").read_text(encoding="utf-8"),
    js=(_FOLDER / "item.js").read_text(encoding="utf-8"),
)


class ItemAction(NamedTuple):
    """A button beside Save."""

    name: str
    label: str
    key: str


class ItemLayout(NamedTuple):
    """Everything around an item: its title, reference, progress, buttons and votes."""

    title: str
    reference: Sequence[tuple[str, str, bool]] = ()
    """(name, text, whether it is the level on the label)."""
    caption: str = ""
    """A line above the title."""
    progress: tuple[int, int] | None = None
    save: str = "Save"
    hint: str = ""
    actions: Sequence[ItemAction] = ()
    receipt: Mapping[str, Any] | None = None
    votes: Sequence[Mapping[str, str]] = ()


def show_item(
    presented: PresentedItem,
    layout: ItemLayout,
    on_saved: Callable[[], None],
    on_action: Callable[[str], None],
    key: str = "item",
) -> None:
    """Put an item on the page; `on_saved` and `on_action` are called before the page runs again."""
    data = {
        "token": presented.token,
        "turns": [
            {"speaker": SPEAKERS[turn["role"]], "text": turn["text"], "own": turn["role"] == "discloser"}
            for turn in presented.assignment.item.content.get("turns", ())
        ],
        "questions": [
            {
                "name": question.name,
                "label": question.label,
                "hint": question.hint,
                "required": question.required,
                "options": [list(option) for option in question.options],
            }
            for question in presented.task.questions
        ],
        "answers": dict(presented.answers),
        "base": _base(),
        "signIn": session.sign_in_string(),
        **layout._asdict(),
        "actions": [action._asdict() for action in layout.actions],
    }

    def on_action_change() -> None:
        state = st.session_state[key]
        if state.get("action"):
            on_action(str(state["action"]))

    _component(data=data, key=key, on_saved_change=on_saved, on_action_change=on_action_change)


def _base() -> str:
    path = str(st.get_option("server.baseUrlPath") or "").strip("/")
    return f"/{path}" if path else ""
