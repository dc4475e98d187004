"""What `preact info` shows of runs with experts, without, and damaged."""

import shutil
from pathlib import Path

import pytest

from oceanchat.errors import TrainingError
from preact.systems.trained import open_run
from preact.training.information import about, lines
from preact.training.runs import adapter_folder, write_record
from tests.preact.conftest import Run


def test_expert_weights_are_the_routers_own(preact_run: Run) -> None:
    facts = about(preact_run.folder)
    rows = open_run(preact_run.folder).expert_weights()
    for shown, row in zip(facts["expert_weights"], rows.tolist(), strict=True):
        assert shown == pytest.approx(row, abs=1e-5)
    assert facts["experts"]["effective"] > 1


def test_plain_lora_has_no_experts_to_show(runs: dict[str, Path]) -> None:
    facts = about(runs["lora"])
    assert facts["expert_weights"] is None and facts["experts"] is None
    assert not any(line.startswith("experts") for line in lines(facts))


def test_without_a_router_all_experts_weigh_the_same(preact_run: Run, tmp_path: Path) -> None:
    config = preact_run.record.config.model_copy(update={"method": "no-router"})
    write_record(tmp_path, preact_run.record.model_copy(update={"config": config}))
    facts = about(tmp_path)
    assert {weight for row in facts["expert_weights"] for weight in row} == {1 / config.recipe.experts}


def test_experts_that_no_adapter_can_reach_are_shown(preact_run: Run, tmp_path: Path) -> None:
    write_record(tmp_path, preact_run.record.model_copy(update={"untouched": 36_864, "state": "training"}))
    (line,) = [line for line in lines(about(tmp_path)) if line.startswith("adapted")]
    assert line.endswith("(2 each); the feed-forward experts (36,864 parameters) stay as they are")
    assert not any("experts (" in line for line in lines(about(preact_run.folder)))


def test_a_damaged_adapter_file_is_one_line(preact_run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    shutil.copytree(preact_run.folder, folder)
    (adapter_folder(folder, "default") / "adapter_model.safetensors").write_bytes(b"cut short")
    with pytest.raises(TrainingError, match=r"adapter file '.*' cannot be read"):
        about(folder)


def test_validation_losses_are_shown_by_epoch(preact_run: Run, runs: dict[str, Path]) -> None:
    facts = about(preact_run.folder)
    assert [(v["adapter"], v["epoch"], v["step"]) for v in facts["validation"]] == [("", 1, 5), ("", 2, 10)]
    (line,) = [line for line in lines(facts) if line.startswith("validation")]
    assert line.count("(epoch") == 2 and f"{preact_run.record.final['validation_loss']:.4f}" in line
    assert not any(
        line.startswith("validation") for line in lines(about(runs["lora"]))
    )  # it had no such split


def test_what_is_special_about_a_run_has_a_line(preact_run: Run, tmp_path: Path) -> None:
    record = preact_run.record
    special = record.model_copy(
        update={
            "state": "training",
            "processes": 2,
            "kept_steps": {"O+": 5, "N-": 10},
            "adapters": ("O+", "N-"),
            "release": record.release.model_copy(update={"missing": ("A-", "N-")}),
            "config": record.config.model_copy(
                update={"recipe": record.config.recipe.model_copy(update={"keep": "best"})}
            ),
        }
    )
    write_record(tmp_path, special)
    text = "\n".join(lines(about(tmp_path)))
    for part in ("2 processes", "mean of ten adapters", "O+ step 5, N- step 10", "no dialogue of A-, N-"):
        assert part in text
