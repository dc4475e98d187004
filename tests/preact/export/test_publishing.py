"""Exports go to a model repository, once each."""

from pathlib import Path

import pytest
from huggingface_hub import HfApi

from oceanchat.errors import TrainingError
from oceanchat.traits import TRAIT_LEVELS
from preact.export.adapter import export_all, folder_name
from preact.export.publishing import push_model
from tests.oceanchat.hub.hub_process import GOOD, running_hub
from tests.preact.conftest import Run

pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")


def test_an_export_is_pushed_once_under_a_tag_of_its_content(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("---\nlibrary_name: peft\n---\n# Card\n")
    (tmp_path / "adapter_config.json").write_text("{}")
    with running_hub() as hub:
        options = {"endpoint": hub.endpoint, "token": GOOD}
        first, again = (push_model(tmp_path, "ocean/adapter", **options) for _ in range(2))
        (tmp_path / "adapter_config.json").write_text('{"r": 8}')
        other = push_model(tmp_path, "ocean/adapter", **options)
    assert first.changed and not again.changed and first.tag == again.tag != other.tag
    assert first.url.endswith(f"/ocean/adapter/tree/{first.tag}") and "datasets" not in first.url


def test_ten_adapters_are_one_repository_with_ten_folders(preact_run: Run, tmp_path: Path) -> None:
    export_all(preact_run.folder, tmp_path / "ten")
    with running_hub() as hub:
        options = {"endpoint": hub.endpoint, "token": GOOD}
        published = push_model(tmp_path / "ten", "ocean/ten", **options)
        api = HfApi(endpoint=hub.endpoint, token=GOOD)
        files = api.list_repo_tree("ocean/ten", recursive=True, revision=published.tag)
        names = {file.path for file in files}
    assert {"README.md", "serve.md"} <= names
    assert {f"{folder_name(t)}/adapter_model.safetensors" for t in TRAIT_LEVELS} <= names


def test_what_is_no_export_is_not_pushed(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="is not an export"):
        push_model(tmp_path, "ocean/adapter")
