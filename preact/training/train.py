"""Train a run from release to run folder.

Read `train` top to bottom: release, backbone, adapter, Trainer, run folder. Every method stands behind
`train`: P-React and its ablations gate the experts by trait-level, `lora` switches by prompt, `lora-sep`
trains one plain adapter a trait-level. It knows nothing of the command line or of evaluation.
"""

import shutil
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from statistics import fmean

import torch
from accelerate import PartialState
from transformers import set_seed

from oceanchat.counting import counted
from oceanchat.errors import OceanChatError, TrainingError
from preact.backbones.backbone import Backbone, Outline, load, outline
from preact.backbones.cpu import multiplies_in_bfloat16, prepare_cpu
from preact.backbones.identity import BackboneUsed, check_same, identify_backbone
from preact.backbones.modules import Targets, find_targets
from preact.config import TINY, TrainConfig
from preact.dialogues.conversation import ensure_template
from preact.dialogues.encoding import Encodings, encode_all
from preact.dialogues.overlap import sketch
from preact.dialogues.release import TrainingDialogue, TrainingRelease, read_release
from preact.methods import METHODS
from preact.training.adapters import adapt
from preact.training.interruption import starts_over_line
from preact.training.learning_rates import choose_rate
from preact.training.metrics import METRICS
from preact.training.processes import Processes, join
from preact.training.progress import OnStep, open_trackers
from preact.training.running import Session, Trained, train_adapter
from preact.training.runs import (
    BACKBONE,
    CHECKPOINTS,
    RECORD,
    TRACKED,
    ReleaseUsed,
    RunEstimate,
    RunRecord,
    backbone_name,
    package_versions,
    read_record,
    run_lock,
    write_record,
)
from preact.training.shard_weights import fill
from preact.training.sharding import shard
from preact.training.stages import AdapterData, adapter_names, check_data, missing_codes, stages, validates
from preact.training.start_up import TriedTraining, data_lines, packing_lines, trial_lines, try_training
from preact.training.tiny_backbone import TRIED_STEPS, build_tiny
from preact.training.trainer import last_checkpoint

Say = Callable[[str], None]


def train(
    config: TrainConfig,
    say: Say,
    *,
    resume: bool = False,
    dry: bool = False,
    on_step: OnStep | None = None,
) -> RunRecord:
    """Train into `config.output` and return the record of the finished run.

    `say` gets what happens, a line at a time; steps go to `on_step`, where it is given. With `resume` an
    unfinished run continues from its last checkpoint, to exactly the result it would have had. Started by
    torchrun, the processes share each step and end with what one would have. Raises TrainingError (a folder
    that exists, data that fits nothing, memory, a loss that is no number). A `dry` run says what it would do
    and leaves nothing behind.
    """
    tiny_steps = config.tiny.steps if dry else 0
    if dry:
        tried = config.tiny.model_copy(update={"steps": min(tiny_steps, TRIED_STEPS)})
        config = config.model_copy(update={"tiny": tried})
    processes = join()
    if not processes.main:
        say, on_step = _say_nothing, None
    prepare_cpu(config.threads)
    folder = Path(config.output)
    with ExitStack() as locks:
        begun: list[TrainingRelease] = []
        record = processes.once(lambda: _begin(config, folder, processes, resume, locks, begun))
        release = processes.each(lambda: begun[0] if begun else _read_too(config, record))
        try:
            tell = on_step or (lambda taken: say(taken.line))
            record = _train(record, release, Session(folder, processes, say, tell, resume, dry, tiny_steps))
            if dry and processes.main:
                _leave_no_trace(folder, config)
            return record
        except OceanChatError:
            if processes.main and not resume:
                _leave_no_trace(folder, config)
            raise
        except KeyboardInterrupt:
            if dry and processes.main:
                _leave_no_trace(folder, config)
            raise


def _read_too(config: TrainConfig, record: RunRecord) -> TrainingRelease:
    """The release as another process than the main one reads it; TrainingError where it is another one."""
    release = read_release(config.release)
    if release.fingerprint != record.release.fingerprint:
        raise TrainingError(
            f"release '{config.release}' is another one here than for the main process; give every machine"
            " the same files"
        )
    return release


def _begin(
    config: TrainConfig,
    folder: Path,
    processes: Processes,
    resume: bool,
    locks: ExitStack,
    begun: list[TrainingRelease],
) -> RunRecord:
    """Check what can be checked before anything is loaded, claim the folder and write the record.

    What was read of the release goes into `begun`: it lies in files of this process, too large to be sent.
    """
    _claim(folder, resume)
    open_trackers(config.trackers, folder)  # a mistake in their names ends the run before anything is written
    config = _with_precision(config)
    release = read_release(config.release)
    begun.append(release)
    dialogues = release.split(config.train_split)
    check_data(config, release)
    used = ReleaseUsed(
        name=release.name,
        source=config.release,
        fingerprint=release.fingerprint,
        scripted=release.scripted,
        dialogues=len(dialogues),
        dropped=0,
        sketch=sketch(dialogues),
    )
    _check_same_release(folder, used, resume)
    before = read_record(folder).backbone if resume and (folder / RECORD).is_file() else None
    folder.mkdir(parents=True, exist_ok=True)
    locks.enter_context(run_lock(folder))
    record = RunRecord(
        state="training",
        config=config,
        release=used,
        backbone=before,
        adapters=adapter_names(METHODS[config.method]),
        versions=package_versions(),
        processes=processes.size,
    )
    # Written before the backbone is built, so that a run stopped there can be resumed too.
    try:
        write_record(folder, record)
    except TrainingError:
        if not any(folder.iterdir()):
            folder.rmdir()
        raise
    return record


def _train(record: RunRecord, release: TrainingRelease, session: Session) -> RunRecord:
    config, folder, processes, say = record.config, session.folder, session.processes, session.say
    if release.scripted:
        say(
            f"note: release '{release.name}' was written by the scripted model;"
            " the run shows that things work, nothing more"
        )
    if session.resume and processes.main and (line := starts_over_line(folder)):
        say(line)
    if torch.cuda.device_count() > processes.size:
        say(
            f"note: {torch.cuda.device_count()} GPUs are visible and {processes.size} of them is used; start"
            " with `torchrun --nproc_per_node N -m preact.cli.main train` to use N"
        )
    backbone = _backbone(config, release.split(config.train_split), session)
    identity = processes.once(lambda: _identity(record, folder, backbone))
    plain = ensure_template(backbone.tokenizer)
    if plain:
        say(f"note: backbone '{config.backbone}' has no chat template; a plain one is used")
    targets = find_targets(backbone.model, config.recipe.target_modules)
    encodings, chosen = _stages(config, release, backbone, say)
    pad_id = backbone.tokenizer.pad_token_id
    _distribute(backbone, config, processes)
    report = [
        *data_lines(encodings, backbone.tokenizer, backbone.model),
        *packing_lines(config, backbone.model, encodings.examples, pad_id),
    ]
    if config.recipe.learning_rate == "auto" and not session.dry:
        config = choose_rate(config, backbone.model, pad_id, chosen, session)
    update = {
        "config": config,
        "release": _counted(record.release, encodings),
        "backbone": identity,
        "adapted": targets.counts,
        "untouched": targets.untouched,
        "backbone_parameters": identity.parameters,
        "plain_template": plain,
    }
    record = record.model_copy(update=update)
    processes.once(lambda: write_record(folder, record))
    for line in (*describe(record), *report):
        say(line)
    model = backbone.model
    trained: list[Trained] = []
    for stage in chosen:
        set_seed(config.seed)
        adapted = adapt(model, config)
        if not trained:
            trial = try_training(config, adapted, chosen, pad_id, processes.size)
            for line in trial_lines(trial, config.recipe, processes.size):
                say(line)
            if session.dry:
                return record.model_copy(update={"estimate": _estimate(trial, session)})
        trained.append(train_adapter(session, config, stage, adapted, pad_id))
        model = adapted.unload() if len(chosen) > 1 else model
    processes.wait()  # the others may still be writing beside a checkpoint
    return processes.once(lambda: _finish(record, folder, trained))


def _distribute(backbone: Backbone | Outline, config: TrainConfig, processes: Processes) -> None:
    """Bring the weights to where they train: shared among the processes, or whole on the accelerator."""
    if config.fsdp:
        shard(backbone.model, processes)
        if isinstance(backbone, Outline):
            dtype = getattr(torch, config.recipe.stored)
            processes.each(lambda: fill(backbone.model, backbone.files, dtype))
    elif config.recipe.quantise == "none":
        backbone.model.to(PartialState().device)


def _estimate(trial: TriedTraining, session: Session) -> RunEstimate:
    memory = {**trial.memory._asdict(), "total": trial.memory.total}
    return RunEstimate(
        trained_parameters=trial.trained,
        memory_bytes=memory,
        steps=trial.steps,
        seconds=trial.seconds,
        backbone_seconds=next(iter(session.tiny_seconds), None),
    )


def _counted(used: ReleaseUsed, encodings: Encodings) -> ReleaseUsed:
    counts = {
        "dialogues": len(encodings.examples),
        "dropped": encodings.dropped,
        "cut": encodings.cut,
        "missing": missing_codes(e.trait_id for e in encodings.examples),
    }
    return used.model_copy(update=counts)


def _stages(
    config: TrainConfig, release: TrainingRelease, backbone: Backbone | Outline, say: Say
) -> tuple[Encodings, list[AdapterData]]:
    def encoded(split: str) -> Encodings:
        dialogues = release.split(split)
        return encode_all(backbone.tokenizer, dialogues, config.method, config.recipe, style=config.prompt)

    training = encoded(config.train_split)
    validation = encoded("validation").examples if validates(config, release) else []
    missing = missing_codes(e.trait_id for e in training.examples)
    if missing:
        say(
            f"note: there is no dialogue of {', '.join(missing)}: the run learns nothing about it, whatever"
            " it answers"
        )
    return training, stages(METHODS[config.method], training.examples, validation)


def _say_nothing(line: str) -> None:
    """Only the main process speaks."""


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


def _backbone(
    config: TrainConfig, dialogues: Sequence[TrainingDialogue], session: Session
) -> Backbone | Outline:
    recipe, name = config.recipe, config.backbone
    if name == TINY:
        # Read back even when just built, so that a resumed run starts from the same bytes.
        name = str(session.folder / BACKBONE)
        session.processes.once(lambda: build_tiny(config, Path(name), dialogues, session))
    if config.fsdp and session.processes.size > 1:
        outlined = session.processes.each(
            lambda: outline(name, precision=recipe.stored, quantise=recipe.quantise)
        )
        if outlined is not None:
            return outlined
        session.say(
            f"note: every process reads all of backbone '{config.backbone}' before they share it: its files"
            " hold the weights in another form than they are used in"
        )
    return session.processes.each(lambda: load(name, precision=recipe.stored, quantise=recipe.quantise))


def _identity(record: RunRecord, folder: Path, backbone: Backbone | Outline) -> BackboneUsed:
    """What the backbone is; TrainingError when the run began with another one."""
    identity = identify_backbone(backbone_name(folder, record), backbone.model, record.config.recipe.quantise)
    check_same(record.backbone, identity, str(folder))
    return identity


def _finish(record: RunRecord, folder: Path, trained: Sequence[Trained]) -> RunRecord:
    """Tidy up, and write the finished record. Where there are ten adapters, `final` is the mean of theirs."""
    shutil.rmtree(folder / CHECKPOINTS, ignore_errors=True)
    names = dict.fromkeys(name for adapter in trained for name in adapter.final)
    final = {name: fmean(a.final[name] for a in trained if name in a.final) for name in names}
    figures = {
        "trained_parameters": sum(adapter.parameters for adapter in trained),
        "steps": sum(adapter.steps for adapter in trained),
        "seconds": round(sum(adapter.seconds for adapter in trained), 2),
        "final": final,
        "kept_steps": {adapter.name: adapter.step for adapter in trained},
    }
    finished = record.model_copy(update={"state": "finished", **figures})
    write_record(folder, finished)
    return finished


def describe(record: RunRecord) -> list[str]:
    """What a run is about to do, a line each."""
    config = record.config
    dialogues = counted(record.release.dialogues, "dialogue")
    lines = [
        f"method {config.method}: {config.summary}; {dialogues}; seed {config.seed}",
        f"backbone {config.backbone}: {record.backbone_parameters:,} parameters",
        f"adapted: {Targets(record.adapted, record.untouched).text}",
    ]
    if record.processes > 1:
        how = "share its weights" if config.fsdp else "each hold a copy"
        lines.append(f"{record.processes} processes take each step together and {how}")
    return lines
