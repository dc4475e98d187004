"""The tiny backbone of a run says how long it takes."""

import re
from pathlib import Path

from preact.training.train import train
from tests.preact.conftest import micro_config


def test_building_a_backbone_says_how_long_it_takes(release_folder: Path, tmp_path: Path) -> None:
    lines: list[str] = []
    train(micro_config(release_folder, tmp_path / "run", max_steps=1), lines.append)
    steps = [line for line in lines if line.startswith("backbone step ")]
    assert len(steps) > 1 and all(re.search(r"  (\d+m)?\d+s left$", line) for line in steps[1:])
    assert any(re.fullmatch(r"the tiny backbone will take about \d+ s", line) for line in lines)
    assert steps[-1].endswith("  0s left")
