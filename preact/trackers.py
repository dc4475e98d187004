"""Trackers that Trainer knows, such as tensorboard or wandb, opened by name for a run.

It knows nothing of what is logged, or of training.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from transformers.integrations.integration_utils import INTEGRATION_TO_CALLBACK

from oceanchat.errors import TrainingError


def open_trackers(names: Sequence[str], folder: Path) -> list[Any]:
    """A Trainer callback for each name; those that write files write them to `folder`, once training begins.

    Raises TrainingError for a tracker that is not known or not installed.
    """
    found = []
    for name in names:
        if name not in INTEGRATION_TO_CALLBACK:
            known = ", ".join(sorted(INTEGRATION_TO_CALLBACK))
            raise TrainingError(f"tracker '{name}' is not known; write one of {known}")
        try:
            tracker = INTEGRATION_TO_CALLBACK[name]()
        except (RuntimeError, ImportError, AssertionError):
            raise TrainingError(
                f"tracker '{name}' is not installed; pip install {name}, or leave --tracker {name} out"
            ) from None
        # Left alone it would write beside the checkpoints, which go when the run is finished.
        if name == "tensorboard" and tracker.logging_dir is None:
            tracker.logging_dir = str(folder)
        found.append(tracker)
    return found
