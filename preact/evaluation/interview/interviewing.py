"""Interview a system: every question in a fresh conversation, every trait-level, several runs, all kept.

Run 0 takes the inventory in order, run k shuffles it with seed k and answers with seed k. What was
answered is on disk before the next batch is asked, so a killed interview goes on where it stopped. It
knows nothing of judges.
"""

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any, Literal, NamedTuple, Protocol

from pydantic import BaseModel, ConfigDict, Field

from oceanchat.errors import EvaluationError
from oceanchat.traits import CODES, TRAIT_LEVELS, TraitLevel
from preact.evaluation.interview.inventories import Inventory, InventoryItem
from preact.evaluation.transcripts import JsonLines, differing, only_one, read_header, write_header

UNCONDITIONED = "none"
"""What stands in the place of a trait-level when the system is asked as it is."""
AnswerState = Literal["answered", "empty", "refused", "failed"]

_SPEAKS_AS_MACHINE = re.compile(
    r"\b(as an? (ai|artificial intelligence|(large )?language model|chatbot)|i am an? (ai|language model)"
    r"|i'm an? (ai|language model)|i (do not|don't) have (personal )?(feelings|emotions|experiences)"
    r"|i (do not|don't) have a personality)\b",
    re.IGNORECASE,
)


class InterviewQuestion(NamedTuple):
    """One question to be asked in a fresh conversation."""

    trait_level: TraitLevel | None
    """Whom to play; None asks the system as it is."""
    question: str
    run: int
    """The run's number, also the seed of what is drawn at random."""


class SystemReply(NamedTuple):
    """What a system said."""

    text: str
    state: AnswerState = "answered"
    reason: str = ""
    """Why there is no answer, in a short stable word."""


class System(Protocol):
    """Something that can be interviewed."""

    @property
    def backbone(self) -> str:
        """The model it is built on, as the table shows it."""

    @property
    def model(self) -> str:
        """The system's name, as the table shows it."""

    @property
    def conditioned(self) -> bool:
        """Whether it plays trait-levels; a plain backbone does not."""

    @property
    def at_once(self) -> int:
        """How many questions it likes to get together."""

    def provenance(self) -> Mapping[str, Any]:
        """Model ids, decoding parameters and hashes: what decides its answers, as plain JSON data."""

    async def answer(self, asked: Sequence[InterviewQuestion]) -> list[SystemReply]:
        """One reply for each question, in order. Raises BuildStopped when nothing more can be asked."""


class InterviewAnswer(BaseModel):
    """One answered question as it is kept."""

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

    @property
    def key(self) -> tuple[str, int, str]:
        """What is asked only once."""
        return self.trait_level, self.run, self.item

    @property
    def speaks_as_machine(self) -> bool:
        """Whether the answer steps out of the part ('As an AI ...'); counted, never removed."""
        return _SPEAKS_AS_MACHINE.search(self.answer) is not None


class InterviewHeader(BaseModel):
    """What an interview is: everything that must be the same when it goes on or is compared."""

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
    """Item id -> trait and reversed mark, so that judging needs no inventory file."""
    system: dict[str, Any]
    """The system's provenance."""
    started: str
    """UTC, ISO 8601."""

    def inventory_of(self) -> Inventory:
        """The inventory as far as judging needs it: ids, traits and marks."""
        items = tuple(
            InventoryItem(item, TraitLevel.parse(f"{trait}+").trait, backwards, "")
            for item, (trait, backwards) in self.items.items()
        )
        return Inventory(self.inventory, items, self.inventory_sha256)


class Interview(NamedTuple):
    """A finished or unfinished interview as read from its folder."""

    folder: Path
    header: InterviewHeader
    answers: tuple[InterviewAnswer, ...]


ReportProgress = Callable[[int, int], None]
"""Told after every batch: questions answered so far and in all."""


def plan(
    inventory: Inventory, conditioned: bool, scope: str, runs: int
) -> list[tuple[str, int, InventoryItem]]:
    """Every question of the interview as (trait-level code, run, item), in the order it is asked."""
    asked: list[tuple[str, int, InventoryItem]] = []
    for run in range(runs):
        for code in CODES if conditioned else (UNCONDITIONED,):
            for trait in dict.fromkeys(item.trait for item in inventory.items):
                if scope == "all" or not conditioned or code.startswith(trait.value):
                    asked += [(code, run, item) for item in inventory.in_order(trait, run)]
    return asked


async def interview(
    system: System,
    inventory: Inventory,
    folder: Path,
    *,
    scope: Literal["own", "all"] = "own",
    runs: int = 5,
    label: str | None = None,
    progress: ReportProgress = lambda done, total: None,
) -> Interview:
    """Ask what has not been answered yet and keep it in `folder`; `label` stands for the system's own name.

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
    with only_one(folder):
        header = _settle(folder / "interview.json", header)
        lines.mend()
        done = {answer.key for answer in lines.read()}
        todo = plan(inventory, system.conditioned, scope, runs)
        left = iter([one for one in todo if (one[0], one[1], one[2].id) not in done])
        count = len(done)
        while batch := list(islice(left, system.at_once)):
            lines.append(await _ask(system.answer, batch))
            count += len(batch)
            progress(count, len(todo))
    return read_interview(folder)


def read_interview(folder: Path) -> Interview:
    """The interview in a folder. Raises EvaluationError when there is none."""
    header = read_header(folder / "interview.json", InterviewHeader, "preact interview")
    return Interview(folder, header, tuple(JsonLines(folder / "answers.jsonl", InterviewAnswer).read()))


def completeness(found: Interview) -> tuple[int, int]:
    """Answers there are, and answers a complete interview has."""
    header = found.header
    total = len(plan(header.inventory_of(), header.conditioned, header.scope, header.runs))
    return len({answer.key for answer in found.answers}), total


def ask_of(trait_level: str) -> TraitLevel | None:
    """The trait-level of a code, None for 'none'."""
    return next((t for t in TRAIT_LEVELS if t.code == trait_level), None)


async def _ask(
    answer: Callable[[Sequence[InterviewQuestion]], Awaitable[list[SystemReply]]],
    batch: Sequence[tuple[str, int, InventoryItem]],
) -> list[InterviewAnswer]:
    replies = await answer([InterviewQuestion(ask_of(code), item.question, run) for code, run, item in batch])
    return [
        InterviewAnswer(
            trait_level=code,
            run=run,
            item=item.id,
            question=item.question,
            answer=reply.text,
            state="empty" if reply.state == "answered" and not reply.text.strip() else reply.state,
            reason=reply.reason,
        )
        for (code, run, item), reply in zip(batch, replies, strict=True)
    ]


def _settle(path: Path, header: InterviewHeader) -> InterviewHeader:
    """Write the header of a new interview, or make sure that the folder holds the same one."""
    if not path.exists():
        write_header(path, header)
        return header
    before = read_header(path, InterviewHeader, "preact interview")
    for name, (then, now) in sorted(differing(before, header, ignore=("started", "runs")).items()):
        raise EvaluationError(
            f"'{path.parent}' holds another interview: its {name} is '{then}', now it is '{now}'; "
            "choose another --output"
        )
    if header.runs > before.runs:
        header = header.model_copy(update={"started": before.started})
        write_header(path, header)
        return header
    return before
