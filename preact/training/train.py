"""Train a run from release to run folder.

Read `train` top to bottom: release, backbone, adapter, Trainer, run folder. Every method stands behind
`train`: P-React and its ablations gate the experts by trait-level, `lora` switches by prompt, `lora-sep`
trains one plain adapter a trait-level. It knows nothing of the command line or of evaluation.
"""

import shutil
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from transformers import set_seed

from oceanchat.errors import OceanChatError, TrainingError
from oceanchat.traits import TRAIT_LEVELS
from preact.backbones import tiny
from preact.backbones.backbone import Backbone, load
from preact.backbones.cpu import multiplies_in_bfloat16, prepare_cpu
from preact.backbones.identity import BackboneUsed, check_same, identify_backbone
from preact.backbones.modules import Targets, find_targets
from preact.config import PAPER_RATES, TINY, TrainConfig
from preact.dialogues.batches import Example
from preact.dialogues.conversation import ensure_template
from preact.dialogues.encoding import encode_all
from preact.dialogues.release import TrainingDialogue, TrainingRelease, read_release
from preact.methods import METHODS, Method
from preact.training.adapters import adapt, with_targets
from preact.training.objective import mean_loss
from preact.training.progress import METRICS, TrainingProgress, open_trackers
from preact.training.runs import (
    BACKBONE,
    CHECKPOINTS,
    RECORD,
    TRACKED,
    ReleaseUsed,
    RunRecord,
    adapter_folder,
    backbone_name,
    package_versions,
    read_record,
    write_record,
)
from preact.training.trainer import PreactTrainer, last_checkpoint, make_trainer

Say = Callable[[str], None]


def train(config: TrainConfig, say: Say, *, resume: bool = False) -> RunRecord:
    """Train into `config.output` and return the record of the finished run.

    `say` gets what happens, a line at a time. With `resume` an unfinished run continues from its last
    checkpoint, to exactly the result it would have had. Raises TrainingError (a folder that exists, data that
    fits nothing, memory).
    """
    folder = Path(config.output)
    _claim(folder, resume)
    open_trackers(config.trackers, folder)  # a mistake in their names ends the run before anything is written
    prepare_cpu(config.threads)
    config = _with_precision(config)
    release = read_release(config.release)
    dialogues = release.split(config.train_split)
    used = ReleaseUsed(
        name=release.name,
        source=config.release,
        fingerprint=release.fingerprint,
        scripted=release.scripted,
        dialogues=len(dialogues),
        dropped=0,
    )
    _check_same_release(folder, used, resume)
    before = read_record(folder).backbone if resume and (folder / RECORD).is_file() else None
    folder.mkdir(parents=True, exist_ok=True)
    record = RunRecord(
        state="training",
        config=config,
        release=used,
        backbone=before,
        adapters=_adapter_names(METHODS[config.method]),
        versions=package_versions(),
    )
    # Written before the backbone is built, so that a run stopped there can be resumed too.
    write_record(folder, record)
    try:
        return _train(record, release, folder, say, resume)
    except OceanChatError:
        if not resume:
            _leave_no_trace(folder, config)
        raise


def _train(record: RunRecord, release: TrainingRelease, folder: Path, say: Say, resume: bool) -> RunRecord:
    config, dialogues = record.config, release.split(record.config.train_split)
    if release.scripted:
        say(
            f"note: release '{release.name}' was written by the scripted model;"
            " the run shows that things work, nothing more"
        )
    backbone = _backbone(config, folder, dialogues, say)
    identity = _identity(record, folder, backbone)
    plain = ensure_template(backbone.tokenizer)
    if plain:
        say(f"note: backbone '{config.backbone}' has no chat template; a plain one is used")
    config = with_targets(config, backbone.model)
    if config.recipe.learning_rate == "auto":
        config = _choose_rate(config, release, backbone, say)
    encodings = encode_all(backbone.tokenizer, dialogues, config.method, config.recipe)
    if encodings.dropped:
        say(f"note: {encodings.dropped} dialogues left out: not even the first answer fits the lengths")
    counts = {"dialogues": len(encodings.examples), "dropped": encodings.dropped}
    update = {
        "config": config,
        "release": record.release.model_copy(update=counts),
        "backbone": identity,
        "adapted": find_targets(backbone.model, config.recipe.target_modules).counts,
        "backbone_parameters": identity.parameters,
        "plain_template": plain,
    }
    record = record.model_copy(update=update)
    write_record(folder, record)
    for line in describe(record):
        say(line)
    return _train_adapters(record, folder, backbone, encodings.examples, say, resume)


def _leave_no_trace(folder: Path, config: TrainConfig) -> None:
    """Take back what a new run wrote when a mistake ends it before its first checkpoint."""
    checkpoints = folder / CHECKPOINTS
    if any(last_checkpoint(path) for path in checkpoints.glob("*")):
        return
    for file in (RECORD, METRICS):
        (folder / file).unlink(missing_ok=True)
    for subfolder in (CHECKPOINTS, TRACKED, *([BACKBONE] if config.backbone == TINY else [])):
        shutil.rmtree(folder / subfolder, ignore_errors=True)
    if not any(folder.iterdir()):
        folder.rmdir()


def _claim(folder: Path, resume: bool) -> None:
    if resume:
        if not folder.is_dir():
            raise TrainingError(f"there is no run '{folder}' to resume; leave --resume out to start it")
        if (folder / RECORD).is_file() and read_record(folder).state == "finished":
            raise TrainingError(f"run '{folder}' is finished; train into a new folder to train again")
    elif folder.exists() and any(folder.iterdir() if folder.is_dir() else [folder]):
        raise TrainingError(
            f"run folder '{folder}' exists; use --resume to continue it, or name another --output"
        )


def _check_same_release(folder: Path, used: ReleaseUsed, resume: bool) -> None:
    if resume and (folder / RECORD).is_file() and read_record(folder).release.fingerprint != used.fingerprint:
        raise TrainingError(
            f"release '{used.source}' is not the one that run '{folder}' began with; put it back, or"
            " train a new run"
        )


def _with_precision(config: TrainConfig) -> TrainConfig:
    """The config with a number format that fits this machine; the run keeps it wherever it goes on."""
    if config.recipe.precision != "auto":
        return config
    precision = "mixed" if multiplies_in_bfloat16() and not torch.accelerator.is_available() else "float32"
    return config.model_copy(update={"recipe": config.recipe.model_copy(update={"precision": precision})})


def _backbone(config: TrainConfig, folder: Path, dialogues: Sequence[TrainingDialogue], say: Say) -> Backbone:
    recipe = config.recipe
    if config.backbone != TINY:
        return load(config.backbone, precision=recipe.stored, quantise=recipe.quantise)
    saved = folder / BACKBONE
    if not tiny.is_tiny(str(saved)):
        shape = config.tiny
        texts = [text for source in config.pretrain_texts for text in tiny.read_texts(source)]
        say(
            f"building the tiny backbone from {len(dialogues)} dialogues and {len(texts)} more texts:"
            f" {shape.steps} steps of {shape.batch * shape.width:,} tokens,"
            f" learning rate {shape.learning_rate:g}, {recipe.precision}"
        )
        conversations = [tiny.conversation([(m.role, m.content) for m in d.messages]) for d in dialogues]

        def progress(step: int, steps: int, loss: float) -> None:
            if step == 1 or step % 50 == 0 or step == steps:
                say(f"backbone step {step}/{steps}  loss {loss:.4f}")

        mixed = recipe.precision == "mixed"
        built = tiny.build(
            texts, conversations, shape=shape, seed=config.seed, mixed=mixed, progress=progress
        )
        tiny.save(built, saved, shape, config.seed)
    # Read back even when just built, so that a resumed run starts from the same bytes.
    return load(str(saved), precision=recipe.stored, quantise=recipe.quantise)


def _identity(record: RunRecord, folder: Path, backbone: Backbone) -> BackboneUsed:
    """What the backbone is; TrainingError when the run began with another one."""
    identity = identify_backbone(backbone_name(folder, record), backbone.model, record.config.recipe.quantise)
    check_same(record.backbone, identity, str(folder))
    return identity


def _adapter_names(method: Method) -> tuple[str, ...]:
    return tuple(t.code for t in TRAIT_LEVELS) if method.adapters == "ten" else ("default",)


def _train_adapters(
    record: RunRecord, folder: Path, backbone: Backbone, examples: Sequence[Example], say: Say, resume: bool
) -> RunRecord:
    config, model = record.config, backbone.model
    pad_id = backbone.tokenizer.pad_token_id
    seconds, trained, steps = 0.0, 0, 0
    final: dict[str, float] = {}
    for index, name in enumerate(record.adapters):
        selected = [e for e in examples if name == "default" or e.trait_id == index]
        if not selected:
            raise TrainingError(
                f"the release has no dialogue of {name}; {config.method} needs some of every trait-level"
            )
        set_seed(config.seed)
        adapted = adapt(model, config)
        trained += sum(p.numel() for p in adapted.parameters() if p.requires_grad)
        trainer = make_trainer(config, folder / CHECKPOINTS / name, adapted, selected, pad_id)
        trainer.add_callback(TrainingProgress(folder, say, stage="" if name == "default" else name))
        for tracker in open_trackers(config.trackers, folder / TRACKED / name):
            trainer.add_callback(tracker)
        began = time.monotonic()
        _run(trainer, resume)
        seconds += time.monotonic() - began
        steps += trainer.state.global_step
        final = dict(trainer.last_losses)
        adapted.save_pretrained(adapter_folder(folder, name))
        (adapter_folder(folder, name) / "README.md").unlink()  # peft's form, with nothing filled in
        model = adapted.unload() if len(record.adapters) > 1 else model
    shutil.rmtree(folder / CHECKPOINTS, ignore_errors=True)
    figures = {"trained_parameters": trained, "steps": steps, "seconds": round(seconds, 2), "final": final}
    finished = record.model_copy(update={"state": "finished", **figures})
    write_record(folder, finished)
    return finished


def _run(trainer: PreactTrainer, resume: bool) -> None:
    """Train, from the last complete checkpoint when resuming; memory that runs out becomes one line."""
    start = last_checkpoint(Path(trainer.args.output_dir)) if resume else None
    try:
        trainer.train(resume_from_checkpoint=start)
    except (torch.OutOfMemoryError, MemoryError) as error:
        raise _out_of_memory() from error
    except RuntimeError as error:
        if "alloc" in str(error) and "memory" in str(error):
            raise _out_of_memory() from error
        raise


def _out_of_memory() -> TrainingError:
    return TrainingError(
        "there is not enough memory; lower --micro-batch (the batch size stays), add"
        " --gradient-checkpointing, lower --rank, or quantize the backbone with --quantize 4bit"
    )


def _choose_rate(config: TrainConfig, release: TrainingRelease, backbone: Backbone, say: Say) -> TrainConfig:
    """The config with the paper's learning rate whose adapter has the lowest loss on the validation split.

    Each rate is trained in full, as the run itself would be, and its adapter is discarded.
    """
    validation, training = (
        encode_all(backbone.tokenizer, release.split(split), config.method, config.recipe).examples
        for split in ("validation", config.train_split)
    )
    losses: dict[float, float] = {}
    for rate in PAPER_RATES:
        recipe = config.recipe.model_copy(update={"learning_rate": rate})
        trial = config.model_copy(update={"recipe": recipe})
        set_seed(config.seed)
        adapted = adapt(backbone.model, trial)
        folder = Path(config.output) / CHECKPOINTS / f"rate-{rate:g}"
        trainer = make_trainer(
            trial, folder, adapted, training, backbone.tokenizer.pad_token_id, checkpoints=False
        )
        _run(trainer, resume=False)
        losses[rate] = mean_loss(adapted, validation, trainer.data_collator, recipe.micro_batch)
        say(f"learning rate {rate:g}: validation loss {losses[rate]:.4f}")
        adapted.unload()
    best = min(losses, key=lambda rate: (losses[rate], rate))
    say(f"learning rate {best:g} is chosen")
    return config.model_copy(update={"recipe": config.recipe.model_copy(update={"learning_rate": best})})


def describe(record: RunRecord) -> list[str]:
    """What a run is about to do, a line each."""
    config = record.config
    return [
        f"method {config.method}: {config.summary}; {record.release.dialogues} dialogues; seed {config.seed}",
        f"backbone {config.backbone}: {record.backbone_parameters:,} parameters",
        f"adapted: {Targets(record.adapted).text}",
    ]
