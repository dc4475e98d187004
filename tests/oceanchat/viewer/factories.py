"""Contents of pages, for tests."""

from typing import Any

from oceanchat.records import Turn
from oceanchat.release.rows import HumanLabel
from oceanchat.traits import CODES
from oceanchat.viewer.content import (
    Origin,
    PageContent,
    PageSection,
    PageTable,
    PromptText,
    ShownDialogue,
    ShownVerdict,
)

TEMPLATE = """---
task: write
---
## system
<task>write</task>
Write.
## user
<trait>{trait}</trait> <level>{level}</level> <description>{description}</description> <facet>{facet}</facet>
<facet_description>{facet_description}</facet_description> <other_traits>{other_traits}</other_traits>
<exchanges>{exchanges}</exchanges> <words>{words}</words> <seed_topic>{seed_topic}</seed_topic>
Lengths: <answer_words>{answer_words}</answer_words>
"""
ORIGIN = Origin(
    source="built",
    labeler="scripted",
    writer="scripted",
    checker="scripted",
    mode="screenplay",
    prompts={"write": "abc"},
    exchanges=5,
    words=80,
)


def shown(number: int, code: str = "O+", **changes: Any) -> ShownDialogue:
    """A dialogue that passed, about its number."""
    fields: dict[str, Any] = {
        "id": f"{number:016x}",
        "trait_level": code,
        "facet": "actions",
        "state": "passed",
        "detail": "",
        "turns": (
            Turn(role="questioner", text=f"What was day {number} like?"),
            Turn(role="discloser", text=f"Day {number} was quiet, and I walked to the harbour."),
        ),
        "sentence": f"I once walked {number} miles.",
        "essay": f"essay e{number}, sentence 1",
        "strength": 3,
        "label_reason": "it is about walking",
        "answer_words": (12,),
        "origin": ORIGIN,
        "verdict": ShownVerdict(
            checker="scripted", check="strict", passed=True, shown=(code,), leading=False, reason="walks"
        ),
    }
    return ShownDialogue(**{**fields, **changes})


def vote(annotator: str, valid: bool) -> HumanLabel:
    """What one annotator said."""
    return HumanLabel(
        annotator=annotator, trait_shown=valid, coherent=True, valid=valid, decides=False, comment=""
    )


def content(dialogues: list[ShownDialogue], **changes: Any) -> PageContent:
    """A page about these dialogues."""
    page = PageContent(
        title="A page",
        summary=[("2", "dialogues")],
        cautions=["Scripted."],
        dialogues=dialogues,
        prompts=[PromptText("write", "abc", TEMPLATE)],
        sections=[
            PageSection("funnel", "Funnel", ["All of it."], [PageTable(("", "rows"), [("O+", "2")])]),
            PageSection("costs", "Costs", ["Nothing."], ()),
        ],
    )
    return page._replace(**changes)


def mixed() -> list[ShownDialogue]:
    """Sixty dialogues of all trait-levels: accepted, rejected in two ways, and three with votes."""
    dialogues = [shown(number, CODES[number % 10]) for number in range(60)]
    dialogues[3] = shown(3, "A+", state="gate:length", detail="3 turns", verdict=None)
    dialogues[4] = shown(4, "N+", state="off-trait", detail="saw O+")
    for number, valid in ((5, True), (6, False)):
        votes = (vote("annotator-1", valid), vote("annotator-2", valid))
        dialogues[number] = shown(number, CODES[number], votes=votes, valid=valid)
    dialogues[7] = shown(7, "E-", votes=(vote("annotator-1", True), vote("annotator-2", False)))
    return sorted(dialogues, key=lambda d: CODES.index(d.trait_level))
