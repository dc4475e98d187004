"""Hold an exam.

Systems are opened one after the other, measured part by part and closed; a part that is stored is not
measured again. What was examined stands in a header, so that a folder cannot mix two exams. The terminal is
not known here.
"""

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from oceanchat.errors import EvaluationError
from oceanchat.llm.prices import load_prices
from oceanchat.statistics.figure import Figure
from oceanchat.whole_files import whole_file
from preact.dialogues.release import TrainingRelease
from preact.evaluation.calling import ModelAccess, OpenLocal, opened_system
from preact.evaluation.exam.exam_page import ExaminedSystem, write_page
from preact.evaluation.exam.figures import Figures, all_figures
from preact.evaluation.exam.judged import JudgedLeakage, judged_leakages
from preact.evaluation.exam.leakage import leakage_matrix
from preact.evaluation.exam.measuring import (
    Material,
    Say,
    first_of_each,
    measure_answers,
    measure_behaviour,
    measure_capability,
    measure_dose,
    measure_identification,
    measure_neutral,
    measure_persistence,
)
from preact.evaluation.exam.rating_costs import rating_costs
from preact.evaluation.exam.records import (
    PARTS,
    QUICK,
    WHOLE,
    ExamRecord,
    ExamSize,
    Part,
    read_parts,
    write_part,
)
from preact.evaluation.identification import held_out, training_dialogues
from preact.evaluation.transcripts import first_difference, folder_lock, read_header, write_header
from preact.systems.local import LocalSystem
from preact.systems.system import Sampling, ScoringSystem, System
from preact.systems.trained import TrainedModel
from preact.training.runs import RECORD, finished_record

HEADER, FIGURES = "system.json", "figures.json"
NO_LOSSES = "an endpoint gives no losses"
FROM_LOSSES = (
    "accuracy",
    "accuracy_length_out",
    "level_given_trait_length_out",
    "leakage_length_out",
    "rise",
    "lasting",
    "neutral",
    "capability",
    "met",
)
"""Figures that a system without losses cannot have."""


class ExamHeader(ExamRecord):
    """What was examined: everything that must match when an exam goes on."""

    system: str
    """As it was named on the command line."""
    title: str
    """Backbone and method."""
    options: tuple[str, ...]
    """Options that chose its dialogues, as they were given."""
    provenance: dict[str, Any]
    release: str
    """sha256 of the dialogues it was asked about; empty for a system that gives no losses."""
    scripted: bool
    """Whether the scripted model wrote those dialogues."""
    split: str
    trained_on: bool
    scores: bool
    """Whether it gives losses."""
    size: ExamSize


@dataclass(frozen=True)
class ExamPlan:
    """The options of `preact exam`."""

    systems: Sequence[str]
    output: Path
    data: str | None = None
    split: str | None = None
    quick: bool = False
    only: Sequence[Part] = ()
    """Parts to measure; all where none is named."""
    threads: int = 0
    judges: Sequence[str] = ()
    """Judges whose cost is estimated."""
    interviews: Sequence[Path] = ()
    """Judged interviews that are shown beside the figures without a judge."""

    @property
    def size(self) -> ExamSize:
        """How much is asked."""
        return QUICK if self.quick else WHOLE


class ExamFiles(NamedTuple):
    """The page of an exam."""

    markdown: Path
    html: Path


async def hold_exam(
    plan: ExamPlan, access: ModelAccess, open_local: OpenLocal, say: Say = lambda line: None
) -> ExamFiles:
    """Examine every system and write the page over all of them.

    Raises EvaluationError for a system that portrays nobody or has no dialogues, and for a folder that holds
    another exam; TrainingError or BuildStopped as systems do.
    """
    names = _names(plan.systems)
    judged = [one for folder in plan.interviews for one in judged_leakages(folder)]
    plan.output.mkdir(parents=True, exist_ok=True)
    sampling = Sampling(temperature=0, max_tokens=plan.size.tokens)
    with folder_lock(plan.output):
        for name, system in zip(names, plan.systems, strict=True):
            async with opened_system(system, sampling, access, open_local, plan.threads) as opened:
                material, release = _material(system, opened, plan, say)
                header = _header(system, opened, material, release, plan)
                folder, named = plan.output / name, partial(_say_of, say, name)
                await examine(opened, material, header, folder, plan.only, named)
        prices = load_prices(access.settings.prices)
        costs = rating_costs(len(names), prices, access.settings.base_url, plan.judges)
        return exam_page(plan.output, names, plan.quick, costs, judged)


async def examine(
    system: System,
    material: Material | None,
    header: ExamHeader,
    folder: Path,
    only: Sequence[Part] = (),
    say: Say = lambda line: None,
) -> None:
    """Measure the parts that are not stored yet; without material, for a system without losses, its answers.

    Raises EvaluationError when the folder holds the exam of another system.
    """
    folder.mkdir(parents=True, exist_ok=True)
    _settle(folder / HEADER, header)
    done = read_parts(folder)
    wanted = [part for part in PARTS if not only or part in only]
    if material is not None and isinstance(system, ScoringSystem):
        needs_cut = {"dose", "persistence"} & {*wanted} - {*done}
        if needs_cut and "identification" not in wanted:
            wanted = ["identification", *wanted]
        for part, measure in _measures(system, material, header.size, done, say).items():
            if part in wanted and part not in done:
                done[part] = measure()
                write_part(folder, part, done[part])
    if "answers" in wanted and "answers" not in done:
        write_part(folder, "answers", await measure_answers(system, header.size, say))


def exam_page(
    folder: Path,
    names: Sequence[str],
    quick: bool,
    costs: Sequence[str],
    judged: Sequence[JudgedLeakage] = (),
) -> ExamFiles:
    """Compute all figures from the stored parts, store them, and write the page.

    Raises EvaluationError for stored files that cannot be read.
    """
    systems = [read_examined(folder, name) for name in names]
    stored = {s.name: _as_json(s.figures, s.matrix) for s in systems}
    stored |= {one.name: _as_json(one.figures, one.matrix) for one in judged}
    with whole_file(folder / FIGURES) as file:
        file.write((json.dumps(stored, indent=1, allow_nan=False) + "\n").encode())
    size = read_header(folder / names[0] / HEADER, ExamHeader, "preact exam").size
    return ExamFiles(*write_page(systems, judged, size, quick, folder, costs))


def _as_json(figures: Figures, matrix: Sequence[Sequence[float]]) -> dict[str, Any]:
    """Figures and matrix as they are stored; null stands for what is not known or has no end."""
    plain: dict[str, Any] = {
        name: {key: _finite(value) for key, value in figure.bounds().items()} | {"note": figure.note}
        for name, figure in figures.items()
    }
    return plain | {"leakage_matrix": [[_finite(value) for value in row] for row in matrix]}


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


def read_examined(folder: Path, name: str) -> ExaminedSystem:
    """A system of an exam with its figures, computed from its stored parts."""
    header = read_header(folder / name / HEADER, ExamHeader, "preact exam")
    parts = read_parts(folder / name)
    identified = parts.get("identification")
    without = {} if header.scores else dict.fromkeys(FROM_LOSSES, Figure(None, note=NO_LOSSES))
    return ExaminedSystem(
        name,
        header.system,
        header.title,
        header.options,
        without | all_figures(parts),
        leakage_matrix(identified.length_out) if identified else [],
        {"trained_on": header.trained_on, "scripted": header.scripted, "scores": header.scores},
    )


def _measures(
    system: ScoringSystem, material: Material, size: ExamSize, done: dict[Part, Any], say: Say
) -> dict[Part, Callable[[], ExamRecord]]:
    """How each part that is made of losses is measured, in order; the first says what others cut to."""
    some = first_of_each(material.dialogues, size.persistence)
    return {
        "identification": lambda: measure_identification(system, material, say),
        "dose": lambda: measure_dose(
            system, material.dialogues, size.strengths, done["identification"].cut, say
        ),
        "persistence": lambda: measure_persistence(
            system, some, size.exchanges, done["identification"].cut, say
        ),
        "behaviour": lambda: measure_behaviour(system, size.situations, say),
        "neutral": lambda: measure_neutral(system, size.neutral, say),
        "capability": lambda: measure_capability(system, size.questions, say),
    }


def _material(
    name: str, opened: System, plan: ExamPlan, say: Say
) -> tuple[Material | None, TrainingRelease | None]:
    """The dialogues for a system that gives losses. Raises EvaluationError where there are none."""
    if not opened.conditioned:
        raise EvaluationError(f"system '{name}' portrays nobody; name a run, prompted:MODEL or control:DIR")
    if not isinstance(opened, ScoringSystem):
        return None, None
    local = opened.local if isinstance(opened, LocalSystem) else None
    run = local if isinstance(local, TrainedModel) else None
    data = plan.data or (None if run else _first_release(plan.systems))
    if run is None and data is None:
        raise EvaluationError(f"system '{name}' has no release of its own; name one with --data")
    held = held_out(run, data, plan.split, say)
    dialogues = first_of_each(held.dialogues, plan.size.dialogues)
    training = training_dialogues(run, held.release, held.split, say)
    return Material(dialogues, training, held.split, held.seen), held.release


def _first_release(systems: Sequence[str]) -> str | None:
    """The release of the first run among the systems, which the others are asked about too."""
    runs = [Path(system) for system in systems if (Path(system) / RECORD).is_file()]
    return finished_record(runs[0]).config.release if runs else None


def _header(
    name: str, opened: System, material: Material | None, release: TrainingRelease | None, plan: ExamPlan
) -> ExamHeader:
    given = (("--data", plan.data), ("--split", plan.split))
    return ExamHeader(
        system=name,
        title=f"{opened.backbone} {opened.model}",
        options=tuple(word for name, value in given if value for word in (name, value)),
        provenance=json.loads(json.dumps(dict(opened.provenance()))),
        release=release.fingerprint if release else "",
        scripted=release.scripted if release else False,
        split=material.split if material else "",
        trained_on=material.trained_on if material else False,
        scores=material is not None,
        size=plan.size,
    )


def _settle(path: Path, header: ExamHeader) -> None:
    """Write the header of a new exam, or make sure that the folder holds the same one."""
    if not path.exists():
        write_header(path, header)
        return
    before = read_header(path, ExamHeader, "preact exam")
    if changed := first_difference(before, header, ignore=("system", "title", "options")):
        name, then, now = changed
        raise EvaluationError(
            f"'{path.parent}' holds another exam: its {name} is '{_short(then)}', now it is '{_short(now)}';"
            " choose another --output"
        )


def _say_of(say: Say, name: str, line: str) -> None:
    say(f"{name}: {line}")


def _short(value: object) -> str:
    text = str(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _names(systems: Sequence[str]) -> list[str]:
    """A folder name for each system: the last part of its name, numbered where that is not its own alone."""
    names: list[str] = []
    for system in systems:
        kind, _, path = system.partition(":")
        last = Path(path or kind).name or "system"
        base = f"{kind}-{last}" if path else last
        alike = sum(name == base or name.startswith(f"{base}-") for name in names)
        names.append(f"{base}-{alike + 1}" if alike else base)
    return names
