"""Show several systems' answers side by side.

The case study, the paper's Figure 6: answers to the same question as the same trait-level. It reads stored
interviews; nothing is asked again and nothing is picked by hand.
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
    """Write cases.md and cases.html; without items, for the first three of the trait.

    Raises EvaluationError for an item that no interview asked, or interviews of different inventories.
    """
    interviews = [read_interview(folder) for folder in folders]
    if len({interview.header.inventory_sha256 for interview in interviews}) > 1:
        raise EvaluationError("the interviews asked different inventories; name interviews of one inventory")
    own = [item for item, (trait, _) in interviews[0].header.items.items() if trait == trait_level.trait]
    page = Page(f"The same questions, answered as {trait_level.label}")
    for item in items or own[:3]:
        answers: list[tuple[str, InterviewAnswer]] = []
        for interview in interviews:
            header = interview.header
            key = (trait_level.code if header.conditioned else UNCONDITIONED, run, item)
            name = f"{header.backbone} {header.model}"
            answers += [(name, answer) for answer in interview.answers if answer.key == key]
        if not answers:
            raise EvaluationError(
                f"no interview asked item '{item}' as {trait_level.code} in run {run}; the trait's items are "
                f"{', '.join(own)}"
            )
        page.heading(answers[0][1].question)
        page.side_by_side([(name, answer.answer or f"({answer.state})") for name, answer in answers])
    return page.write(output, "cases")
