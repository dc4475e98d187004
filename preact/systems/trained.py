"""Open a finished run for evaluation.

Backbone, adapter and tokenizer, ready to score dialogues and to generate. Every method answers the same
question here: what makes the model portray a trait-level, or a mixture of them. It knows nothing of metrics,
of exports or of the terminal.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

from oceanchat.errors import TrainingError
from preact.backbones.backbone import load
from preact.backbones.cpu import prepare_cpu
from preact.backbones.packed_attention import packed_rows
from preact.dialogues.batches import Collator, Example, on_device
from preact.dialogues.conversation import ensure_template
from preact.methods import METHODS, Method
from preact.mixture.model import PreactModel
from preact.mixture.router import mix
from preact.persona import Persona, persona_prompt
from preact.training.adapters import load_adapters
from preact.training.objective import dialogue_losses
from preact.training.runs import RunRecord, adapter_folder, backbone_name, finished_record


class Portrayal(NamedTuple):
    """What makes a model portray a persona."""

    system: str
    """A system text, empty where none is needed."""
    arguments: dict[str, Tensor]
    """Keyword arguments of the model's forward and generate."""


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

    @contextmanager
    def portraying(self, persona: Persona) -> Iterator[Portrayal]:
        """The scope in which the model portrays the persona; it holds what to add to prompts and calls.

        Raises TrainingError for a mixture under lora-sep, whose adapters do not mix.
        """
        if self.gated:
            yield Portrayal("", {"expert_weights": mix(self.expert_weights(), persona)})
        elif self.method.prompted:
            yield Portrayal(persona_prompt(persona), {})
        else:
            if len(persona) > 1:
                raise TrainingError(
                    f"{self.record.config.method} has one adapter per trait-level and no mixtures; name a"
                    " single trait-level"
                )
            self.model.set_adapter(next(iter(persona)).code)
            yield Portrayal("", {})

    def losses(
        self, examples: Sequence[Example], arguments: Mapping[str, Tensor], batch_size: int = 16
    ) -> Tensor:
        """The mean loss in nats of each example's labeled tokens, (n,) in float64, under these arguments."""
        order = sorted(range(len(examples)), key=lambda i: (len(examples[i].ids), i))
        means = torch.zeros(len(examples), dtype=torch.float64)
        packed, pad_id = self.record.config.recipe.packing, self.tokenizer.pad_token_id
        with torch.inference_mode(), packed_rows(self.model.get_base_model(), packed) as shares:
            collator = Collator(pad_id, packed=packed, trait_ids=False, share_prefix=shares)
            for start in range(0, len(order), batch_size):
                chosen = order[start : start + batch_size]
                batch = on_device(collator([examples[i] for i in chosen]), self.model.device)
                batch.pop("sequence_trait_ids")
                labels = batch.pop("labels")
                losses = dialogue_losses(self.model, {**batch, **arguments}, labels, len(chosen))
                means[chosen] = losses.cpu()
        return means

    def backbone_losses(self, examples: Sequence[Example]) -> Tensor:
        """The same of the backbone without its adapter."""
        with self.model.disable_adapter():
            return self.losses(examples, {})


def open_run(folder: Path, threads: int = 0) -> TrainedModel:
    """Open a finished run. Raises TrainingError if it is not one, or if any part is missing or damaged."""

    record = finished_record(folder)
    prepare_cpu(threads)
    recipe = record.config.recipe
    backbone = load(backbone_name(folder, record), precision=recipe.stored, quantise=recipe.quantise)
    ensure_template(backbone.tokenizer)
    model = load_adapters(backbone.model, {name: adapter_folder(folder, name) for name in record.adapters})
    if torch.cuda.is_available() and recipe.quantise == "none":
        model.to("cuda")
    return TrainedModel(folder, record, model, backbone.tokenizer)
