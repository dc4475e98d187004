"""Train and measure runs over hyper-parameters.

The paper's Figure 4: one setting varies at a time, the others stay at the recipe. A finished point is stored
and never trained again, an unfinished one resumes from its checkpoint. It knows how to train and measure;
drawing is done elsewhere.
"""

import asyncio
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from oceanchat.counting import counted
from oceanchat.errors import EvaluationError
from oceanchat.time_left import TimeLeft
from preact.backbones.sources import hashes, locate
from preact.backbones.tiny import MARKER, is_tiny
from preact.config import TINY, TrainConfig, make_config
from preact.dialogues.release import read_release
from preact.evaluation.calling import InterviewPlan, ModelAccess, run_interview, run_judging
from preact.evaluation.comparison.trait_scores import ScoredInterview
from preact.evaluation.identification import identify
from preact.evaluation.interview.inventories import BUNDLED
from preact.evaluation.judge.classifier_judge import open_classifier
from preact.evaluation.report.plots import Panel
from preact.evaluation.transcripts import JsonLines, first_difference, folder_lock, read_header, write_header
from preact.methods import METHODS
from preact.systems.local import open_local
from preact.training.runs import BACKBONE, RECORD, read_record
from preact.training.train import train

HEADER = "sweep.json"
Parameter = Literal["rank", "experts", "lambda"]
PARAMETERS: tuple[Parameter, ...] = ("rank", "experts", "lambda")
Metric = Literal["identification", "overall"]
_FIELDS: Mapping[Parameter, str] = {"rank": "rank", "experts": "experts", "lambda": "loss_weight"}
_AXES: Mapping[Parameter, str] = {"rank": "LoRA rank r", "experts": "experts N", "lambda": "λ"}
_METRICS: Mapping[Metric, str] = {
    "identification": "trait identification (share)",
    "overall": "Overall (points)",
}


class SweepPoint(BaseModel):
    """One finished setting."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    method: str
    parameter: Parameter
    value: float
    metric: Metric
    judge: str
    """The judge, for Overall; empty for identification."""
    score: float | None
    """Share of dialogues identified, or Overall in scale points; None where the judge scored no answer."""

    @property
    def shown(self) -> str:
        """The score as it is printed."""
        return "-" if self.score is None else f"{self.score:.4f}"

    run: str
    """The run's folder inside the sweep's."""

    @property
    def key(self) -> tuple[str, str, float, str, str]:
        """Identifies the point: each is measured only once."""
        return self.method, self.parameter, self.value, self.metric, self.judge


class SweepHeader(BaseModel):
    """What all points of a folder have in common; points made otherwise could not be drawn as one curve."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    release: str
    """sha256 of the release's dialogues."""
    backbone: str
    recipe: dict[str, Any]
    """Settings that hold for all points, where they are given."""
    options: dict[str, Any]
    """Other options of `preact train` that change a run."""
    interview: dict[str, Any] = {}
    """The inventory and its settings, once a point was measured by interviews."""


@dataclass(frozen=True)
class SweepPlan:
    """The options of `preact sweep`."""

    release: str
    output: Path
    values: Mapping[Parameter, Sequence[float]]
    """The settings of each parameter that varies."""
    backbone: str = TINY
    method: str = "preact"
    metric: Metric = "identification"
    judge: str = "scripted"
    runs: int = 1
    """Interviews a trait-level, for Overall."""
    inventory: str = BUNDLED
    max_tokens: int = 256
    """Tokens an answer may take, for Overall."""
    recipe: Mapping[str, Any] = field(default_factory=dict)
    """Settings of the recipe that hold for all points."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """Other options of `preact train`, such as max_steps."""


def sweep(plan: SweepPlan, access: ModelAccess, say: Callable[[str], None]) -> list[SweepPoint]:
    """Train and measure the missing points; all points of the folder.

    Raises ConfigError before anything is trained when a setting makes no sense, EvaluationError for an
    unknown method, TrainingError and BuildStopped as training and judging do.
    """
    if plan.method not in METHODS:
        raise EvaluationError(f"method '{plan.method}' is not known; write one of {', '.join(METHODS)}")
    settings = [(parameter, value) for parameter in PARAMETERS for value in plan.values.get(parameter, ())]
    if not settings:
        raise EvaluationError("nothing varies; give several settings to --rank, --experts or --lambda")
    for parameter, value in settings:
        _config(plan, parameter, value, plan.backbone)
    lines = JsonLines(plan.output / "points.jsonl", SweepPoint)
    with folder_lock(plan.output):
        lines.mend()
        _check_header(plan)
        _check_weights(plan)
        done = {point.key for point in lines.read()}
        judge = plan.judge if plan.metric == "overall" else ""
        missing = [s for s in settings if (plan.method, *s, plan.metric, judge) not in done]
        if missing:
            say(
                f"{len(missing)} of {counted(len(settings), 'point')} to train and measure, one after another"
            )
        left, say_once = TimeLeft(len(missing)), _without_repeats(say)
        for number, (parameter, value) in enumerate(missing, 1):
            config = _config(plan, parameter, value, _shared_backbone(plan))
            folder = Path(config.output)
            _train(config, folder, say_once)
            score = _measure(plan, folder, access, say_once)
            point = SweepPoint(
                method=plan.method,
                parameter=parameter,
                value=value,
                metric=plan.metric,
                judge=judge,
                score=score if math.isfinite(score) else None,
                run=folder.name,
            )
            what = f"{plan.method}, {parameter} {value:g}: {_METRICS[plan.metric]}"
            say(f"{what} {point.shown}{left.after(number)}")
            lines.append([point])
    return lines.read()


def _check_header(plan: SweepPlan) -> None:
    """Write what the folder's points have in common, or compare it with what is asked for now.

    Raises EvaluationError where they differ: a point that is there already would be taken for a new one.
    """
    path = plan.output / HEADER
    points = plan.output / "points.jsonl"
    interview = {"inventory": plan.inventory, "runs": plan.runs, "max_tokens": plan.max_tokens}
    given = {name: value for name, value in plan.recipe.items() if value is not None}
    asked = SweepHeader(
        release=read_release(plan.release).fingerprint,
        backbone=plan.backbone,
        recipe=given,
        options={name: value for name, value in plan.options.items() if value and name != "threads"},
        interview=interview if plan.metric == "overall" else {},
    )
    if not path.is_file():
        if points.is_file() and points.stat().st_size:
            raise EvaluationError(
                f"sweep '{plan.output}' does not say how its points were made ({HEADER} is missing); name"
                " another --output"
            )
        write_header(path, asked)
        return
    before = read_header(path, SweepHeader, "preact sweep")
    if not asked.interview or not before.interview:
        interview = asked.interview or before.interview
        before, asked = (h.model_copy(update={"interview": interview}) for h in (before, asked))
    if changed := first_difference(before, asked):
        name, old, new = changed
        raise EvaluationError(
            f"the points of sweep '{plan.output}' were made with another {name} ({_short(old)}, now"
            f" {_short(new)}); put it back, or name another --output"
        )
    write_header(path, asked)


def _check_weights(plan: SweepPlan) -> None:
    """Raise EvaluationError where the backbone's files are no longer those of the runs that are there."""
    source = None if plan.backbone == TINY else locate(plan.backbone)
    if source is None or not source.is_folder:
        return
    now = hashes(source, None).weights
    for path in sorted(plan.output.glob(f"*/{RECORD}")):
        used = read_record(path.parent).backbone
        if used and used.weights_sha256 not in ("", now):
            raise EvaluationError(
                f"the weights of backbone '{plan.backbone}' are not those of run '{path.parent}' (sha256"
                f" {used.weights_sha256[:12]}, now {now[:12]}); put them back, or name another --output"
            )


def _short(value: Any) -> str:
    if value is None:
        return "the default"
    return str(value)[:16] if len(str(value)) == 64 else str(value)


def panels(folder: Path) -> list[Panel]:
    """Figure 4's panels from a sweep's folder: rank, experts, lambda, then the same of other methods.

    Raises EvaluationError when there are no points.
    """
    points = JsonLines(folder / "points.jsonl", SweepPoint).read()
    if not points:
        raise EvaluationError(
            f"'{folder}' holds no finished points; run `preact sweep --output {folder}` first"
        )
    result: list[Panel] = []
    groups = {(point.metric, point.judge, point.method) for point in points}
    for group in sorted(groups, key=_own_method_first):
        metric, _, method = group
        for parameter in PARAMETERS:
            drawn = tuple(
                (point.value, point.score)
                for point in points
                if (point.metric, point.judge, point.method) == group
                and point.parameter == parameter
                and point.score is not None
            )
            if drawn:
                title = parameter if method == "preact" else f"{parameter}, {method}"
                result.append(Panel(title, _AXES[parameter], _METRICS[metric], drawn))
    return result


def _own_method_first(group: tuple[Metric, str, str]) -> tuple[str, str, bool, str]:
    metric, judge, method = group
    return metric, judge, method != "preact", method


def _config(plan: SweepPlan, parameter: Parameter, value: float, backbone: str) -> TrainConfig:
    number = value if parameter == "lambda" else _whole(parameter, value)
    return make_config(
        tiny=backbone == TINY or is_tiny(backbone),
        recipe={**plan.recipe, _FIELDS[parameter]: number},
        release=plan.release,
        output=str(plan.output / f"{plan.method}-{parameter}-{value:g}"),
        backbone=backbone,
        method=plan.method,
        **plan.options,
    )


def _whole(parameter: str, value: float) -> int:
    if value != int(value):
        raise EvaluationError(f"--{parameter} '{value:g}' is not a whole number; write one")
    return int(value)


def _shared_backbone(plan: SweepPlan) -> str:
    """The tiny backbone is built by the first run only; the others start from it."""
    if plan.backbone != TINY:
        return plan.backbone
    markers = sorted(plan.output.glob(f"*/{BACKBONE}/{MARKER}"))
    return str(markers[0].parent) if markers else TINY


def _without_repeats(say: Callable[[str], None]) -> Callable[[str], None]:
    """What says a line the first time alone: points of a sweep are trained alike but for a setting."""
    earlier: set[str] = set()

    def say_once(line: str) -> None:
        if line not in earlier:
            earlier.add(line)
            say(line)

    return say_once


def _train(config: TrainConfig, folder: Path, say: Callable[[str], None]) -> None:
    record = read_record(folder) if (folder / RECORD).is_file() else None
    if record is None or record.state != "finished":
        begun = record.config.model_copy(update={"output": config.output}) if record else config
        train(begun, say, resume=folder.is_dir())


def _measure(plan: SweepPlan, folder: Path, access: ModelAccess, say: Callable[[str], None]) -> float:
    if plan.metric == "identification":
        accuracy = identify(folder, plain=True, say=say).accuracy.value
        if accuracy is None:
            raise EvaluationError(f"run '{folder}' has no held-out dialogues to identify; release some first")
        return accuracy
    return asyncio.run(_overall(plan, folder, access))


async def _overall(plan: SweepPlan, folder: Path, access: ModelAccess) -> float:
    interview_plan = InterviewPlan(
        str(folder), folder / "interview", plan.inventory, runs=plan.runs, max_tokens=plan.max_tokens
    )
    interview = await run_interview(interview_plan, access, open_local)
    judgings = await run_judging([interview.folder], [plan.judge], access, open_classifier)
    return ScoredInterview(interview, judgings[0]).row().mean("Overall")
