"""Memory that runs out while an adapter is trained; whole runs are in test_train."""

from pathlib import Path

import pytest
import torch

from oceanchat.errors import TrainingError
from preact.training import running
from preact.training.running import run
from tests.preact.training.test_trainer import trainer_for


def test_memory_that_runs_out_is_one_line_with_what_to_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: object, **options: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20 GiB")

    monkeypatch.setattr(running.PreactTrainer, "train", full)
    with pytest.raises(TrainingError, match="lower --micro-batch"):
        run(trainer_for(tmp_path))
