"""Backbones that portray personas without training.

As they are, under the persona prompt, or steered by vectors: the paper's Prompt and ControlLM rows, and
persona vectors. Trained runs and endpoints are not known here.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from oceanchat.errors import EvaluationError
from preact.backbones.backbone import Backbone, load
from preact.backbones.cpu import prepare_cpu
from preact.backbones.identity import identify_backbone
from preact.config import PAPER_RECIPE, Recipe
from preact.dialogues.conversation import ensure_template
from preact.methods import PromptStyle
from preact.persona import Persona, persona_prompt, prompt_facts, short_title
from preact.systems.portrayal import Portrayal
from preact.systems.steering import decoder_blocks, steering
from preact.systems.steering_vectors import TITLES, SteeringVectors
from preact.training.runs import RECORD, backbone_name, finished_record


@dataclass(frozen=True)
class UntrainedModel:
    """A backbone as it is."""

    backbone: str
    model: Any
    tokenizer: Any

    title = "Backbone"
    conditioned = False
    kind = "backbone"

    @property
    def recipe(self) -> Recipe:
        """The paper's lengths."""
        return PAPER_RECIPE

    def provenance(self) -> Mapping[str, Any]:
        """The backbone's name and what it is."""
        used = identify_backbone(self.backbone, self.model, "none").model_dump(mode="json")
        return {"kind": self.kind, "backbone": self.backbone, "backbone_used": used}

    @contextmanager
    def portraying(self, persona: Persona | None) -> Iterator[Portrayal]:
        """The scope in which the model answers; a plain backbone portrays nobody."""
        yield Portrayal()


@dataclass(frozen=True)
class PromptedModel(UntrainedModel):
    """A backbone under the persona prompt."""

    prompts: Path | None = None
    """A folder of templates in place of the ones that ship."""
    style: PromptStyle = "full"

    conditioned = True
    kind = "prompted"

    @property
    def title(self) -> str:  # type: ignore[override]
        """As the paper's tables call it, with what sets its prompt apart."""
        return short_title("Prompt", self.style)

    def provenance(self) -> Mapping[str, Any]:
        """The backbone's name and the persona template's fingerprint."""
        return {**super().provenance(), **prompt_facts(self.prompts, self.style)}

    @contextmanager
    def portraying(self, persona: Persona | None) -> Iterator[Portrayal]:
        """The scope in which the persona's text goes before the conversation."""
        yield Portrayal(persona_prompt(persona, self.prompts, self.style) if persona else "")


@dataclass(frozen=True)
class SteeredModel(UntrainedModel):
    """A backbone with a vector added to the output of one of its blocks."""

    vectors: SteeringVectors

    conditioned = True
    kind = "control"

    @property
    def title(self) -> str:  # type: ignore[override]
        """As the paper's tables, or the vectors' authors, call the method."""
        return TITLES[self.vectors.record.method]

    def provenance(self) -> Mapping[str, Any]:
        """The backbone's name and how the vectors were made."""
        return {
            **super().provenance(),
            "control": self.vectors.record.model_dump(mode="json", exclude={"sweep"}),
        }

    @contextmanager
    def portraying(self, persona: Persona | None) -> Iterator[Portrayal]:
        """The scope in which the persona's vector is added at every position."""
        if persona is None:
            yield Portrayal()
            return
        with steering(self.model, self.vectors.record.block, self.vectors.addition(persona)):
            yield Portrayal()


def open_backbone(name: str, threads: int = 0) -> Backbone:
    """A backbone ready to answer: on accelerators, in bfloat16, where there are any, with a chat template.

    Raises TrainingError for what cannot be loaded.
    """
    prepare_cpu(threads)
    backbone = load(name, precision="bfloat16" if torch.cuda.is_available() else "float32", spread=True)
    ensure_template(backbone.tokenizer)
    return backbone


def steered(vectors: SteeringVectors, backbone: Backbone) -> SteeredModel:
    """The backbone under these vectors. Raises EvaluationError when they were made for another shape."""
    hidden, blocks = backbone.model.config.hidden_size, len(decoder_blocks(backbone.model))
    if vectors.record.block >= blocks or any(len(v) != hidden for v in vectors.vectors.values()):
        raise EvaluationError(
            f"the control vectors were made for another backbone than '{vectors.record.backbone}' is now;"
            " make them again"
        )
    return SteeredModel(vectors.record.backbone, *backbone, vectors)


def backbone_of(path: str) -> str:
    """The name to load a backbone by: of a run its backbone, of 'hf:OWNER/NAME' the Hub's, else as it is."""
    if path.startswith("hf:"):
        return path.removeprefix("hf:")
    folder = Path(path)
    return backbone_name(folder, finished_record(folder)) if (folder / RECORD).is_file() else path
