"""A table of text cells, as a component.

Cells are set as text, never as HTML.
"""

from collections.abc import Sequence
from pathlib import Path

import streamlit as st

_FOLDER = Path(__file__).parent
_component = st.components.v2.component(
    "annotation_table",
    html='<div class="scroll"><table></table></div>',
    css=(_FOLDER / "table.css").read_text(encoding="utf-8"),
    js=(_FOLDER / "table.js").read_text(encoding="utf-8"),
)


def show_table(headers: Sequence[str], rows: Sequence[Sequence[str]], key: str, label: str = "") -> None:
    """Show rows of text under headers; the first cell of a row is its heading."""
    _component(data={"headers": list(headers), "rows": [list(row) for row in rows], "label": label}, key=key)
