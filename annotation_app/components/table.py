"""A table whose cells are text and nothing but text."""

from collections.abc import Sequence
from pathlib import Path

import streamlit as st

_HERE = Path(__file__).parent
_show = st.components.v2.component(
    "annotation_table",
    html='<div class="scroll"><table></table></div>',
    css=(_HERE / "table.css").read_text(encoding="utf-8"),
    js=(_HERE / "table.js").read_text(encoding="utf-8"),
)


def show_table(headers: Sequence[str], rows: Sequence[Sequence[str]], key: str, label: str = "") -> None:
    """Show rows of text under headers; the first cell of a row is its heading."""
    _show(data={"headers": list(headers), "rows": [list(row) for row in rows], "label": label}, key=key)
