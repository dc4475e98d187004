"""Systems on this machine: a trained run, a backbone plain or under the persona prompt, ControlLM.

All draw their answers alike, seeded by run and question, so that an interview that goes on after a kill
answers as an unbroken one would. Whoever is interviewed through an endpoint lives in systems.py.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import torch
from transformers import set_seed

from oceanchat.prompts import Message
from oceanchat.traits import TraitLevel
from preact.backbones.backbone import Backbone, load
from preact.backbones.cpu import prepare_cpu
from preact.dialogues.conversation import ensure_template, prompt_ids
from preact.evaluation.interview.interviewing import InterviewQuestion, SystemReply
from preact.persona import trait_level_prompt
from preact.systems import control_vectors
from preact.systems.generation import Sampling, replies
from preact.systems.steering import steering
from preact.systems.trained import open_run
from preact.training.runs import BACKBONE, RECORD, backbone_name, finished_record

CONTEXT = 1024
"""Tokens of prompt that a plain backbone is given at most."""


class TrainedSystem:
    """A run of `preact train`."""

    conditioned = True

    def __init__(self, run: Path, sampling: Sampling, at_once: int = 16, threads: int = 0) -> None:
        self._run = run
        self._trained = open_run(run, threads)
        self._sampling = sampling
        self.at_once = at_once

    @property
    def backbone(self) -> str:
        """The last part of its name."""
        return shown(self._trained.record.config.backbone)

    @property
    def model(self) -> str:
        """The method as the paper calls it."""
        return self._trained.method.title

    def provenance(self) -> Mapping[str, Any]:
        """The run's config and versions, and how answers are drawn."""
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
            **_drawing(self._sampling),
        }

    async def answer(self, asked: Sequence[InterviewQuestion]) -> list[SystemReply]:
        """One batch a trait-level and run."""
        found: dict[int, str] = {}
        for places in _alike(asked):
            first = asked[places[0]]
            if first.trait_level is None:
                raise ValueError("a run of `preact train` always plays a trait-level")
            conversations = [[Message("user", asked[place].question)] for place in places]
            sampling = self._sampling._replace(seed=seed_of(first))
            texts = replies(self._trained, conversations, {first.trait_level: 1.0}, sampling)
            found |= dict(zip(places, texts, strict=True))
        return [SystemReply(found[place]) for place in range(len(asked))]


class BackboneSystem:
    """A backbone as it is, under the persona prompt, or bent by control vectors."""

    def __init__(
        self,
        name: str,
        kind: Literal["backbone", "prompted", "control"],
        sampling: Sampling,
        *,
        control: control_vectors.ControlVectors | None = None,
        at_once: int = 16,
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
        self.at_once = at_once

    @property
    def backbone(self) -> str:
        """The last part of its name; 'tiny' for the one that a run built."""
        return shown(self._name)

    @property
    def model(self) -> str:
        """The method as the paper calls it."""
        return {"backbone": "Backbone", "prompted": "Prompt", "control": "ControlLM"}[self._kind]

    def provenance(self) -> Mapping[str, Any]:
        """The backbone, the vectors if any, and how answers are drawn."""
        found: dict[str, Any] = {"kind": self._kind, "backbone": self._name, **_drawing(self._sampling)}
        if self._control is not None:
            found["control"] = self._control.record.model_dump(mode="json", exclude={"sweep"})
        return found

    async def answer(self, asked: Sequence[InterviewQuestion]) -> list[SystemReply]:
        """One batch a trait-level and run."""
        found: dict[int, str] = {}
        for places in _alike(asked):
            first = asked[places[0]]
            questions = [asked[place].question for place in places]
            with self._playing(first.trait_level) as system:
                texts = _generate(self._backbone, questions, system, self._sampling, seed_of(first))
            found |= dict(zip(places, texts, strict=True))
        return [SystemReply(found[place]) for place in range(len(asked))]

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


def shown(name: str) -> str:
    """A backbone's name for tables: the last part, and 'tiny' for one that a run built."""
    last = Path(name).name
    return "tiny" if last == BACKBONE else last


def seed_of(asked: InterviewQuestion) -> int:
    """The seed of a batch: of its run, trait-level and first question alone, so that it survives a
    restart.
    """
    code = asked.trait_level.code if asked.trait_level else ""
    digest = hashlib.sha256(f"{asked.run}\n{code}\n{asked.question}".encode()).digest()
    return int.from_bytes(digest[:4], "big")


def _alike(asked: Sequence[InterviewQuestion]) -> list[list[int]]:
    """Places of questions that can be answered in one batch: same trait-level, same run."""
    groups: dict[tuple[TraitLevel | None, int], list[int]] = {}
    for place, one in enumerate(asked):
        groups.setdefault((one.trait_level, one.run), []).append(place)
    return list(groups.values())


def _drawing(sampling: Sampling) -> dict[str, Any]:
    drawn = {"temperature": sampling.temperature, "top_p": sampling.top_p, "max_tokens": sampling.max_tokens}
    return {**drawn, "seed": "of run, trait-level and first question of the batch"}


def _generate(
    backbone: Backbone, questions: Sequence[str], system: str, sampling: Sampling, seed: int
) -> list[str]:
    """One answer to each question, padded on the left so that every answer begins where its prompt ends."""
    model, tokenizer = backbone
    prompts = [
        prompt_ids(tokenizer, [Message("user", question)], context=CONTEXT, system=system)
        for question in questions
    ]
    width = max(map(len, prompts))
    rows = [[tokenizer.pad_token_id] * (width - len(ids)) + ids for ids in prompts]
    mask = [[0] * (width - len(ids)) + [1] * len(ids) for ids in prompts]
    drawn: dict[str, Any] = {"do_sample": sampling.temperature > 0}
    if sampling.temperature > 0:
        drawn |= {"temperature": sampling.temperature, "top_p": sampling.top_p, "top_k": 0}
    set_seed(seed)
    with torch.inference_mode():
        out = model.generate(
            input_ids=torch.tensor(rows, device=model.device),
            attention_mask=torch.tensor(mask, device=model.device),
            pad_token_id=tokenizer.pad_token_id,
            max_new_tokens=sampling.max_tokens,
            **drawn,
        )
    return [tokenizer.decode(row[width:], skip_special_tokens=True).strip() for row in out]
