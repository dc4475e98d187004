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


def test_a_damaged_adapter_file_is_one_line(preact_run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    shutil.copytree(preact_run.folder, folder)
    (adapter_folder(folder, "default") / "adapter_model.safetensors").write_bytes(b"cut short")
    with pytest.raises(TrainingError, match=r"adapter file '.*' cannot be read"):
        about(folder)
