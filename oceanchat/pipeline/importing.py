"""Import dialogues from other sources.

They pass the same gates as built ones and, where a checker is named, the same back-validation. Running it
again changes nothing: a dialogue is stored once, and a verdict that was paid for is replayed from the
ledger.
"""

import asyncio
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from oceanchat.counting import counted
from oceanchat.errors import RecordError
from oceanchat.llm.provider import OpenEndpoint
from oceanchat.llm.settings import SCRIPTED, CallSettings
from oceanchat.models import open_session
from oceanchat.pipeline.back_validation import Checker
from oceanchat.pipeline.gates import Bounds, GateRunner
from oceanchat.pipeline.import_format import COPIED, ImportedFile, LineProblem, read_dialogues
from oceanchat.progress import Progress, Stage
from oceanchat.prompts import open_prompts
from oceanchat.records import Check, Dialogue
from oceanchat.store.database import Store
from oceanchat.store.imports import add_imported, read_imported, rewrite_imported, stream_imported
from oceanchat.traits import TRAIT_LEVELS, TraitLevel


class ImportConfig(BaseModel):
    """The config of `oceanchat import`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    file: Path
    """A file or folder."""
    trait_level: TraitLevel | None = None
    """Label of dialogues that name none."""
    skip_bad: bool = False
    """Import the good lines of a file that has bad ones."""
    checker: str | None = None
    """Model that back-validates; None leaves what passes the gates 'unchecked'."""
    check: Check = "strict"
    prompts: Path | None = None
    """Folder of templates; None: those that ship."""
    exchanges: int = Field(default=5, ge=1, le=50)
    """Pairs of question and answer a dialogue is expected to have."""
    words: int = Field(default=80, ge=10, le=500)
    """Maximum words in a turn."""
    calls: CallSettings = CallSettings()


class ImportReport(NamedTuple):
    """The result of an import."""

    read: int
    """Dialogues in the file."""
    new: int
    """Of these, those that were not in the store before."""
    problems: tuple[LineProblem, ...]
    """Lines that were skipped."""
    states: Mapping[str, int]
    """All imported dialogues of the store by state."""


class BadLines(RecordError):
    """A file has lines that are not dialogues, so nothing was imported."""

    def __init__(self, path: Path, problems: tuple[LineProblem, ...], lines: int) -> None:
        way_out = "correct them or pass --skip-bad" if len(problems) < lines else "correct them"
        super().__init__(
            f"{len(problems)} of {counted(lines, 'line')} of '{path}' cannot be imported, so nothing was;"
            f" the first is {problems[0]}; {way_out}"
        )
        self.problems = problems


def prepare_import(config: ImportConfig) -> ImportedFile:
    """Read what an import needs; no store is opened yet, so that a refused one leaves none behind.

    Raises BadLines when lines cannot be read and `skip_bad` is not set, or none can be; InputError for the
    file itself or the checker's prompt, and ConfigError for a missing key.
    """
    content = read_dialogues(config.file, config.trait_level)
    if content.problems and not (config.skip_bad and content.dialogues):
        raise BadLines(config.file, content.problems, len(content.dialogues) + len(content.problems))
    if config.checker is not None:
        open_prompts(config.prompts).check(["check"])
        if config.checker != SCRIPTED:
            config.calls.require_key()
    return content


async def import_dialogues(
    config: ImportConfig,
    content: ImportedFile,
    store: Store,
    progress: Progress,
    open_endpoint: OpenEndpoint | None = None,
) -> ImportReport:
    """Store the file's dialogues, then gate and check all imported ones.

    Raises BuildStopped when no more can be asked (the dialogues stay).
    """
    with store.writing() as connection:
        new = add_imported(connection, content.dialogues)
        rewrite_imported(connection, gated(read_imported(connection), Bounds(config.exchanges, config.words)))
    if config.checker is not None:
        await _check(config, config.checker, store, progress, open_endpoint)
    with store.reading() as connection:
        states = Counter(dialogue.state for dialogue in stream_imported(connection))
    return ImportReport(len(content.dialogues), new, content.problems, dict(sorted(states.items())))


def gated(dialogues: list[Dialogue], bounds: Bounds) -> list[Dialogue]:
    """The dialogues, in their order, each either rejected by a gate or still to be checked.

    A dialogue that passes the gates keeps the verdict it has. The seed topic stands for the essay, which is
    not known; what another store rejected as copied from it stays rejected.
    """
    runners = {trait_level: GateRunner(bounds) for trait_level in TRAIT_LEVELS}
    return [_gated(dialogue, runners[dialogue.trait_level]) for dialogue in dialogues]


def _gated(dialogue: Dialogue, runner: GateRunner) -> Dialogue:
    rejection = runner.rejection(dialogue.id, dialogue.turns, dialogue.seed_topic or "")
    if rejection is not None:
        return dialogue.model_copy(
            update={"state": rejection.state, "detail": rejection.reason, "verdict": None}
        )
    if dialogue.verdict is not None or dialogue.state == COPIED:
        return dialogue
    return dialogue.model_copy(update={"state": "unchecked", "detail": ""})


async def _check(
    config: ImportConfig, name: str, store: Store, progress: Progress, open_endpoint: OpenEndpoint | None
) -> None:
    """Ask the checker about everything that passed the gates, and store its verdicts."""
    prompts = open_prompts(config.prompts)
    with store.reading() as connection:
        waiting = [d for d in read_imported(connection) if not d.state.startswith("gate:")]
    progress.expect(Stage.CHECK, len(waiting))
    async with open_session(config.calls, store.engine, open_endpoint) as session:
        progress.watch(session.usage)
        checker = Checker(session.model(name), prompts["check"], config.check, config.calls.max_attempts)

        async def check(dialogue: Dialogue) -> Dialogue:
            checked = await checker.validate(dialogue)
            provenance = checked.provenance.model_copy(
                update={"checker": name, "prompts": {"check": prompts["check"].fingerprint}}
            )
            progress.done(Stage.CHECK, 1)
            return checked.model_copy(update={"provenance": provenance})

        checked = await asyncio.gather(*map(check, waiting))
    with store.writing() as connection:
        rewrite_imported(connection, checked)
