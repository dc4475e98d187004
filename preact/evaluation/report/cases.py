"""The case study (the paper's Figure 6): what systems said to the same question as the same trait-level.

Reads kept interviews and lays their answers side by side; nothing is asked anew and nothing is picked by
hand.
"""

from collections.abc import Sequence
from pathlib import Path

from oceanchat.errors import EvaluationError
from oceanchat.traits import TraitLevel
from preact.evaluation.interview.interviewing import UNCONDITIONED, InterviewAnswer, read_interview
from preact.evaluation.report.page import Page


def write_cases(
    folders: Sequence[Path], trait_level: TraitLevel, items: Sequence[str], output: Path, run: int = 0
) -> tuple[Path, Path]:
    """Write cases.md and cases.html; without items, the first three of the trait.

    Raises EvaluationError for an item that no interview asked, or interviews of different inventories.
    """
    interviews = [read_interview(folder) for folder in folders]
    if len({found.header.inventory_sha256 for found in interviews}) > 1:
        raise EvaluationError("the interviews asked different inventories; name interviews of one inventory")
    known = interviews[0].header.items
    own = [item for item, (trait, _) in known.items() if trait == trait_level.trait]
    page = Page(f"The same questions, answered as {trait_level.label}")
    for item in items or own[:3]:
        said: list[tuple[str, InterviewAnswer]] = []
        for found in interviews:
            wanted = trait_level.code if found.header.conditioned else UNCONDITIONED
            name = f"{found.header.backbone} {found.header.model}"
            said += [(name, answer) for answer in found.answers if answer.key == (wanted, run, item)]
        if not said:
            raise EvaluationError(
                f"no interview asked item '{item}' as {trait_level.code} in run {run}; the trait's items are "
                f"{', '.join(own)}"
            )
        page.heading(said[0][1].question)
        page.side_by_side([(name, answer.answer or f"({answer.state})") for name, answer in said])
    return page.write(output, "cases")
