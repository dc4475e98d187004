"""docs/paper.md speaks of everything that the paper numbers, and what it names is there."""

import re

import pytest

from tests.test_architecture import ROOT
from tests.test_documents import GROUPS, commands, complaint

PAGE = (ROOT / "docs" / "paper.md").read_text(encoding="utf-8")
ROWS = [line[1:-1].split("|") for line in PAGE.splitlines() if line.startswith("| ")]
SECTIONS = {
    "": "Abstract", "1": "Introduction", "2": "Task Formulation", "3": "OCEAN-Chat Dataset",
    "3.1": "Construction", "3.2": "Dataset Statistics", "4": "P-React", "4.1": "Mixture of LoRA Experts",
    "4.2": "Personality-guided Routing", "4.3": "Personality Specialization Loss",
    "4.4": "Training and Inference", "5": "Experiment", "5.1": "Evaluation Settings", "5.2": "Baselines",
    "5.3": "Implementation Details", "6": "Experimental Analysis", "6.1": "Main Results",
    "6.2": "Ablation Studies", "6.3": "Hyper-parameter Analysis", "6.4": "Case Study", "7": "Related Works",
    "7.1": "Customization of LLM's Personality", "7.2": "Multi-LoRA Architecture", "8": "Conclusions",
    "9": "Limitations", "10": "Ethical Impact", "11": "Acknowledgment", "A": "Prompt Templates",
    "A.1": "Prompts for Dataset Construction", "A.2": "Prompts for Personality Alignment",
    "B": "Reliability Analysis", "C": "AI Writing Statement", "D": "Big Five Personality Traits",
    "E": "Human Validation on OCEAN-Chat", "F": "Human Evaluation",
}  # fmt: skip
"""The paper's headings."""
NUMBERED = [f"Equation {n}" for n in range(1, 7)] + [f"Table {n}" for n in range(1, 15)]
NUMBERED += [f"Figure {n}" for n in range(1, 7)]


def test_everything_that_the_paper_numbers_has_a_row() -> None:
    first = [row[0].strip() for row in ROWS]
    assert [name for name in NUMBERED if name not in first] == []
    headings = [part for cell in first for part in cell.split("; ")]
    wanted = [f"{number} {title}".strip() for number, title in SECTIONS.items()]
    shown = {heading.partition(":")[0] for heading in headings}
    assert [heading for heading in wanted if heading not in shown] == []
    assert {len(row) for row in ROWS} == {5}


def test_every_file_on_the_page_is_there() -> None:
    paths = re.findall(r"`((?:oceanchat|preact|annotation_app|prompts)/[\w./-]+)`", PAGE)
    assert len(set(paths)) > 60
    assert [path for path in paths if not (ROOT / path).is_file()] == []


@pytest.mark.parametrize("program", GROUPS)
def test_every_command_on_the_page_is_one(program: str) -> None:
    shown = re.findall(rf"`({program} [^`]+)`", PAGE)
    problems = {line: complaint(words) for line in shown for words in commands(line, {})}
    assert len(problems) > 10
    assert {line: problem for line, problem in problems.items() if problem} == {}
