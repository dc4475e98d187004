"""The runs that are served, on one backbone.

Opens runs so that they share the backbone's weights in memory, and says for a model name what makes its run
portray that persona. It knows nothing of HTTP or of batches.
"""

import copy
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import torch
from peft.helpers import rescale_adapter_scale
from torch import Tensor

from oceanchat.errors import ConfigError
from oceanchat.traits import TRAIT_LEVELS
from preact.backbones.backbone import Backbone, load
from preact.backbones.cpu import prepare_cpu
from preact.persona import Persona, persona_label, unsaid_shares
from preact.serving.names import level_name, parse_name
from preact.systems.trained import TrainedModel, with_adapters
from preact.training.runs import RunRecord, backbone_name, finished_record
from preact.training.strengths import read_dial, untested

ADAPTER = "default"
"""The adapter of methods that have one for all trait-levels."""


class Portrait(NamedTuple):
    """What a model name comes to."""

    lane: tuple[str, str, float]
    """Prefix, adapter and scaling: conversations with the same ones share a forward pass."""
    persona: Persona
    system: str
    """The text that the method portrays by; empty where it needs none."""
    weights: Tensor | None
    """The expert weights times the strength, (N,); None without experts."""


class Roster:
    """Runs by prefix."""

    def __init__(self, runs: Mapping[str, TrainedModel]) -> None:
        self.runs = dict(runs)
        self._dials = {prefix: read_dial(run.folder) for prefix, run in runs.items()}

    def names(self) -> list[str]:
        """The ten trait-levels of each run."""
        return [f"{prefix}:{level_name(trait_level)}" for prefix in self.runs for trait_level in TRAIT_LEVELS]

    def portrait(self, name: str) -> Portrait:
        """What the name asks for. Raises ConfigError for unknown ones, and for mixtures of lora-sep."""
        prefix, persona, strength = parse_name(name)
        run = self.runs.get(prefix)
        if run is None:
            raise ConfigError(
                f"model '{name[:100]}' is not served here; the prefixes are {', '.join(self.runs)}"
            )
        # While another thread generates, nothing here may change which adapter is in force.
        if run.method.adapters == "ten":
            if len(persona) > 1:
                raise ConfigError(
                    f"model '{name[:100]}' is a mixture, and {run.record.config.method} has one adapter per"
                    " trait-level; name a single one"
                )
            return Portrait((prefix, next(iter(persona)).code, strength), persona, "", None)
        with run.portraying(persona) as portrayal:
            weights = portrayal.arguments.get("expert_weights")
        if weights is not None:
            return Portrait((prefix, ADAPTER, 1.0), persona, portrayal.system, weights * strength)
        return Portrait((prefix, ADAPTER, strength), persona, portrayal.system, None)

    @contextmanager
    def lane(self, lane: tuple[str, str, float]) -> Iterator[TrainedModel]:
        """The scope in which a lane's run answers with its adapter at its strength."""
        prefix, adapter, strength = lane
        run = self.runs[prefix]
        if run.model.active_adapter != adapter:
            run.model.set_adapter(adapter)
        if strength == 1.0:
            yield run
        else:
            with rescale_adapter_scale(run.model, strength):
                yield run

    def describe(self, name: str) -> str:
        """What a model is, in a sentence for people. Raises as `portrait` does."""
        prefix, persona, strength = parse_name(name)
        run = self.runs.get(prefix)
        notes = [untested(self._dials.get(prefix), strength)]
        if run is not None and run.method.prompted:
            notes.append(unsaid_shares(persona))
        return (
            f"A machine that simulates {persona_label(persona)} (run '{prefix}'); it is no person."
            + "".join(f" Note: {note}." for note in notes if note)
        )


def open_roster(folders: Sequence[Path], threads: int = 0) -> Roster:
    """Open finished runs of one backbone.

    Raises TrainingError as `open_run` does, ConfigError for runs of several backbones or with one name.
    """
    records = [finished_record(folder) for folder in folders]
    prefixes = run_prefixes(folders, records)
    names = [backbone_name(folder, record) for folder, record in zip(folders, records, strict=True)]
    for folder, record, name in zip(folders, records, names, strict=True):
        if _weights(record, name) != _weights(records[0], names[0]):
            raise ConfigError(
                f"run '{folder}' is on another backbone than '{folders[0]}', or holds it in other numbers;"
                " serve it in a process of its own"
            )
    prepare_cpu(threads)
    recipe = records[0].config.recipe
    backbone = load(names[0], precision=recipe.stored, quantise=recipe.quantise, spread=True)
    return Roster(
        {
            prefix: with_adapters(folder, record, _sharing(backbone) if len(records) > 1 else backbone)
            for prefix, folder, record in zip(prefixes, folders, records, strict=True)
        }
    )


def run_prefixes(folders: Sequence[Path], records: Sequence[RunRecord]) -> list[str]:
    """What stands before the colon of each run's names: its method, or its folder's name where two share one.

    Raises ConfigError where that is not enough.
    """
    methods: list[str] = [record.config.method for record in records]
    uses = Counter(methods)
    prefixes = [
        method if uses[method] == 1 else folder.resolve().name
        for method, folder in zip(methods, folders, strict=True)
    ]
    double = next((prefix for prefix, count in Counter(prefixes).items() if count > 1), None)
    if double is not None:
        raise ConfigError(f"two runs would be served as '{double}'; name each run once, or rename a folder")
    return prefixes


def _weights(record: RunRecord, name: str) -> tuple[Any, ...]:
    """What two runs have in common that stand on the same weights in memory."""
    recipe, used = record.config.recipe, record.backbone
    source = used.weights_sha256 if used is not None and used.weights_sha256 else str(Path(name).resolve())
    return source, recipe.stored, recipe.quantise


def _sharing(backbone: Backbone) -> Backbone:
    """A model of its own modules on the same weights in memory."""
    model: torch.nn.Module = backbone.model
    shared = {id(tensor): tensor for tensor in (*model.parameters(), *model.buffers())}
    return Backbone(copy.deepcopy(model, shared), copy.deepcopy(backbone.tokenizer))
