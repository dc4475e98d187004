"""Memory and disks that run out while an adapter is trained; whole runs are in test_train."""

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch

from oceanchat.errors import TrainingError
from preact.dialogues.release import read_release
from preact.training import running
from preact.training.running import run
from preact.training.train import train
from tests.preact.conftest import Run, micro_config
from tests.preact.training.test_trainer import trainer_for


@contextmanager
def files_no_longer_than(size: int) -> Iterator[None]:
    """Let every write beyond so many bytes of a file fail, as on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_memory_that_runs_out_is_one_line_with_what_to_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: object, **options: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20 GiB")

    monkeypatch.setattr(running.PreactTrainer, "train", full)
    with pytest.raises(TrainingError, match="lower --micro-batch"):
        run(trainer_for(tmp_path))


@pytest.mark.parametrize(
    ("size", "file", "read_before"),
    [
        (100, "temporary files '.*'", False),
        (100, "'.*run/run.json.*'", True),
        (100_000, "'.*run/checkpoints.*'", False),
    ],
)
def test_a_full_disk_is_one_line_and_the_same_command_goes_on(
    size: int,
    file: str,
    read_before: bool,
    preact_run: Run,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    source = preact_run.record.config.release
    options = {"backbone": preact_run.backbone, "max_steps": 2, "save_steps": 1}
    config = micro_config(Path(source), tmp_path / "run", **options)
    if read_before:
        release = read_release(source)
        monkeypatch.setattr("preact.training.train.read_release", lambda source: release)
    with (
        files_no_longer_than(size),
        pytest.raises(TrainingError, match=rf"{file} cannot be .*; make room") as failure,
    ):
        train(config, lambda line: None)
    assert "\n" not in str(failure.value) and not config_folder_is_half(tmp_path / "run")
    train(config, lambda line: None, resume=(tmp_path / "run").exists())


def config_folder_is_half(folder: Path) -> bool:
    """Whether a folder is there that can neither be trained into nor resumed."""
    return folder.exists() and not (folder / "run.json").is_file()
