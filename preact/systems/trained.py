"""Open a finished run for evaluation.

Backbone, adapter and tokenizer, ready to score dialogues and to generate. Every method answers the same
question here: what makes the model portray a trait-level, or a mixture of them. It knows nothing of metrics,
of exports or of the terminal.
"""

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from peft.helpers import rescale_adapter_scale
from torch import Tensor

from oceanchat.errors import TrainingError
from oceanchat.traits import TraitLevel
from preact.backbones.backbone import Backbone, load
from preact.backbones.cpu import prepare_cpu
from preact.config import Recipe
from preact.dialogues.conversation import ensure_template
from preact.methods import METHODS, Method
from preact.mixture.model import PreactModel
from preact.mixture.router import mix
from preact.persona import Persona, persona_prompt, prompt_facts, short_title
from preact.systems.portrayal import Portrayal
from preact.training.adapters import load_adapters
from preact.training.runs import RunRecord, adapter_folder, backbone_name, finished_record


@dataclass(frozen=True)
class TrainedModel:
    """A run's model in evaluation mode."""

    folder: Path
    record: RunRecord
    model: Any
    tokenizer: Any

    @property
    def method(self) -> Method:
        """The method's row in the table."""
        return METHODS[self.record.config.method]

    @property
    def gated(self) -> bool:
        """Whether expert weights make the difference."""
        return self.method.has_experts

    def expert_weights(self) -> Tensor:
        """The expert weights of the ten trait-levels, 10 x N. Raises TrainingError without experts."""
        if not self.gated:
            raise TrainingError(
                f"method '{self.record.config.method}' has no experts; train preact or an ablation of it"
            )
        model: PreactModel = self.model.base_model
        with torch.no_grad():
            return model.router_weights()

    @property
    def recipe(self) -> Recipe:
        """The recipe it was trained by."""
        return self.record.config.recipe

    @property
    def title(self) -> str:
        """The method as the paper calls it, with what sets its prompt apart."""
        return short_title(self.method.title, self.record.config.prompt)

    @property
    def backbone(self) -> str:
        """The folder or Hub id of its backbone."""
        return backbone_name(self.folder, self.record)

    @property
    def conditioned(self) -> bool:
        """Every method portrays trait-levels."""
        return True

    def provenance(self) -> Mapping[str, Any]:
        """The run's config, release and versions."""
        record = self.record
        prompt = prompt_facts(None, record.config.prompt) if self.method.prompted else {}
        return {
            "kind": "run",
            "method": record.config.method,
            **prompt,
            "backbone": record.config.backbone,
            "backbone_used": record.backbone.model_dump(mode="json") if record.backbone else None,
            "release": record.release.model_dump(mode="json"),
            "recipe": record.config.recipe.model_dump(mode="json"),
            "training_seed": record.config.seed,
            "versions": record.versions,
            "steps": record.steps,
        }

    @contextmanager
    def portraying(self, persona: Persona | None) -> Iterator[Portrayal]:
        """The scope in which the model portrays the persona; without one its backbone answers.

        Shares that do not sum to 1 are a strength: what the adapter adds is multiplied by their sum. Raises
        TrainingError for a mixture under lora-sep, whose adapters do not mix.
        """
        if persona is None:
            with self.model.disable_adapter():
                yield Portrayal()
        elif self.gated:
            yield Portrayal(arguments={"expert_weights": mix(self.expert_weights(), persona)})
        else:
            if not self.method.prompted:
                self.model.set_adapter(self._only(persona).code)
            text = persona_prompt(persona, style=self.record.config.prompt) if self.method.prompted else ""
            strength = sum(persona.values())
            as_trained = math.isclose(strength, 1)
            with nullcontext() if as_trained else rescale_adapter_scale(self.model, strength):
                yield Portrayal(text)

    def _only(self, persona: Persona) -> TraitLevel:
        if len(persona) > 1:
            raise TrainingError(
                f"{self.record.config.method} has one adapter per trait-level and no mixtures; name a"
                " single trait-level"
            )
        return next(iter(persona))


def open_run(folder: Path, threads: int = 0, *, exact: bool = False) -> TrainedModel:
    """Open a finished run, on a backbone in float32 if it is to be `exact` and is not quantized.

    Raises TrainingError if it is not a run, or if any part is missing or damaged.
    """
    record = finished_record(folder)
    prepare_cpu(threads)
    recipe = record.config.recipe
    name = backbone_name(folder, record)
    precision = recipe.exact if exact else recipe.stored
    backbone = load(name, precision=precision, quantise=recipe.quantise, spread=True)
    return with_adapters(folder, record, backbone)


def with_adapters(folder: Path, record: RunRecord, backbone: Backbone) -> TrainedModel:
    """A run on its backbone, whose modules its adapters change. Raises TrainingError for damaged ones."""
    ensure_template(backbone.tokenizer)
    model = load_adapters(backbone.model, {name: adapter_folder(folder, name) for name in record.adapters})
    return TrainedModel(folder, record, model, backbone.tokenizer)
