"""Systems on this machine.

A trained run, a backbone plain or under the persona prompt, ControlLM or persona vectors: one class answers
and scores for all of them. Answers are seeded by run and conversation, so that an interview that resumes
after a kill answers as an uninterrupted one would. Systems behind an endpoint are not known here.
"""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from oceanchat.prompts import Message
from preact.methods import PromptStyle
from preact.persona import Persona, require_prompted
from preact.systems import steering_vectors
from preact.systems.generation import Generated, replies, stop_ids
from preact.systems.portrayal import LocalModel
from preact.systems.scoring import score, token_ends
from preact.systems.system import DEFAULT_SAMPLING, Conversation, Sampling, SystemReply
from preact.systems.trained import open_run
from preact.systems.untrained import PromptedModel, UntrainedModel, backbone_of, open_backbone, steered
from preact.training.runs import BACKBONE


class LocalSystem:
    """A model on this machine that answers and scores."""

    def __init__(self, local: LocalModel, sampling: Sampling, batch_size: int = 16) -> None:
        self.local = local
        self._sampling = sampling
        self.batch_size = batch_size

    @property
    def backbone(self) -> str:
        """The last part of its name; 'tiny' for the one that a run built."""
        return short_name(self.local.backbone)

    @property
    def model(self) -> str:
        """The method as the paper calls it."""
        return self.local.title

    @property
    def conditioned(self) -> bool:
        """Whether it plays trait-levels."""
        return self.local.conditioned

    def provenance(self) -> Mapping[str, Any]:
        """What the model is, and all that decides how its answers are drawn."""
        return {
            **self.local.provenance(),
            **self._sampling.provenance(),
            "stop_ids": stop_ids(self.local.model, self.local.tokenizer),
            "seed": "of run, persona and first conversation of the batch",
        }

    async def answer(self, conversations: Sequence[Conversation]) -> list[SystemReply]:
        """One batch a persona and run."""
        groups: dict[tuple[Any, int], list[int]] = {}
        for index, conversation in enumerate(conversations):
            groups.setdefault((_key(conversation.persona), conversation.run), []).append(index)
        answers: dict[int, Generated] = {}
        for indices in groups.values():
            first = conversations[indices[0]]
            turns = [conversations[index].messages for index in indices]
            batch = replies(self.local, turns, first.persona, self._sampling, seed_of(first))
            answers |= dict(zip(indices, batch, strict=True))
        ordered = (answers[index] for index in range(len(conversations)))
        return [SystemReply(one.text, finish_reason=one.finish_reason) for one in ordered]

    def token_ends(self, texts: Sequence[str]) -> list[list[int]]:
        """See `ScoringSystem.token_ends`."""
        return token_ends(self.local.tokenizer, texts)

    def score(
        self, dialogues: Sequence[Sequence[Message]], persona: Persona | None, *, cut: int = 0, skip: int = 0
    ) -> list[float | None]:
        """See `ScoringSystem.score`."""
        return score(self.local, dialogues, persona, cut, skip)


def open_local(
    system: str,
    sampling: Sampling = DEFAULT_SAMPLING,
    threads: int = 0,
    prompts: Path | None = None,
    style: PromptStyle = "full",
) -> LocalSystem:
    """A run folder, 'prompted:PATH', 'backbone:PATH' or 'control:PATH' as a system.

    A PATH is a backbone's folder, a run (whose backbone is meant), or 'hf:OWNER/NAME'. `prompts` is a folder
    of templates in place of the ones that ship and `style` the persona prompt, both for 'prompted:'. Raises
    EvaluationError or TrainingError for what cannot be opened.
    """
    require_prompted(system, style)
    return LocalSystem(_open(system, threads, prompts, style), sampling)


def _open(system: str, threads: int, prompts: Path | None, style: PromptStyle) -> LocalModel:
    kind, _, path = system.partition(":")
    if kind == "control":
        vectors = steering_vectors.load(Path(path))
        return steered(vectors, open_backbone(vectors.record.backbone, threads))
    if kind in ("prompted", "backbone"):
        name = backbone_of(path)
        backbone = open_backbone(name, threads)
        if kind == "backbone":
            return UntrainedModel(name, *backbone)
        return PromptedModel(name, *backbone, prompts, style)
    return open_run(Path(system), threads)


def short_name(name: str) -> str:
    """A backbone's name for tables: the last part, and 'tiny' for one that a run built."""
    last = Path(name).name
    return "tiny" if last == BACKBONE else last


def seed_of(conversation: Conversation) -> int:
    """The seed of a batch, from its first conversation alone, so that it survives a restart."""
    asked = "\n".join(message.content for message in conversation.messages)
    digest = hashlib.sha256(f"{conversation.run}\n{_key(conversation.persona)}\n{asked}".encode()).digest()
    return int.from_bytes(digest[:4], "big")


def _key(persona: Persona | None) -> tuple[tuple[str, float], ...]:
    return tuple((trait_level.code, share) for trait_level, share in (persona or {}).items())
