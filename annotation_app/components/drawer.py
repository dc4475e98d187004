"""Close the drawer of pages after a choice."""

from pathlib import Path

import streamlit as st

_component = st.components.v2.component(
    "annotation_drawer",
    html="<span></span>",
    js=Path(__file__).with_name("drawer.js").read_text(encoding="utf-8"),
)


def close_after_choice() -> None:
    """Let the drawer close once a page is chosen in it."""
    _component(key="drawer")
