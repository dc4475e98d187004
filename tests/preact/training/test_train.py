"""Whole runs: complete, repeatable, resumable, refused in a line."""

import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from oceanchat.errors import TrainingError
from preact.backbones.cpu import multiplies_in_bfloat16
from preact.config import TrainConfig
from preact.methods import MethodName
from preact.training.metrics import read_metrics
from preact.training.runs import RECORD, adapter_folder, finished_record, read_record, run_lock, write_record
from preact.training.train import train
from tests.forks import TRAINER, Fork
from tests.preact.conftest import RECIPE, Run, micro_config, release_rows, write_rows

TRAIN_AND_DIE = """
import os, signal, sys
from preact.backbones.pretraining import Checkpoint
from preact.config import TrainConfig
from preact.training import tiny_backbone
from preact.training.train import train
tiny_backbone.Checkpoint = lambda file: Checkpoint(file, seconds=0)
def listen(line):
    if line.startswith(sys.argv[2]):
        os.kill(os.getpid(), signal.SIGKILL)
train(TrainConfig.model_validate_json(sys.argv[1]), listen)
"""


def quiet(line: str) -> None:
    """Nothing is said."""


def tensors(folder: Path, name: str = "default") -> dict[str, torch.Tensor]:
    return load_file(adapter_folder(folder, name) / "adapter_model.safetensors")


def same(run: Path, other: Path) -> bool:
    a, b = tensors(run), tensors(other)
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


def test_a_run_folder_is_complete(preact_run: Run, release_folder: Path) -> None:
    record = finished_record(preact_run.folder)
    assert record == preact_run.record and record.steps == 10 and record.release.dialogues == 40
    assert record.config.release == str(release_folder) and record.versions["peft"].startswith("0.21")
    assert sorted(p.name for p in preact_run.folder.iterdir()) == [
        "adapter",
        "backbone",
        "metrics.jsonl",
        "run.json",
    ]
    metrics = read_metrics(preact_run.folder / "metrics.jsonl")
    lines = [line for line in metrics if "loss" in line]
    assert [line["step"] for line in lines] == list(range(1, 11))
    validated = {line["step"]: line["validation_loss"] for line in metrics if "validation_loss" in line}
    assert list(validated) == [5, 10] and record.final["validation_loss"] == validated[10]
    assert record.final.items() >= {name: lines[-1][name] for name in ("loss", "lm_loss")}.items()
    assert {"loss", "lm_loss", "expert_loss", "learning_rate", "router_learning_rate"} <= lines[0].keys()
    assert record.trained_parameters == sum(t.numel() for t in tensors(preact_run.folder).values())


def test_a_run_is_made_again_from_its_own_folder(preact_run: Run, tmp_path: Path) -> None:
    config = read_record(preact_run.folder).config.model_copy(update={"output": str(tmp_path / "again")})
    train(config, quiet)
    assert same(preact_run.folder, tmp_path / "again")


def killed_at(config: TrainConfig, step: int, prefix: str = "step") -> None:
    """Train in another process that is killed there, without a chance to tidy up.

    It sends itself the signal: sent from here, on a busy machine, it would arrive some steps later.
    """
    command = [sys.executable, "-c", TRAIN_AND_DIE, config.model_dump_json(), f"{prefix} {step}/"]
    with Fork(command, loaded=TRAINER, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        output = process.stderr.read()
    assert process.returncode == -signal.SIGKILL, output


@pytest.mark.slow
def test_killed_while_the_backbone_is_built_a_run_goes_on_too(
    preact_run: Run, release_folder: Path, tmp_path: Path
) -> None:
    config = micro_config(release_folder, tmp_path / "broken")
    killed_at(config, 5, "backbone step")
    assert read_record(tmp_path / "broken").state == "training"
    lines: list[str] = []
    train(read_record(tmp_path / "broken").config, lines.append, resume=True)
    assert "the tiny backbone goes on after step 5" in lines
    assert same(preact_run.folder, tmp_path / "broken")


@pytest.mark.slow
def test_killed_at_10_and_resumed_to_20_equals_20_straight(release_folder: Path, tmp_path: Path) -> None:
    options = {"recipe": {"epochs": 4.0, "dropout": 0.1}, "save_steps": 5}
    straight = micro_config(release_folder, tmp_path / "straight", **options)
    broken = micro_config(release_folder, tmp_path / "broken", **options)
    train(straight, quiet)
    killed_at(broken, 11)
    assert read_record(tmp_path / "broken").state == "training"
    lines: list[str] = []
    train(broken, lines.append, resume=True)
    assert any(line.startswith("step 11/") for line in lines) and not any(
        line.startswith("step 5/") for line in lines
    )
    assert same(tmp_path / "straight", tmp_path / "broken")

    def losses(name: str) -> list[tuple[float | None, ...]]:
        lines = read_metrics(tmp_path / name / "metrics.jsonl")
        parts = ("step", "loss", "lm_loss", "expert_loss", "validation_loss")
        return [tuple(line.get(part) for part in parts) for line in lines]

    assert losses("straight") == losses("broken") and len(losses("broken")) == 24


def test_lora_sep_trains_ten_adapters(runs: dict[str, Path]) -> None:
    record = finished_record(runs["lora-sep"])
    assert record.adapters == ("O+", "C+", "E+", "A+", "N+", "O-", "C-", "E-", "A-", "N-")
    open_, calm = tensors(runs["lora-sep"], "O+"), tensors(runs["lora-sep"], "N-")
    assert record.trained_parameters == 10 * sum(t.numel() for t in open_.values())
    assert any(not torch.equal(open_[name], calm[name]) for name in open_)


@pytest.mark.parametrize("method", ["preact", "lora"])
def test_products_in_bfloat16_leave_weights_in_float32(
    method: MethodName, preact_run: Run, release_folder: Path, tmp_path: Path
) -> None:
    losses = {}
    for precision in ("float32", "mixed"):
        options = {"recipe": {"precision": precision, "dropout": 0.0}, "backbone": preact_run.backbone}
        config = micro_config(release_folder, tmp_path / precision, method, **options)
        losses[precision] = train(config, quiet).final["lm_loss"]
        assert {t.dtype for t in tensors(tmp_path / precision).values()} == {torch.float32}
    assert losses["mixed"] == pytest.approx(losses["float32"], rel=0.02)
    assert losses["mixed"] != losses["float32"]


def test_auto_is_settled_by_the_machine_and_kept(preact_run: Run) -> None:
    expected = "mixed" if multiplies_in_bfloat16() else "float32"
    assert preact_run.record.config.recipe.precision == expected
    assert RECIPE.precision == "auto"


def test_a_tracker_keeps_its_files_in_the_finished_run(
    preact_run: Run, release_folder: Path, tmp_path: Path
) -> None:
    options = {"backbone": preact_run.backbone, "max_steps": 2}
    train(micro_config(release_folder, tmp_path / "run", trackers=("tensorboard",), **options), quiet)
    (events,) = (tmp_path / "run" / "tracked" / "default").glob("events*")
    assert b"train/lm_loss" in events.read_bytes()


@pytest.mark.parametrize(
    ("name", "message"), [("foo", "'foo' is not known; write one of"), ("wandb", "pip install")]
)
def test_trackers_that_cannot_be_used_are_said_before_anything_else(
    name: str, message: str, release_folder: Path, tmp_path: Path
) -> None:
    with pytest.raises(TrainingError, match=message):
        train(micro_config(release_folder, tmp_path / "run", trackers=(name,)), quiet)
    assert not (tmp_path / "run").exists()


def test_a_folder_that_exists_is_refused_and_left_alone(release_folder: Path, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(TrainingError, match="exists; use --resume"):
        train(micro_config(release_folder, tmp_path), quiet)
    assert [p.name for p in tmp_path.iterdir()] == ["notes.txt"]


def test_only_unfinished_runs_resume(preact_run: Run, release_folder: Path, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="is finished"):
        train(micro_config(release_folder, preact_run.folder), quiet, resume=True)
    with pytest.raises(TrainingError, match="no run"):
        train(micro_config(release_folder, tmp_path / "none"), quiet, resume=True)


def test_a_run_that_is_being_trained_is_left_alone(preact_run: Run, tmp_path: Path) -> None:
    write_record(tmp_path, preact_run.record.model_copy(update={"state": "training"}))
    before = (tmp_path / RECORD).read_bytes()
    config = preact_run.record.config.model_copy(update={"output": str(tmp_path)})
    with run_lock(tmp_path), pytest.raises(TrainingError, match="being trained by another process"):
        train(config, quiet, resume=True)
    assert (tmp_path / RECORD).read_bytes() == before


def test_bad_releases_leave_no_folder_behind(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(TrainingError, match="is not a release"):
        train(micro_config(tmp_path / "empty", tmp_path / "run"), quiet)
    assert not (tmp_path / "run").exists()


def test_target_modules_that_match_nothing_name_those_there_are(release_folder: Path, tmp_path: Path) -> None:
    config = micro_config(release_folder, tmp_path / "run", recipe={"target_modules": ("wq", "wk")})
    with pytest.raises(TrainingError, match=r"'wq, wk' match nothing .* down_proj, gate_proj"):
        train(config, quiet)
    assert not (tmp_path / "run").exists()  # so that the mended command runs as it stands


def test_a_scripted_release_is_allowed_and_said(tmp_path: Path) -> None:
    rows = [{**row, "provenance": {"writer": "scripted"}} for row in release_rows("train", 4)]
    write_rows(tmp_path / "scripted", "train", rows)
    lines: list[str] = []
    record = train(micro_config(tmp_path / "scripted", tmp_path / "run", max_steps=1), lines.append)
    assert record.release.scripted and any("scripted model" in line for line in lines)


def test_trait_levels_without_a_dialogue_are_said_and_recorded(preact_run: Run, tmp_path: Path) -> None:
    write_rows(tmp_path / "release", "train", release_rows("train", 1)[:8])
    lines: list[str] = []
    options = {"backbone": preact_run.backbone, "max_steps": 1}
    record = train(micro_config(tmp_path / "release", tmp_path / "run", **options), lines.append)
    assert record.release.missing == ("A-", "N-")
    assert any("no dialogue of A-, N-" in line for line in lines)


def test_the_best_epoch_is_kept_where_it_is_asked_for(
    preact_run: Run, release_folder: Path, tmp_path: Path
) -> None:
    recipe = {"learning_rate": 0.5, "schedule": "constant", "keep": "best", "epochs": 3.0}
    record = train(
        micro_config(release_folder, tmp_path / "run", recipe=recipe, backbone=preact_run.backbone), quiet
    )
    metrics = read_metrics(tmp_path / "run" / "metrics.jsonl")
    losses = {line["step"]: line["validation_loss"] for line in metrics if "validation_loss" in line}
    best = min(losses, key=lambda step: losses[step])
    assert record.kept_steps == {"default": best}
    assert record.final["validation_loss"] == losses[best]
    assert not (tmp_path / "run" / "checkpoints").exists()


def test_training_that_diverges_stops_there_and_keeps_the_last_good_checkpoint(
    preact_run: Run, release_folder: Path, tmp_path: Path
) -> None:
    recipe = {"learning_rate": 1e20, "schedule": "linear", "warmup": 0.6, "max_grad_norm": 1e30}
    options = {"backbone": preact_run.backbone, "save_steps": 1, "recipe": recipe}
    with pytest.raises(
        TrainingError, match=r"diverged at step \d+: the (loss|gradient) is .*lower --lr"
    ) as caught:
        train(micro_config(release_folder, tmp_path / "run", **options), quiet)
    assert read_record(tmp_path / "run").state == "training"
    (saved,) = re.findall(r"checkpoint is '(.*)'", str(caught.value))
    weights = load_file(Path(saved) / "adapter_model.safetensors")
    assert all(torch.isfinite(tensor).all() for tensor in weights.values())


@pytest.mark.parametrize(
    ("rate", "split", "what"),
    [(1e30, "train", "the validation loss is nan"), (1e39, "all", "weights are no numbers")],
)
def test_training_that_diverges_at_its_last_step_is_not_finished(
    preact_run: Run, release_folder: Path, tmp_path: Path, rate: float, split: str, what: str
) -> None:
    recipe = {"learning_rate": rate, "warmup": 0.0, "keep": "best" if split == "train" else "last"}
    options = {"backbone": preact_run.backbone, "train_split": split, "max_steps": 1, "recipe": recipe}
    with pytest.raises(TrainingError, match=f"diverged at step 1: {what}.*lower --lr"):
        train(micro_config(release_folder, tmp_path / "run", **options), quiet)
    assert not (tmp_path / "run" / "adapter").exists()
