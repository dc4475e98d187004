"""An item with its questions, as a component.

An item is a dialogue, a question, or a conversation with a model that is still going on. All content is
set as text, never as HTML. It posts answers, drafts, messages and withdrawals itself, to routes.py, and
reports to the page when a label is saved or a button is pressed.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import streamlit as st

from annotation_app import session
from annotation_app.sign_in import base_path
from oceanchat.annotation.labels import PresentedItem
from oceanchat.annotation.tasks import RATE, Question
from oceanchat.records import SPEAKERS
from oceanchat.store.conversations import StoredTurn

_FOLDER = Path(__file__).parent
_SCRIPTS = ("item.js", "writing.js", "conversation.js")
_component = st.components.v2.component(
    "annotation_item",
    html='<div class="item"></div>',
    css=(_FOLDER / "item.css").read_text(encoding="utf-8"),
    js="\n".join((_FOLDER / name).read_text(encoding="utf-8") for name in _SCRIPTS),
)


class ItemAction(NamedTuple):
    """A button beside Save."""

    name: str
    label: str
    key: str
    item: str = ""
    """What it opens; empty: the next item."""
    undo: str = ""
    """The token of the label that it withdraws, by HTTP."""
    later: str = ""
    """The token of the conversation that it puts off, by HTTP."""


class Feedback(NamedTuple):
    """What is said about an answer after it was given."""

    heading: str
    rows: Sequence[tuple[str, str, str]]
    """(question, given, known)."""
    why: str
    score: str = ""


class Talk(NamedTuple):
    """A conversation with a model, as far as it has gone."""

    question: str
    """That it starts with."""
    turns: Sequence[StoredTurn]
    exchanges: int
    """Until it is over."""


class ItemLayout(NamedTuple):
    """Everything around an item: its title, words, progress, buttons and votes."""

    title: str
    labels: Mapping[str, str] = {}
    """Question -> its words for this item, where they are not the task's."""
    hints: Mapping[str, str] = {}
    more: Mapping[str, Sequence[tuple[str, str]]] = {}
    """Question -> (summary, text) of what can be unfolded below it."""
    caption: str = ""
    """Beside the title."""
    progress: tuple[int, int] | None = None
    save: str = "Save"
    hint: str = ""
    notes: Sequence[str] = ()
    """Lines above the questions."""
    actions: Sequence[ItemAction] = ()
    receipt: Mapping[str, Any] | None = None
    votes: Sequence[Mapping[str, str]] = ()
    feedback: Feedback | None = None
    """Instead of questions."""
    reference: Sequence[tuple[str, str, bool]] = ()
    """(level, what it is like, whether it is asked about), above the turns."""
    talk: Talk | None = None
    """The conversation that is rated; its questions stay locked until it is over."""


def show_item(
    presented: PresentedItem,
    layout: ItemLayout,
    on_saved: Callable[[], None],
    on_action: Callable[[str, str], None],
    key: str = "item",
) -> None:
    """Put an item on the page; `on_saved` and `on_action` (name and item of the button) are called before the
    page runs again."""
    task = presented.task if layout.talk is None else RATE
    data = {
        **layout._asdict(),
        "token": presented.token,
        "turns": turns_of(presented.assignment.item.content),
        "talk": layout.talk and _talk(layout.talk),
        "keysByQuestion": task.keys_by_question,
        "questions": [] if layout.feedback else [_question(question, layout) for question in task.questions],
        "answers": dict(presented.answers),
        "unsaved": None if presented.unsaved is None else dict(presented.unsaved),
        "stored": presented.assignment.answered_at is not None,
        "activeSeconds": presented.active_seconds,
        "base": base_path(),
        "signIn": session.sign_in_string(),
        "notes": [*layout.notes, *_lead_s_note(presented)],
        "actions": [action._asdict() for action in layout.actions],
        "feedback": layout.feedback._asdict() if layout.feedback else None,
    }

    def on_action_change() -> None:
        action = st.session_state[key].get("action")
        if isinstance(action, Mapping):
            on_action(str(action.get("name", "")), str(action.get("item", "")))

    _component(data=data, key=key, on_saved_change=on_saved, on_action_change=on_action_change)


def turns_of(content: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The turns of an item as the page shows them."""
    return [
        {"speaker": SPEAKERS[turn["role"]], "text": turn["text"], "own": turn["role"] == "discloser"}
        for turn in content.get("turns", ())
    ]


def _talk(talk: Talk) -> dict[str, Any]:
    turns = [[turn.number, turn.role, turn.text] for turn in talk.turns]
    return {"question": talk.question, "turns": turns, "exchanges": talk.exchanges}


def _question(question: Question, layout: ItemLayout) -> dict[str, Any]:
    return {
        "name": question.name,
        "label": layout.labels.get(question.name, question.label),
        "hint": layout.hints.get(question.name, question.hint),
        "more": [list(pair) for pair in layout.more.get(question.name, ())],
        "required": question.required,
        "scale": question.scale,
        "options": [list(option) for option in question.options],
    }


def _lead_s_note(presented: PresentedItem) -> list[str]:
    if presented.note is None:
        return []
    asks = "The lead asks you to look at this one again"
    return [f"{asks}: {presented.note}" if presented.note else f"{asks}."]
