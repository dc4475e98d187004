"""The learning rate with the lowest validation loss is chosen, on the adapters that the run will train."""

from pathlib import Path

import pytest

from preact.methods import MethodName
from preact.training.metrics import read_metrics
from preact.training.train import train
from tests.preact.conftest import Run, micro_config


@pytest.mark.parametrize("method", ["preact", "lora-sep"])
def test_the_learning_rate_is_chosen_on_the_validation_split(
    method: MethodName, preact_run: Run, release_folder: Path, tmp_path: Path
) -> None:
    lines: list[str] = []
    recipe = {"learning_rate": "auto", "warmup": 0.0, "batch_size": 4, "micro_batch": 4}
    options = {"backbone": preact_run.backbone, "max_steps": 2 if method == "lora-sep" else 4}
    config = micro_config(release_folder, tmp_path / "auto", method, recipe=recipe, **options)
    record = train(config, lines.append)
    losses = {
        line.split()[2].rstrip(":"): float(line.split()[-1])
        for line in lines
        if line.startswith("learning rate") and "validation loss" in line
    }
    assert set(losses) == {"5e-05", "0.0005", "0.005"}
    chosen = min(losses, key=lambda rate: losses[rate])
    assert record.config.recipe.learning_rate == float(chosen)
    # The run itself then does what the trial did.
    metrics = read_metrics(tmp_path / "auto" / "metrics.jsonl")
    validated = [line["validation_loss"] for line in metrics if "validation_loss" in line]
    assert sum(validated) / len(validated) == pytest.approx(losses[chosen], rel=2e-2)
    assert record.final["validation_loss"] == pytest.approx(losses[chosen], rel=2e-2)
