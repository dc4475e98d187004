"""The report's section on the paper's figures.

Printed figures stand beside ours. Only a system on the paper's own backbone, asked the paper's inventory, can
be compared with one; for every other system the section says what stands in the way.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from oceanchat.statistics.figure import number
from preact.evaluation.comparison.paper import PaperRow, contradictions, paper_rows
from preact.evaluation.comparison.trait_scores import ScoredInterview
from preact.evaluation.interview.inventories import BFI
from preact.evaluation.report.page import Page
from preact.methods import METHODS

BACKBONES = {
    "llama-2-7b-chat-hf": "Llama2-7B",
    "llama-2-13b-chat-hf": "Llama2-13B",
    "llama-2-70b-chat-hf": "Llama2-70B",
    "qwen2-7b-instruct": "Qwen2-7B",
}
"""The paper's backbones by the last part of their Hub ids (its footnotes 3 to 6)."""
PROMPTED = {"gpt-3.5-turbo-1106": "GPT-3.5", "gpt-4-0613": "GPT-4"}
"""The paper's models behind an endpoint (its footnotes 7 and 8)."""


def add_paper(page: Page, scored: Sequence[ScoredInterview]) -> None:
    """Ours and the paper's Overall, what keeps them apart, and where the paper disagrees with itself."""
    page.heading("The paper's figures")
    rows: list[list[str]] = []
    obstacles: list[str] = []
    for entry in scored:
        header = entry.interview.header
        backbone, model = paper_names(header.backbone, method_title(header.system))
        same_model = [row for row in paper_rows(2, 4, 7) if row.model == model]
        row = entry.row()
        obstacle = _obstacle(entry, backbone, same_model)
        if obstacle:
            obstacles.append(f"{row.label}: {obstacle}")
        if same_model:
            figures = [number(row.mean("Overall"), 2), number(row.spread("Overall"), 3)]
            rows.append(["ours", header.backbone, header.model, *figures])
        for printed in same_model:
            figures = [number(printed.figures["Overall"], 2), _printed_spread(printed)]
            line = [f"paper, Table {printed.table}", printed.backbone, printed.model, *figures]
            if line not in rows:
                rows.append(line)
    if rows:
        page.table(["Source", "Backbone", "Model", "Overall", "Deviation"], rows)
    page.points(obstacles)
    page.paragraph(
        "The paper's judge was gpt-4-0613; its deviations of averages are means of deviations, ours are "
        "deviations of the runs' averages. Where its own figures disagree by more than rounding:"
    )
    page.points([str(contradiction) for contradiction in contradictions()])


def method_title(system: Mapping[str, Any]) -> str:
    """A system's method as the paper's tables call it, by what it recorded and not its label; '' for none."""
    kind, method = system.get("kind"), system.get("method")
    if kind == "control":
        return "ControlLM" if (system.get("control") or {}).get("method") == "controllm" else ""
    if kind == "run":
        return next((row.title for name, row in METHODS.items() if name == method), "")
    return "Prompt" if kind == "prompted" else ""


def paper_names(backbone: str, model: str) -> tuple[str, str]:
    """Backbone and model as the paper calls them, or unchanged where it has no name for them."""
    if model == "Prompt" and backbone.lower() in PROMPTED:
        return "-", PROMPTED[backbone.lower()]
    return BACKBONES.get(backbone.lower(), backbone), model


def _obstacle(entry: ScoredInterview, backbone: str, same_model: Sequence[PaperRow]) -> str:
    """What keeps a system from being compared with the paper; empty when nothing does."""
    inventory = entry.interview.header.inventory
    if not same_model:
        return "the paper has no such system"
    if backbone not in [row.backbone for row in same_model]:
        return f"not comparable, another backbone ({backbone})"
    if entry.interview.header.system.get("prompt_style") == "short":
        return "not comparable, another prompt (ours, the short one)"
    if inventory != BFI:
        return f"not comparable, another inventory ({inventory}; the paper used BFI)"
    return ""


def _printed_spread(row: PaperRow) -> str:
    spreads = [s for s in paper_rows(8) if (s.backbone, s.model) == (row.backbone, row.model)]
    return number(spreads[0].figures["Overall"], 3) if spreads and row.table != 4 else "-"
