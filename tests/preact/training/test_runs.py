"""Run folders: records are written whole, read back, and refused in a line."""

import json
from pathlib import Path

import pytest

from oceanchat.errors import TrainingError
from preact.training.runs import (
    RECORD,
    adapter_config,
    adapter_folder,
    backbone_name,
    finished_record,
    package_versions,
    read_record,
    run_lock,
    write_record,
)
from tests.preact.conftest import Run


def test_a_record_is_read_back_as_it_was_written(preact_run: Run, tmp_path: Path) -> None:
    write_record(tmp_path, preact_run.record)
    assert read_record(tmp_path) == preact_run.record
    assert [path.name for path in tmp_path.iterdir()] == [RECORD]


def test_a_run_that_is_not_finished_says_how_to_go_on(preact_run: Run, tmp_path: Path) -> None:
    write_record(tmp_path, preact_run.record.model_copy(update={"state": "training"}))
    with pytest.raises(TrainingError, match="preact train --resume --output"):
        finished_record(tmp_path)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"state": "finished"}'])
def test_a_damaged_record_is_one_line(text: str, tmp_path: Path) -> None:
    (tmp_path / RECORD).write_text(text)
    with pytest.raises(TrainingError, match=r"run file '.*' cannot be read"):
        read_record(tmp_path)


def test_a_run_is_trained_by_one_process_at_a_time(tmp_path: Path) -> None:
    with (
        run_lock(tmp_path),
        pytest.raises(TrainingError, match="being trained by another process"),
        run_lock(tmp_path),
    ):
        raise AssertionError("two hold it")
    with run_lock(tmp_path):
        assert list(tmp_path.iterdir()) == []


def test_a_folder_without_a_record_is_no_run(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="is not a run"):
        read_record(tmp_path)


def test_adapters_and_backbones_are_where_the_record_says(preact_run: Run, tmp_path: Path) -> None:
    assert adapter_folder(tmp_path, "default") == tmp_path / "adapter"
    assert adapter_folder(tmp_path, "O+") == tmp_path / "adapter" / "O+"
    assert backbone_name(preact_run.folder, preact_run.record) == preact_run.backbone
    other = preact_run.record.config.model_copy(update={"backbone": "owner/name"})
    assert backbone_name(tmp_path, preact_run.record.model_copy(update={"config": other})) == "owner/name"


def test_pefts_own_config_is_read_or_missed_in_one_line(preact_run: Run, tmp_path: Path) -> None:
    assert adapter_config(adapter_folder(preact_run.folder, "default"))["peft_type"] == "PREACT"
    (tmp_path / "adapter_config.json").write_text(json.dumps({"r": 8})[:-1])
    with pytest.raises(TrainingError, match="no readable adapter_config"):
        adapter_config(tmp_path)


def test_versions_name_everything_that_shapes_the_figures() -> None:
    assert {"torch", "transformers", "peft", "tokenizers"} <= package_versions().keys()
