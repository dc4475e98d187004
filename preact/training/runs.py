"""The run folder and its record.

    run.json        config, release, backbone, versions, figures; `state` is 'finished' once all is written
    metrics.jsonl   the losses, one line per step
    adapter/        adapter, router and personality vectors (safetensors); ten folders for lora-sep
    backbone/       the tiny backbone, where the run built one
    checkpoints/    where an unfinished run continues
    tracked/        files of trackers

It reads and writes records; it loads no models and knows nothing of training.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from oceanchat.errors import TrainingError
from oceanchat.nesting import parse_json
from oceanchat.whole_files import whole_file
from preact.backbones.identity import BackboneUsed
from preact.config import TINY, TrainConfig

RECORD, ADAPTER, BACKBONE, CHECKPOINTS = "run.json", "adapter", "backbone", "checkpoints"
TRACKED = "tracked"
_PACKAGES = ("ocean-chat", "torch", "transformers", "peft", "accelerate", "tokenizers", "safetensors")


class ReleaseUsed(BaseModel):
    """The data a run was trained on."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    source: str
    fingerprint: str
    """sha256 of the release's dialogues."""
    scripted: bool
    dialogues: int
    """Dialogues trained on."""
    dropped: int
    """Dialogues of which not even the first answer fits the lengths."""
    cut: int = 0
    """Dialogues of which the last answers do not fit."""
    missing: tuple[str, ...] = ()
    """Codes of the trait-levels without any dialogue, of which the run learnt nothing."""
    sketch: tuple[str, ...] = ()
    """Of the dialogues trained on, by `preact.dialogues.overlap`; empty in older runs."""


class RunEstimate(BaseModel):
    """What a dry run expects of a training."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    trained_parameters: int
    memory_bytes: dict[str, int]
    """Of one process: weights, adapter, activations, on a CPU the process itself, and their total."""
    steps: int
    seconds: float | None
    """Of the training steps, the tiny backbone's pre-training aside; None where it was not tried, because
    processes share the weights."""
    backbone_seconds: float | None = None
    """Of the tiny backbone's pre-training, which comes before them; None of another backbone, or where
    it is as short as the trial."""


class RunRecord(BaseModel):
    """A run's config, provenance and figures."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    state: Literal["training", "finished"]
    config: TrainConfig
    release: ReleaseUsed
    backbone: BackboneUsed | None = None
    """What the backbone is; None until it is there."""
    backbone_parameters: int = 0
    """0 until the backbone is there."""
    adapted: dict[str, int] = Field(default_factory=dict)
    """The modules that are adapted: name -> how many there are."""
    untouched: int = 0
    """Parameters of feed-forward experts that are no linear modules, and so stayed as they are."""
    plain_template: bool = False
    """Whether the backbone had no chat template and got the plain one."""
    adapters: tuple[str, ...]
    """'default', or ten trait-level codes for lora-sep."""
    trained_parameters: int = 0
    """Adapter, router and personality vectors together."""
    versions: dict[str, str]
    processes: int = 1
    """How many took each step together."""
    steps: int = 0
    seconds: float = Field(default=0.0, ge=0)
    """Wall-clock of the training steps, the backbone's pre-training aside."""
    final: dict[str, float] = Field(default_factory=dict)
    """The last losses; `validation_loss`, where there is a validation split, is of the adapter kept."""
    kept_steps: dict[str, int] = Field(default_factory=dict)
    """The step after which each adapter was taken: the last, or the best one under --keep best."""

    estimate: RunEstimate | None = None
    """Of a dry run alone."""

    @property
    def tiny(self) -> bool:
        """Whether the run holds a backbone of its own."""
        return self.config.backbone == TINY


def package_versions() -> dict[str, str]:
    """The versions of everything that shapes a run's numbers."""
    versions = {}
    for name in _PACKAGES:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            versions[name] = "source"
    return versions


@contextmanager
def run_lock(folder: Path) -> Iterator[None]:
    """Hold the run folder while it is trained into; a process that ends, however, lets go of it.

    Raises TrainingError while another process holds it.
    """
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise TrainingError(
                f"run '{folder}' is being trained by another process; wait for it, or end it first"
            ) from None
        yield
    finally:
        os.close(descriptor)


def write_record(folder: Path, record: RunRecord) -> None:
    """Replace run.json in one step, so that a crash leaves the old one or the new one.

    Raises TrainingError when it cannot be written.
    """
    try:
        with whole_file(folder / RECORD) as file:
            file.write(f"{record.model_dump_json(indent=2)}\n".encode())
    except OSError as error:
        raise TrainingError(
            f"run file '{folder / RECORD}' cannot be written ({error.strerror}); make room or mend it, and"
            " run the command again"
        ) from error


def read_record(folder: Path) -> RunRecord:
    """The record of a run folder. Raises TrainingError when it is none, or of another version."""
    path = folder / RECORD
    if not path.is_file():
        raise TrainingError(
            f"folder '{folder}' is not a run: it has no {RECORD}; name one that `preact train` wrote"
        )
    try:
        return RunRecord.model_validate(parse_json(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, ValidationError):
        raise TrainingError(
            f"run file '{path}' cannot be read; restore it, or train again into a new folder"
        ) from None


def finished_record(folder: Path) -> RunRecord:
    """The record of a run that is done. Raises TrainingError for one that is not."""
    record = read_record(folder)
    if record.state != "finished":
        raise TrainingError(
            f"run '{folder}' is not finished; continue it with `preact train --resume --output {folder}`"
        )
    return record


def adapter_folder(folder: Path, name: str) -> Path:
    """Where the adapter of that name lies."""
    return folder / ADAPTER if name == "default" else folder / ADAPTER / name


def backbone_name(folder: Path, record: RunRecord) -> str:
    """The folder or Hub id to load the run's backbone from."""
    return str(folder / BACKBONE) if record.tiny else record.config.backbone


def adapter_config(folder: Path) -> dict[str, Any]:
    """peft's own config of an adapter folder, as a dictionary."""
    try:
        loaded: dict[str, Any] = parse_json((folder / "adapter_config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise TrainingError(
            f"adapter '{folder}' has no readable adapter_config.json; restore the run"
        ) from None
    return loaded
