"""Interview a system and store its answers.

Every question is asked in a fresh conversation, for every trait-level, over several runs. Run 0 takes the
inventory in order, run k shuffles it with seed k and answers with seed k. Answers are on disk before the next
batch is asked, so a killed interview resumes where it stopped. It knows nothing of judges.
"""

import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from oceanchat.errors import EvaluationError
from oceanchat.prompts import Message
from oceanchat.traits import CODES, TraitLevel
from preact.evaluation.clear_answers import clear_answers
from preact.evaluation.interview.inventories import Inventory, InventoryItem
from preact.evaluation.transcripts import JsonLines, first_difference, folder_lock, read_header, write_header
from preact.persona import Persona
from preact.systems.system import AnswerState, Conversation, ScoringSystem, System

FLUENCY = "fluency.json"
UNCONDITIONED = "none"
"""Stands in for the trait-level when the system is asked as it is."""

_SPEAKS_AS_MACHINE = re.compile(
    r"\b(as an? (ai|artificial intelligence|(large )?language model|chatbot)|i am an? (ai|language model)"
    r"|i'm an? (ai|language model)|i (do not|don't) have (personal )?(feelings|emotions|experiences)"
    r"|i (do not|don't) have a personality|my (programming|training data)"
    r"|i was (trained on|programmed to))\b",
    re.IGNORECASE,
)


class InterviewAnswer(BaseModel):
    """One answered question as the transcript stores it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    trait_level: str
    """Its code, such as 'O+'; 'none' when the system was asked as it is."""
    run: int
    item: str
    """The item's id in the inventory."""
    question: str
    answer: str
    """Word for word: no disclaimer is removed before judging."""
    state: AnswerState
    reason: str = ""
    finish_reason: str = ""
    """Why it ends: 'stop' by itself, 'length' where it was cut; empty where nobody says."""
    loss: float | None = None
    """Nats a token under the backbone alone, after its question; null where its weights are not at hand."""

    @property
    def key(self) -> tuple[str, int, str]:
        """Identifies the question: each is asked only once."""
        return self.trait_level, self.run, self.item

    @property
    def speaks_as_machine(self) -> bool:
        """Whether the answer steps out of character ('As an AI ...'); counted, never removed."""
        return _SPEAKS_AS_MACHINE.search(self.answer) is not None


class InterviewHeader(BaseModel):
    """What an interview is: everything that must match when it is resumed or compared."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    backbone: str
    model: str
    conditioned: bool
    inventory: str
    inventory_sha256: str
    """64 hex digits over the inventory file."""
    scope: Literal["own", "all"]
    """'own': each trait-level answers its own trait's items; 'all': every item, which also shows leakage."""
    runs: int = Field(ge=1)
    items: dict[str, tuple[str, bool]]
    """Item id -> trait and whether it is reversed, so that judging needs no inventory file."""
    system: dict[str, Any]
    """The system's provenance."""
    started: str
    """UTC, ISO 8601."""

    def inventory_of(self) -> Inventory:
        """The inventory as far as judging needs it: ids, traits and keys."""
        items = tuple(
            InventoryItem(item, TraitLevel.parse(f"{trait}+").trait, is_reversed, "")
            for item, (trait, is_reversed) in self.items.items()
        )
        return Inventory(self.inventory, items, self.inventory_sha256)


class Interview(NamedTuple):
    """A finished or unfinished interview as read from its folder."""

    folder: Path
    header: InterviewHeader
    answers: tuple[InterviewAnswer, ...]
    fluent: tuple[float, ...] = ()
    """Losses under the same backbone of answers written by hand; empty where its weights are not at hand."""


class FluentLosses(BaseModel):
    """What an answer's loss is held against."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    losses: tuple[float, ...]
    """Nats a token of each clear answer that people wrote, after its question, under the backbone alone."""


ReportProgress = Callable[[int, int], None]
"""Called after every batch with what is done so far and the total."""


class PlannedQuestion(NamedTuple):
    """An item to be asked of one trait-level in one run."""

    trait_level: str
    """Its code, or 'none'."""
    run: int
    item: InventoryItem

    @property
    def key(self) -> tuple[str, int, str]:
        """The key of its answer."""
        return self.trait_level, self.run, self.item.id


def plan_questions(inventory: Inventory, conditioned: bool, scope: str, runs: int) -> list[PlannedQuestion]:
    """Every question of the interview, in the order it is asked."""
    planned: list[PlannedQuestion] = []
    for run in range(runs):
        for code in CODES if conditioned else (UNCONDITIONED,):
            for trait in dict.fromkeys(item.trait for item in inventory.items):
                if scope == "all" or not conditioned or code.startswith(trait.value):
                    planned += [PlannedQuestion(code, run, item) for item in inventory.in_order(trait, run)]
    return planned


async def hold_interview(
    system: System,
    inventory: Inventory,
    folder: Path,
    *,
    scope: Literal["own", "all"] = "own",
    runs: int = 5,
    label: str | None = None,
    progress: ReportProgress = lambda done, total: None,
) -> Interview:
    """Ask what has not been answered yet and store it in `folder`; `label` replaces the system's own name.

    Raises EvaluationError when the folder holds another interview, BuildStopped when the system cannot go on.
    """
    header = InterviewHeader(
        backbone=system.backbone,
        model=label or system.model,
        conditioned=system.conditioned,
        inventory=inventory.name,
        inventory_sha256=inventory.sha256,
        scope=scope,
        runs=runs,
        system=dict(system.provenance()),
        items={item.id: (item.trait.value, item.reversed) for item in inventory.items},
        started=datetime.now(UTC).isoformat(timespec="seconds"),
    )
    lines = JsonLines(folder / "answers.jsonl", InterviewAnswer)
    with folder_lock(folder):
        header = _settle(folder / "interview.json", header)
        _score_fluent(system, folder / FLUENCY)
        lines.mend()
        done = {answer.key for answer in lines.read()}
        planned = plan_questions(inventory, system.conditioned, scope, runs)
        remaining = iter([question for question in planned if question.key not in done])
        count = len(done)
        while batch := list(islice(remaining, system.batch_size)):
            lines.append(await _ask(system, batch))
            count += len(batch)
            progress(count, len(planned))
    return read_interview(folder)


def read_interview(folder: Path) -> Interview:
    """The interview in a folder. Raises EvaluationError when there is none."""
    header = read_header(folder / "interview.json", InterviewHeader, "preact interview")
    answers = JsonLines(folder / "answers.jsonl", InterviewAnswer).read()
    path = folder / FLUENCY
    fluent = read_header(path, FluentLosses, "preact interview").losses if path.exists() else ()
    return Interview(folder, header, tuple(answers), fluent)


class Completeness(NamedTuple):
    """How far an interview has come."""

    answered: int
    total: int
    """Answers that the complete interview has."""


def completeness(interview: Interview) -> Completeness:
    """How many answers the interview holds, and how many it has when complete."""
    header = interview.header
    planned = plan_questions(header.inventory_of(), header.conditioned, header.scope, header.runs)
    return Completeness(len({answer.key for answer in interview.answers}), len(planned))


def _persona_of(code: str) -> Persona | None:
    """The trait-level of a code alone, None for 'none'."""
    return None if code == UNCONDITIONED else {TraitLevel.parse(code): 1.0}


async def _ask(system: System, batch: Sequence[PlannedQuestion]) -> list[InterviewAnswer]:
    replies = await system.answer(
        [Conversation(_persona_of(code), (Message("user", item.question),), run) for code, run, item in batch]
    )
    losses = _losses(
        system, [(item.question, reply.text) for (_, _, item), reply in zip(batch, replies, strict=True)]
    )
    return [
        InterviewAnswer(
            trait_level=code,
            run=run,
            item=item.id,
            question=item.question,
            answer=reply.text,
            state="empty" if reply.state == "answered" and not reply.text.strip() else reply.state,
            reason=reply.reason,
            finish_reason=reply.finish_reason,
            loss=loss,
        )
        for (code, run, item), reply, loss in zip(batch, replies, losses, strict=True)
    ]


def _losses(system: System, pairs: Sequence[tuple[str, str]]) -> list[float | None]:
    """The loss of each answer after its question under the backbone alone; None where it is not known."""
    losses: list[float | None] = [None] * len(pairs)
    if isinstance(system, ScoringSystem):
        given = [number for number, (_, answer) in enumerate(pairs) if answer.strip()]
        talks = [(Message("user", pairs[n][0]), Message("assistant", pairs[n][1])) for n in given]
        for number, loss in zip(given, system.score(talks, None) if talks else [], strict=True):
            losses[number] = loss if loss is None else round(loss, 4)
    return losses


def _score_fluent(system: System, path: Path) -> None:
    if isinstance(system, ScoringSystem) and not path.exists():
        losses = _losses(system, [(clear.question, clear.answer) for clear in clear_answers()])
        write_header(path, FluentLosses(losses=tuple(loss for loss in losses if loss is not None)))


def _settle(path: Path, header: InterviewHeader) -> InterviewHeader:
    """Write the header of a new interview, or make sure that the folder holds the same one."""
    if not path.exists():
        write_header(path, header)
        return header
    before = read_header(path, InterviewHeader, "preact interview")
    if changed := first_difference(before, header, ignore=("started", "runs")):
        name, then, now = changed
        raise EvaluationError(
            f"'{path.parent}' holds another interview: its {name} is '{then}', now it is '{now}'; "
            "choose another --output"
        )
    if header.runs > before.runs:
        header = header.model_copy(update={"started": before.started})
        write_header(path, header)
        return header
    return before
