"""The report's section on the paper: its printed figures beside ours, and why they can or cannot be compared.

Only a system on the paper's own backbone, asked the paper's inventory, stands beside a printed figure;
everything else is named with what keeps it apart.
"""

from collections.abc import Sequence

from preact.evaluation.comparison.paper import PaperRow, contradictions, paper_rows
from preact.evaluation.comparison.trait_scores import ScoredInterview
from preact.evaluation.interview.inventories import BFI
from preact.evaluation.report.page import Page
from preact.evaluation.report.tables import number

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
    apart: list[str] = []
    for one in scored:
        header = one.interview.header
        label = f"{header.backbone} {header.model}"
        backbone, model = named(header.backbone, header.model)
        same_model = [row for row in paper_rows(2, 4, 7) if row.model == model]
        why = _apart(one, backbone, same_model)
        if why:
            apart.append(f"{label}: {why}")
        row = one.row()
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
    page.points(apart)
    page.paragraph(
        "The paper's judge was gpt-4-0613; its deviations of averages are means of deviations, ours are "
        "deviations of the runs' averages. Where its own figures disagree by more than rounding:"
    )
    page.points([str(found) for found in contradictions()])


def named(backbone: str, model: str) -> tuple[str, str]:
    """Backbone and model as the paper calls them, or as they are where it knows neither."""
    if model == "Prompt" and backbone.lower() in PROMPTED:
        return "-", PROMPTED[backbone.lower()]
    return BACKBONES.get(backbone.lower(), backbone), model


def _apart(one: ScoredInterview, backbone: str, same_model: Sequence[PaperRow]) -> str:
    """What keeps a system from being compared with the paper; empty when nothing does."""
    inventory = one.interview.header.inventory
    if not same_model:
        return "the paper has no such system"
    if backbone not in [row.backbone for row in same_model]:
        return f"not comparable, another backbone ({backbone})"
    if inventory != BFI:
        return f"not comparable, another inventory ({inventory}; the paper used BFI)"
    return ""


def _printed_spread(row: PaperRow) -> str:
    found = [s for s in paper_rows(8) if (s.backbone, s.model) == (row.backbone, row.model)]
    return number(found[0].figures["Overall"], 3) if found and row.table != 4 else "-"
