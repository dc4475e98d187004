"""Run an interview or a judging: open whom it takes, through the ledger where money is spent, close it.

The one place of the evaluation that knows which system or judge is local, scripted or behind an endpoint.
It knows nothing of the terminal.
"""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from oceanchat.errors import EvaluationError
from oceanchat.llm.endpoint.openai_endpoint import OpenAIEndpoint
from oceanchat.llm.settings import SCRIPTED, CallSettings
from oceanchat.models import ModelSession, open_session
from oceanchat.prompts import Prompts, open_prompts
from oceanchat.store.database import open_store
from preact.evaluation.interview.interviewing import (
    Interview,
    ReportProgress,
    System,
    interview,
    read_interview,
)
from preact.evaluation.interview.inventories import BUNDLED, load_inventory
from preact.evaluation.judge.judging import Judging, judge_interview
from preact.evaluation.judge.model_judge import ModelJudge
from preact.evaluation.judge.verdicts import Judge, Mode
from preact.systems.endpoint import ChatSystem

CLASSIFIER = "classifier:"
STORE = "ocean-chat.db"


@dataclass(frozen=True)
class ModelAccess:
    """How models are reached, for an interview or a judging."""

    settings: CallSettings = field(default_factory=CallSettings)
    store: str = STORE
    """The database whose ledger keeps every answer."""
    prompts: Path | None = None
    """A folder of templates in place of the ones that ship."""


@dataclass(frozen=True)
class InterviewPlan:
    """What `preact interview` was asked for."""

    system: str
    output: Path
    inventory: str = BUNDLED
    scope: Literal["own", "all"] = "own"
    runs: int = 5
    label: str | None = None
    """A name for the system in tables, in place of its method's."""
    temperature: float = 0.7
    max_tokens: int = 256
    """Tokens an answer may take; the paper's output length."""
    threads: int = 0
    """CPU threads of a local system; 0 leaves the choice to torch."""


async def run_interview(
    plan: InterviewPlan, calling: ModelAccess, progress: ReportProgress = lambda done, total: None
) -> Interview:
    """Open the system, interview it, close it. Raises EvaluationError, TrainingError or BuildStopped."""
    inventory = load_inventory(plan.inventory)
    async with _opened_system(plan, calling) as system:
        return await interview(
            system,
            inventory,
            plan.output,
            scope=plan.scope,
            runs=plan.runs,
            label=plan.label,
            progress=progress,
        )


async def run_judging(
    folders: Sequence[Path],
    judges: Sequence[str],
    calling: ModelAccess,
    *,
    mode: Mode = "batch",
    repeats: int = 1,
    say: Callable[[Path, str], ReportProgress] = lambda folder, judge: lambda done, total: None,
) -> list[Judging]:
    """Every judge on every interview. Raises EvaluationError or BuildStopped; what was judged is kept."""
    interviews = [read_interview(folder) for folder in folders]
    judged = []
    async with _opened_judges(judges, calling) as opened:
        for found in interviews:
            for judge in opened:
                told = say(found.folder, judge.name)
                judged.append(await judge_interview(found, judge, mode=mode, repeats=repeats, progress=told))
    return judged


def is_local(system: str) -> bool:
    """Whether a system lives on this machine rather than behind an endpoint."""
    kind, _, path = system.partition(":")
    return (
        kind not in ("prompted", "backbone") or path.startswith("hf:") or (path != "" and Path(path).is_dir())
    )


@asynccontextmanager
async def _opened_system(plan: InterviewPlan, calling: ModelAccess) -> AsyncIterator[System]:
    if is_local(plan.system):
        # Local systems bring torch along, which an interview through an endpoint need not pay for.
        from preact.systems.local import open_local

        yield open_local(plan.system, plan.temperature, plan.max_tokens, plan.threads)
        return
    kind, _, model = plan.system.partition(":")
    if not model:
        raise EvaluationError(f"system '{plan.system}' names no model; write {kind}:MODEL")
    async with _session(calling) as session:
        yield ChatSystem(
            session.model(model),
            open_prompts(calling.prompts),
            conditioned=kind == "prompted",
            temperature=plan.temperature,
            max_tokens=plan.max_tokens,
            at_once=calling.settings.concurrency,
        )


@asynccontextmanager
async def _opened_judges(names: Sequence[str], calling: ModelAccess) -> AsyncIterator[list[Judge]]:
    prompts = open_prompts(calling.prompts)
    prompts.check(["judge_batch", "judge_dimension", "judge_item"])
    async with _session(calling) as session:
        yield [_judge(name, session, prompts, calling) for name in names]


def _judge(name: str, session: ModelSession, prompts: Prompts, calling: ModelAccess) -> Judge:
    if name.startswith(CLASSIFIER):
        # scikit-learn and torch take seconds to import, which the other judges need not pay for.
        from preact.dialogues.release import read_release
        from preact.evaluation.judge.classifier_judge import ClassifierJudge

        return ClassifierJudge(read_release(name.removeprefix(CLASSIFIER)))
    settings = calling.settings
    return ModelJudge(session.model(name or SCRIPTED), prompts, settings.max_attempts, settings.concurrency)


@asynccontextmanager
async def _session(calling: ModelAccess) -> AsyncIterator[ModelSession]:
    store = open_store(calling.store)
    try:
        async with open_session(calling.settings, store.engine, OpenAIEndpoint) as session:
            yield session
    finally:
        store.close()
