"""Write tutorial.ipynb from tutorial.md: `python docs/tutorial_notebook.py`.

A fenced block becomes a cell, what stands between two blocks becomes text. Jupyter runs blocks of bash by its
own `%%bash`, and those that stay in the background by `%%bash --bg`.
"""

import json
import re
from pathlib import Path
from typing import Any

SOURCE = Path(__file__).with_name("tutorial.md")
MAGIC = {"python": "", "bash": "%%bash\n", "bash background": "%%bash --bg\n"}
KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}
_FENCED = re.compile(r"^```([^\n]*)\n(.*?)\n```$", re.MULTILINE | re.DOTALL)


def notebook(text: str) -> str:
    """The notebook of a tutorial in Markdown, as JSON in Jupyter's format 4.5."""
    parts = _FENCED.split(text)
    cells = [_cell(0, "markdown", parts[0])]
    for kind, code, words in zip(parts[1::3], parts[2::3], parts[3::3], strict=True):
        cells.append(_cell(len(cells), "code", MAGIC[kind] + code))
        if words.strip():
            cells.append(_cell(len(cells), "markdown", words))
    metadata = {"kernelspec": KERNEL, "language_info": {"name": "python"}}
    content = {"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"


def _cell(number: int, kind: str, source: str) -> dict[str, Any]:
    cell = {"cell_type": kind, "id": f"cell-{number}", "metadata": {}}
    lines = source.strip("\n").splitlines(keepends=True)
    return cell | ({"execution_count": None, "outputs": []} if kind == "code" else {}) | {"source": lines}


if __name__ == "__main__":
    SOURCE.with_suffix(".ipynb").write_text(notebook(SOURCE.read_text(encoding="utf-8")), encoding="utf-8")
