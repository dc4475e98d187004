"""Run an interview or a judging.

Opens the system or the judges, goes through the ledger and closes them. The one place in the evaluation that
knows which system or judge is local, scripted or behind an endpoint. What would load torch or scikit-learn is
opened by a function that the caller hands in. It knows nothing of the terminal.
"""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from oceanchat.errors import EvaluationError
from oceanchat.llm.endpoint.openai_endpoint import OpenAIEndpoint
from oceanchat.llm.settings import BY_SCRIPT, SCRIPTED, CallSettings
from oceanchat.llm.usage import Usage
from oceanchat.models import ModelSession, open_session
from oceanchat.prompts import Prompts, open_prompts
from oceanchat.store.database import open_store
from preact.evaluation.interview.interviewing import (
    Interview,
    ReportProgress,
    hold_interview,
    read_interview,
)
from preact.evaluation.interview.inventories import BUNDLED, load_inventory
from preact.evaluation.judge.exam import ExamMaterial, copy_exam, examine_judge
from preact.evaluation.judge.judging import Judging, judge_interview, judging_folder
from preact.evaluation.judge.model_judge import ModelJudge
from preact.evaluation.judge.verdicts import Judge, Mode
from preact.methods import PromptStyle
from preact.persona import require_prompted
from preact.systems.endpoint import ChatSystem
from preact.systems.system import MAX_TOKENS, TEMPERATURE, TOP_P, Sampling, System

CLASSIFIER = "classifier:"
STORE = "ocean-chat.db"

OpenLocal = Callable[[str, Sampling, int, Path | None, PromptStyle], System]
"""Opens a system on this machine: name, sampling, CPU threads, folder of prompt templates, persona prompt."""
OpenClassifier = Callable[[str], Judge]
"""Opens the classifier judge trained on a release: a folder or a Hub dataset id."""


@dataclass(frozen=True)
class ModelAccess:
    """How models are reached, for an interview or a judging."""

    settings: CallSettings = field(default_factory=CallSettings)
    store: str = STORE
    """The database whose ledger stores every answer."""
    prompts: Path | None = None
    """A folder of templates in place of the ones that ship."""
    style: PromptStyle = "full"
    """The persona prompt of systems called prompted:MODEL."""
    on_paid: Callable[[Usage], None] = lambda usage: None
    """Gets what was asked and what it cost, once all answers are there."""


@dataclass(frozen=True)
class InterviewPlan:
    """The options of `preact interview`."""

    system: str
    output: Path
    inventory: str = BUNDLED
    scope: Literal["own", "all"] = "own"
    runs: int = 5
    label: str | None = None
    """A name for the system in tables, in place of its method's."""
    temperature: float = TEMPERATURE
    top_p: float = TOP_P
    max_tokens: int = MAX_TOKENS
    threads: int = 0
    """CPU threads of a local system; 0 leaves the choice to torch."""


async def run_interview(
    plan: InterviewPlan,
    access: ModelAccess,
    open_local: OpenLocal,
    progress: ReportProgress = lambda done, total: None,
) -> Interview:
    """Open the system, interview it, close it. Raises EvaluationError, TrainingError or BuildStopped."""
    inventory = load_inventory(plan.inventory)
    sampling = Sampling(plan.temperature, plan.top_p, plan.max_tokens)
    async with opened_system(plan.system, sampling, access, open_local, plan.threads) as system:
        return await hold_interview(
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
    access: ModelAccess,
    open_classifier: OpenClassifier,
    *,
    mode: Mode = "batch",
    repeats: int = 1,
    material: ExamMaterial | None = None,
    progress_of: Callable[[Path, str], ReportProgress] = lambda folder, judge: lambda done, total: None,
) -> list[Judging]:
    """Let every judge score every interview. Raises EvaluationError or BuildStopped; finished work is kept.

    With `material` every judge takes its entrance exam first, once, and each of its folders gets a copy.
    `progress_of` gives the callback for an interview's folder, or a judge's name for its exam, and a judge's
    name.
    """
    interviews = [read_interview(folder) for folder in folders]
    prompts = open_prompts(access.prompts)
    prompts.check(["judge_batch", "judge_dimension", "judge_item"])
    judgings = []
    async with _opened_session(access) as session:
        opened = [_open_judge(name, session, prompts, access.settings, open_classifier) for name in judges]
        if material is not None:
            for judge in opened:
                targets = [judging_folder(interview.folder, judge.name, mode) for interview in interviews]
                progress = progress_of(Path("exam"), judge.name)
                await examine_judge(judge, targets[0], material, mode=mode, progress=progress)
                for target in targets[1:]:
                    copy_exam(targets[0], target)
        for interview in interviews:
            for judge in opened:
                progress = progress_of(interview.folder, judge.name)
                judgings.append(
                    await judge_interview(interview, judge, mode=mode, repeats=repeats, progress=progress)
                )
    return judgings


def is_local(system: str) -> bool:
    """Whether a system lives on this machine rather than behind an endpoint."""
    kind, _, path = system.partition(":")
    if kind not in ("prompted", "backbone"):
        return True
    return path == "smollm2" or path.startswith("hf:") or (path != "" and Path(path).exists())


@asynccontextmanager
async def opened_system(
    name: str, sampling: Sampling, access: ModelAccess, open_local: OpenLocal, threads: int = 0
) -> AsyncIterator[System]:
    """Open any system, on this machine or behind an endpoint, and close it.

    Raises EvaluationError or TrainingError for what cannot be opened.
    """
    if is_local(name):
        yield open_local(name, sampling, threads, access.prompts, access.style)
        return
    kind, _, model = name.partition(":")
    require_prompted(name, access.style)
    if not model:
        raise EvaluationError(f"system '{name}' names no model; write {kind}:MODEL")
    if model in BY_SCRIPT:
        raise EvaluationError(
            f"system '{name}' plays nobody: the scripted model writes dialogues and judges, and answers no"
            " questions; name another model, or a run, which `preact train` makes offline"
        )
    async with _opened_session(access) as session:
        yield ChatSystem(
            session.model(model),
            open_prompts(access.prompts),
            conditioned=kind == "prompted",
            style=access.style,
            sampling=sampling,
            batch_size=access.settings.concurrency,
        )


def _open_judge(
    name: str,
    session: ModelSession,
    prompts: Prompts,
    settings: CallSettings,
    open_classifier: OpenClassifier,
) -> Judge:
    if name.startswith(CLASSIFIER):
        return open_classifier(name.removeprefix(CLASSIFIER))
    return ModelJudge(session.model(name or SCRIPTED), prompts, settings.max_attempts, settings.concurrency)


@asynccontextmanager
async def _opened_session(access: ModelAccess) -> AsyncIterator[ModelSession]:
    store = open_store(access.store)
    try:
        async with open_session(access.settings, store.engine, OpenAIEndpoint) as session:
            yield session
            access.on_paid(session.usage)
    finally:
        store.close()
