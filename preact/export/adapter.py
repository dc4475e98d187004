"""A persona as a plain LoRA adapter.

A trait-level of a run, a mixture, or all ten trait-levels, in folders that any server loads. What is written
is loaded back by plain peft and compared with the run before it counts. It knows nothing of the terminal.
"""

import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

from oceanchat.errors import TrainingError
from oceanchat.traits import TRAIT_LEVELS, TraitLevel
from preact.backbones.backbone import Backbone
from preact.backbones.sources import published_name
from preact.backbones.tiny import is_tiny
from preact.export.card import card, collection_card
from preact.export.checking import check_adapter, load_plain
from preact.export.checking import merge as merge_in
from preact.export.folding import Folded, fold, write
from preact.export.gguf_adapter import write_gguf
from preact.export.server_guide import VLLM_RANKS, adapter_name, server_guide
from preact.export.truncation import held_out, lower_rank
from preact.persona import Persona, unsaid_shares
from preact.systems.scoring import example_losses
from preact.systems.trained import TrainedModel, open_run
from preact.training.strengths import read_dial, untested

GUIDE = "serve.md"


@dataclass(frozen=True)
class ExportOptions:
    """What form exports take."""

    merge: bool = False
    """The whole model with the adapter merged in, not the adapter."""
    top_experts: int | None = None
    """Keep only so many of the strongest experts; None keeps all."""
    strength: float = 1.0
    """What the adapter adds is multiplied by this; 1 is as trained."""
    rank: int | Literal["auto"] | None = None
    """Cut the adapter to this rank, or to the lowest that loses little; None leaves it."""
    max_loss: float = 0.01
    """Nats a token that the rank 'auto' may cost on the validation split."""
    gguf: bool = False
    """Also write the adapter as a GGUF file, called like its folder."""


_AS_TRAINED = ExportOptions()


class Exported(NamedTuple):
    """What an export turned out to be."""

    folder: Path
    rank: int
    difference: float
    """Largest difference of logits from the run on the check's questions, before the rank is lowered; see
    `Checked`."""
    effect: float
    """Largest difference of logits from the backbone on the same questions; 0: no effect."""
    quantization: float | None
    """What a whole model leaves behind of a run on a quantized backbone; None where nothing was."""
    cost: float | None
    """Nats a token that --top-experts costs on the validation split; None where nothing was cut."""
    notes: tuple[str, ...]
    strength: float = 1.0
    lost: float | None = None
    """Nats a token that --rank costs on the validation split; None where it was not measured."""
    size: int = 0
    """Bytes of its weights."""
    seconds: float = 0.0
    """How long it took to fold, check and cut it; the run and the backbone were open."""


def export_adapter(
    folder: Path,
    persona: Persona,
    output: Path,
    options: ExportOptions = _AS_TRAINED,
    say: Callable[[str], None] = lambda line: None,
) -> Exported:
    """Write the persona's adapter (or the whole model) to a new folder, once it is checked.

    Raises TrainingError for a folder that exists, a method that cannot, or an export that differs from the
    run or changes nothing.
    """
    with _drafted(output) as draft:
        trained = open_run(folder, exact=not options.merge)
        name = adapter_name(output.resolve().name)
        exported = _export(trained, persona, draft, options, name, None, say)
        # A whole model is served like any other.
        if not options.merge:
            _carry_backbone(trained, draft)
            guide = server_guide(trained, {"": exported.rank}, name, gguf=options.gguf)
            (draft / GUIDE).write_text(guide, encoding="utf-8")
    return exported._replace(folder=output)


def export_all(
    folder: Path,
    output: Path,
    options: ExportOptions = _AS_TRAINED,
    say: Callable[[str], None] = lambda line: None,
) -> list[Exported]:
    """Write all ten trait-levels to sub-folders of a new folder, `o-high` to `n-low`, with a card of the ten.

    The folder is there once all ten are checked; the run and the backbone that checks are opened once.
    Raises TrainingError as `export_adapter` does.
    """
    with _drafted(output) as draft:
        trained = open_run(folder, exact=not options.merge)
        backbone = None if options.merge else load_plain(trained)
        done: dict[str, Exported] = {}
        for trait_level in TRAIT_LEVELS:
            name = folder_name(trait_level)
            (draft / name).mkdir()
            exported = _export(trained, {trait_level: 1.0}, draft / name, options, name, backbone, say)
            done[name] = exported._replace(folder=output / name)
        (draft / "README.md").write_text(
            collection_card(
                trained.record,
                {name: one._asdict() for name, one in done.items()},
                options.merge,
                read_dial(folder),
            ),
            encoding="utf-8",
        )
        if not options.merge:
            _carry_backbone(trained, draft)
            guide = server_guide(trained, {name: one.rank for name, one in done.items()}, gguf=options.gguf)
            (draft / GUIDE).write_text(guide, encoding="utf-8")
    return list(done.values())


def _carry_backbone(trained: TrainedModel, draft: Path) -> None:
    """Put a tiny backbone, which is nowhere else to be had, beside the adapters, as they call it."""
    if is_tiny(trained.backbone):
        shutil.copytree(trained.backbone, draft / published_name(trained.backbone))


def folder_name(trait_level: TraitLevel) -> str:
    """What a trait-level's folder is called, and the model's name on servers: 'n-high'."""
    return f"{trait_level.trait.value.lower()}-{trait_level.level.value}"


@contextmanager
def _drafted(output: Path) -> Iterator[Path]:
    """A folder to fill; it is `output` at the end of the block, and gone after an error."""
    if output.exists():
        raise TrainingError(f"folder '{output}' exists; name another --output")
    draft = output.with_name(output.name + ".partial")
    shutil.rmtree(draft, ignore_errors=True)
    try:
        draft.mkdir(parents=True)
        yield draft
        os.replace(draft, output)
    except OSError as error:
        raise TrainingError(
            f"folder '{output}' cannot be written: {error.strerror or error}; name another --output, or make"
            " room"
        ) from None
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _export(
    trained: TrainedModel,
    persona: Persona,
    draft: Path,
    options: ExportOptions,
    name: str,
    backbone: Backbone | None,
    say: Callable[[str], None],
) -> Exported:
    start = time.monotonic()
    folded = fold(trained, persona, options.top_experts, options.strength)
    cost = cutting_cost(trained, persona, folded) if options.top_experts else None
    write(draft, trained, folded)
    say("checking the export with plain peft")
    lost = None
    if options.merge:
        checked = merge_in(draft, trained, persona, folded.weights, options.strength)
    else:
        backbone = backbone or load_plain(trained)
        checked = check_adapter(draft, trained, persona, folded.weights, backbone, options.strength)
        if options.rank is not None:
            wanted = None if options.rank == "auto" else options.rank
            examples = held_out(trained, persona)
            folded, table = lower_rank(
                draft, folded, trained, examples, backbone, wanted, options.max_loss, say
            )
            lost = table[-1].lost if table else None
    if options.gguf:
        write_gguf(draft / f"{name}.gguf", folded, trained.model.config)
    notes = _notes(trained, folded, options, persona)
    size = sum(file.stat().st_size for file in draft.glob("*.safetensors"))
    seconds = time.monotonic() - start
    exported = Exported(
        draft, int(folded.config.r), *checked, cost, notes, options.strength, lost, size, seconds
    )
    (draft / "README.md").write_text(
        card(trained.record, persona, exported._asdict(), options.merge, read_dial(trained.folder)),
        encoding="utf-8",
    )
    return exported


def cutting_cost(trained: TrainedModel, persona: Persona, folded: Folded) -> float | None:
    """Nats a token that cutting experts costs on the persona's validation dialogues; None without any."""
    examples = held_out(trained, persona)
    if not examples or folded.weights is None:
        return None
    with trained.portraying(persona) as portrayal:
        whole = example_losses(trained, examples, portrayal.arguments)
    return float((example_losses(trained, examples, {"expert_weights": folded.weights}) - whole).mean())


def _notes(
    trained: TrainedModel, folded: Folded, options: ExportOptions, persona: Persona
) -> tuple[str, ...]:
    notes = []
    rank = int(folded.config.r)
    if rank not in VLLM_RANKS:
        larger = [str(r) for r in VLLM_RANKS if r >= rank]
        advice = f"serve it with --max-lora-rank {larger[0]}" if larger else "it is above what vLLM serves"
        notes.append(f"rank {rank} is not one of the ranks that vLLM allows; {advice}")
    if trained.method.prompted:
        notes.append(
            "the adapter switches trait-levels by prompt: serve it with the system prompt in its card"
        )
        notes += [note for note in [unsaid_shares(persona)] if note]
    quantise = trained.record.config.recipe.quantise
    if quantise != "none" and not options.merge:
        notes.append(
            f"trained on the backbone in {quantise}: serve it on the backbone quantized the same way"
        )
    missing = [t.code for t in persona if t.code in trained.record.release.missing]
    if missing:
        notes.append(
            f"trained without any dialogue of {', '.join(missing)}: what it answers as that is left to chance"
        )
    if trained.record.release.scripted:
        notes.append("trained on dialogues of the scripted model: good for trying things out only")
    if options.strength == 0:
        notes.append("strength 0: it changes nothing in the backbone")
    if warning := untested(read_dial(trained.folder), options.strength):
        notes.append(warning)
    return tuple(notes)
