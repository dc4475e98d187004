"""Sweeps: each setting is trained once, measured, and drawn."""

from pathlib import Path

import pytest

from preact.backbones.tiny import save
from tests.preact.evaluation.stand_ins import TEN, call
from tests.preact.tiny_models import SHAPE, tiny_backbone


def test_a_sweep_trains_each_setting_once_and_draws_its_panels(
    release: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    common = ["--output", "sweep", "--backbone", make_backbone(tmp_path)]
    common += ["--max-steps", "1", "--threads", "1", "--epochs", "1"]
    first = call("sweep", release, "--rank", "16,32", *common)
    stamps = {file: file.stat().st_mtime_ns for file in Path("sweep").glob("*/run.json")}
    second = call("sweep", release, "--rank", "16,32", "--lambda", "0.1", *common)
    assert first.count("rank") == 2 and second.startswith(first) and "lambda 0.1" in second
    assert len(stamps) == 2 and all(file.stat().st_mtime_ns == stamp for file, stamp in stamps.items())
    Path("ten.csv").write_text(TEN)
    overall = ("--metric", "overall", "--inventory", "ten.csv", "--max-tokens", 5)
    call("sweep", release, "--experts", "4", "--method", "no-psl", *overall, *common)
    call("plot", "sweep", "sweep", "--output", "figures")
    rows = Path("figures/sweep.csv").read_text().splitlines()
    assert [row.split(",")[0] for row in rows[1:]] == ["rank", "rank", "lambda", '"experts']


def make_backbone(folder: Path) -> str:
    """The micro backbone on disk."""
    save(tiny_backbone(), folder / "bb", SHAPE, 1)
    return str(folder / "bb")
