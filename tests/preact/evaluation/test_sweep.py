"""Sweeps: each setting is trained once, measured, and drawn."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from oceanchat.errors import EvaluationError
from preact.backbones.tiny import save
from preact.evaluation.sweep import SweepPlan, _check_header
from tests.preact.conftest import release_rows, write_rows
from tests.preact.evaluation.stand_ins import TEN, call
from tests.preact.tiny_models import SHAPE, tiny_backbone, write_release


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
    assert len(json.loads(call("sweep", release, "--rank", "16", *common, "--json"))) == 4
    rows = Path("figures/sweep.csv").read_text().splitlines()
    # An answer of five tokens may be nothing that a judge scores: such a point is kept and not drawn.
    points = [json.loads(line) for line in Path("sweep/points.jsonl").read_text().splitlines()]
    assert [point["parameter"] for point in points] == ["rank", "rank", "lambda", "experts"]
    names = ["rank", "rank", "lambda"] + ['"experts'] * (points[3]["score"] is not None)
    assert [row.split(",")[0] for row in rows[1:]] == names


def test_points_made_otherwise_are_refused(
    release: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    backbone = make_backbone(tmp_path)
    common = ["--output", "sweep", "--rank", "16", "--backbone", backbone, "--max-steps", "1"]
    call("sweep", release, *common, "--threads", "1")
    header = Path("sweep/sweep.json").read_text()
    other = write_release(tmp_path / "other")
    write_rows(other, "train", release_rows("train", 1))
    for named, source, changed in (
        ("recipe.epochs (the default, now 9.0)", release, [*common, "--epochs", "9"]),
        ("options.max_steps (1, now 2)", release, [*common, "--max-steps", "2"]),
        ("backbone", release, [*common, "--backbone", "smollm2"]),
        ("release", other, common),
    ):
        with pytest.raises(EvaluationError, match=re.escape(f"made with another {named}")):
            call("sweep", source, *changed)
    assert Path("sweep/sweep.json").read_text() == header
    plan = SweepPlan(str(release), tmp_path / "sweep", {}, backbone=backbone, options={"max_steps": 1})
    _check_header(replace(plan, metric="overall", max_tokens=5))
    _check_header(plan)  # points of identification have no interview that could differ
    with pytest.raises(EvaluationError, match=r"another interview.max_tokens \(5, now 6\)"):
        _check_header(replace(plan, metric="overall", max_tokens=6))
    whole = Path(backbone, "model.safetensors").read_bytes()
    Path(backbone, "model.safetensors").write_bytes(whole[:-1] + b"!")
    with pytest.raises(EvaluationError, match=r"weights of backbone .* are not those of run"):
        call("sweep", release, *common, "--threads", "1")
    Path(backbone, "model.safetensors").write_bytes(whole)
    Path("sweep/sweep.json").unlink()
    with pytest.raises(EvaluationError, match="does not say how its points were made"):
        call("sweep", release, *common)


def make_backbone(folder: Path) -> str:
    """The micro backbone on disk."""
    save(tiny_backbone(), folder / "bb", SHAPE, 1)
    return str(folder / "bb")
