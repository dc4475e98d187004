"""Systems on this machine.

A trained run, a backbone plain or under the persona prompt, or ControlLM. All sample their answers alike,
seeded by run and question, so that an interview that resumes after a kill answers as an uninterrupted one
would. Systems behind an endpoint are not known here.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import torch

from oceanchat.prompts import Message
from oceanchat.traits import TraitLevel
from preact.backbones.backbone import load
from preact.backbones.cpu import prepare_cpu
from preact.dialogues.conversation import ensure_template
from preact.persona import trait_level_prompt
from preact.systems import control_vectors
from preact.systems.generation import Sampling, generate, replies
from preact.systems.steering import steering
from preact.systems.system import InterviewQuestion, SystemReply
from preact.systems.trained import open_run
from preact.training.runs import BACKBONE, RECORD, backbone_name, finished_record

CONTEXT = 1024
"""Tokens that the prompt of a plain backbone may have."""


class TrainedSystem:
    """A run of `preact train`."""

    conditioned = True

    def __init__(self, run: Path, sampling: Sampling, batch_size: int = 16, threads: int = 0) -> None:
        self._trained = open_run(run, threads)
        self._sampling = sampling
        self.batch_size = batch_size

    @property
    def backbone(self) -> str:
        """The last part of its name."""
        return short_name(self._trained.record.config.backbone)

    @property
    def model(self) -> str:
        """The method as the paper calls it."""
        return self._trained.method.title

    def provenance(self) -> Mapping[str, Any]:
        """The run's config and versions, and how answers are sampled."""
        record = self._trained.record
        return {
            "kind": "run",
            "method": record.config.method,
            "backbone": record.config.backbone,
            "release": record.release.model_dump(mode="json"),
            "recipe": record.config.recipe.model_dump(mode="json"),
            "training_seed": record.config.seed,
            "versions": record.versions,
            "steps": record.steps,
            **_as_provenance(self._sampling),
        }

    async def answer(self, questions: Sequence[InterviewQuestion]) -> list[SystemReply]:
        """One batch a trait-level and run."""
        return _in_groups(questions, self._sampling, self._answer)

    def _answer(
        self, trait_level: TraitLevel | None, conversations: list[list[Message]], sampling: Sampling
    ) -> list[str]:
        if trait_level is None:
            raise ValueError("a run of `preact train` always plays a trait-level")
        return replies(self._trained, conversations, {trait_level: 1.0}, sampling)


class BackboneSystem:
    """A backbone as it is, under the persona prompt, or steered by control vectors."""

    def __init__(
        self,
        name: str,
        kind: Literal["backbone", "prompted", "control"],
        sampling: Sampling,
        *,
        control: control_vectors.ControlVectors | None = None,
        batch_size: int = 16,
        threads: int = 0,
    ) -> None:
        self._name = name
        self._kind = kind
        self._control = control
        prepare_cpu(threads)
        self._backbone = load(name, precision="bfloat16" if torch.cuda.is_available() else "float32")
        if torch.cuda.is_available():
            self._backbone.model.to("cuda")
        ensure_template(self._backbone.tokenizer)
        self._sampling = sampling
        self.conditioned = kind != "backbone"
        self.batch_size = batch_size

    @property
    def backbone(self) -> str:
        """The last part of its name; 'tiny' for the one that a run built."""
        return short_name(self._name)

    @property
    def model(self) -> str:
        """The method as the paper calls it."""
        return {"backbone": "Backbone", "prompted": "Prompt", "control": "ControlLM"}[self._kind]

    def provenance(self) -> Mapping[str, Any]:
        """The backbone, the vectors if any, and how answers are sampled."""
        facts = {"kind": self._kind, "backbone": self._name, **_as_provenance(self._sampling)}
        if self._control is not None:
            facts["control"] = self._control.record.model_dump(mode="json", exclude={"sweep"})
        return facts

    async def answer(self, questions: Sequence[InterviewQuestion]) -> list[SystemReply]:
        """One batch a trait-level and run."""
        return _in_groups(questions, self._sampling, self._answer)

    def _answer(
        self, trait_level: TraitLevel | None, conversations: list[list[Message]], sampling: Sampling
    ) -> list[str]:
        with self._playing(trait_level) as system:
            return generate(*self._backbone, conversations, sampling, context=CONTEXT, system=system)

    @contextmanager
    def _playing(self, trait_level: TraitLevel | None) -> Iterator[str]:
        """The scope in which the backbone plays the trait-level; it holds the system text."""
        if trait_level is None:
            yield ""
        elif self._control is not None:
            addition = self._control.addition(trait_level.trait, trait_level.level)
            with steering(self._backbone.model, self._control.record.block, addition):
                yield ""
        else:
            yield trait_level_prompt(trait_level)


def open_local(
    system: str, temperature: float, max_tokens: int, threads: int = 0
) -> TrainedSystem | BackboneSystem:
    """A run folder, 'prompted:PATH', 'backbone:PATH' or 'control:PATH' as a system.

    A PATH is a backbone's folder, a run (whose backbone is meant), or 'hf:OWNER/NAME'. Raises EvaluationError
    or TrainingError for what cannot be opened.
    """
    sampling = Sampling(temperature=temperature, max_tokens=max_tokens)
    kind, _, path = system.partition(":")
    if kind == "control":
        control = control_vectors.load(Path(path))
        return BackboneSystem(control.record.backbone, "control", sampling, control=control, threads=threads)
    if kind == "prompted":
        return BackboneSystem(backbone_of(path), "prompted", sampling, threads=threads)
    if kind == "backbone":
        return BackboneSystem(backbone_of(path), "backbone", sampling, threads=threads)
    return TrainedSystem(Path(system), sampling, threads=threads)


def backbone_of(path: str) -> str:
    """The folder or Hub id to load: of a run its backbone, of 'hf:OWNER/NAME' the Hub's, else the folder
    itself.
    """
    if path.startswith("hf:"):
        return path.removeprefix("hf:")
    folder = Path(path)
    return backbone_name(folder, finished_record(folder)) if (folder / RECORD).is_file() else path


def short_name(name: str) -> str:
    """A backbone's name for tables: the last part, and 'tiny' for one that a run built."""
    last = Path(name).name
    return "tiny" if last == BACKBONE else last


def seed_of(question: InterviewQuestion) -> int:
    """The seed of a batch, from its first question alone, so that it survives a restart."""
    code = question.trait_level.code if question.trait_level else ""
    digest = hashlib.sha256(f"{question.run}\n{code}\n{question.question}".encode()).digest()
    return int.from_bytes(digest[:4], "big")


def _in_groups(
    questions: Sequence[InterviewQuestion],
    sampling: Sampling,
    answer: Callable[[TraitLevel | None, list[list[Message]], Sampling], list[str]],
) -> list[SystemReply]:
    """The replies in the questions' order; questions of a trait-level and run are answered in one batch."""
    groups: dict[tuple[TraitLevel | None, int], list[int]] = {}
    for index, question in enumerate(questions):
        groups.setdefault((question.trait_level, question.run), []).append(index)
    texts: dict[int, str] = {}
    for (trait_level, _), indices in groups.items():
        conversations = [[Message("user", questions[index].question)] for index in indices]
        seeded = sampling._replace(seed=seed_of(questions[indices[0]]))
        texts |= dict(zip(indices, answer(trait_level, conversations, seeded), strict=True))
    return [SystemReply(texts[index]) for index in range(len(questions))]


def _as_provenance(sampling: Sampling) -> dict[str, Any]:
    facts = {"temperature": sampling.temperature, "top_p": sampling.top_p, "max_tokens": sampling.max_tokens}
    return {**facts, "seed": "of run, trait-level and first question of the batch"}
